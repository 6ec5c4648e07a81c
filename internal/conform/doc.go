// Package conform runs conformance cases: folders and archives of ONNX cases with recorded inputs and
// outputs, weight-stripped models with reference outputs, and invalid models that must be refused.
//
// It may import everything of the library; today these are internal/feed, onnx, ops, runtime and tensor.
package conform
