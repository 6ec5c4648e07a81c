// Package onnx turns bytes into a Model and back: a reader and a writer of the ONNX protobuf format over
// mapped files, external data, a structural checker and a text dump.
//
// Weights are not copied: tensors alias the mapped file and are decoded when they are asked for. Unknown
// fields are kept and written back. The package knows no operator beyond the schemas of onnx/schema; of
// this module it imports tensor, internal/mmap, internal/pb and onnx/schema.
package onnx
