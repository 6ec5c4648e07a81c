// Package onnxpb holds bindings of the ONNX messages made by protoc-gen-go. They are the oracle of the codec
// tests: no other code may import them. The proto package is called onnxrun.test.onnx, so that a program
// which links another binding of ONNX does not register the same names twice. It imports no package of this
// module.
//
// The proto file is onnx.proto and onnx-data.proto of ONNX 1.23.2 (Apache-2.0) in one, with that package
// name.
package onnxpb

//go:generate protoc --go_out=paths=source_relative:. onnxrun_test_onnx.proto
//go:generate mv onnxrun_test_onnx.pb.go zonnx.pb.go
