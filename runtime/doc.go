// Package runtime opens ONNX models and runs them.
//
//	s, err := runtime.Open("model.onnx", nil)
//	out, err := s.Run(ctx, map[string]*tensor.Tensor{"x": x})
//
// A Session is a model that has been checked, optimised and bound to kernels. It may be used by many
// goroutines at once. The package shares its name with one of the standard library; programs that import
// both can use the root package of this module instead, which forwards to it.
//
// It imports internal/opt, internal/plan and what these import, and knows no operator by name.
package runtime
