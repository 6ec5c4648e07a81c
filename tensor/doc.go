// Package tensor holds ONNX values: dense tensors of every ONNX element type, sparse tensors, sequences,
// optionals and maps, with typed views and the file formats that carry them.
//
// It knows no graph and no operator. Of this module it imports tensor/num and internal/pb only.
package tensor
