// Package onnxgo is a backend for github.com/owulveryck/onnx-go: programs written for that library run their
// models with onnxrun by changing one import.
//
//	import gorgonnx "github.com/onnxrun/onnxrun/adapters/onnxgo" // was github.com/owulveryck/onnx-go/backend/x/gorgonnx
//
//	backend := gorgonnx.NewGraph()
//	model := onnx.NewModel(backend)
//	err := model.UnmarshalBinary(b)
//	err = model.SetInput(0, input)
//	err = backend.Run()
//	output, err := model.GetOutputTensors()
//
// onnx-go reads the file itself and hands over operators without the version of their operator set and without
// their domain. Graph.Opset says which version is meant; without it the newest one up to 10, the time of onnx-go,
// is taken that has all operators with the given attributes and numbers of inputs, else the oldest above. Graph
// attributes (If, Loop, Scan), sequences and float16 do not get through onnx-go. A new program is better off
// with the package onnxrun, which has none of these limits.
//
// The package may import everything of the module, onnx-go, gonum's graphs and gorgonia's tensors; nothing of
// the module imports it.
package onnxgo
