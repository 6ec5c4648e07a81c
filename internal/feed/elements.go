package feed

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// reader returns a function that reads element i of a dense tensor as a value for JSON, or nil for element
// types that have none.
func reader(t *tensor.Tensor) func(int) any {
	switch t.DType() {
	case tensor.Float64:
		s := tensor.Raw[float64](t)
		return func(i int) any { return finite(s[i]) }
	case tensor.Float32:
		s := tensor.Raw[float32](t)
		return func(i int) any { return finite(float64(s[i])) }
	case tensor.Float16:
		s := tensor.Raw[tensor.Float16Bits](t)
		return func(i int) any {
			var wide [1]float32
			vec.FromFloat16(wide[:], s[i:i+1])
			return finite(float64(wide[0]))
		}
	case tensor.BFloat16:
		s := tensor.Raw[tensor.BFloat16Bits](t)
		return func(i int) any {
			var wide [1]float32
			vec.FromBFloat16(wide[:], s[i:i+1])
			return finite(float64(wide[0]))
		}
	case tensor.Bool:
		s := tensor.Raw[uint8](t)
		return func(i int) any { return s[i] }
	case tensor.Int8:
		return plain[int8](t)
	case tensor.Int16:
		return plain[int16](t)
	case tensor.Int32:
		return plain[int32](t)
	case tensor.Int64:
		return plain[int64](t)
	case tensor.Uint8:
		return plain[uint8](t)
	case tensor.Uint16:
		return plain[uint16](t)
	case tensor.Uint32:
		return plain[uint32](t)
	case tensor.Uint64:
		return plain[uint64](t)
	}
	return nil
}

func plain[T tensor.Element](t *tensor.Tensor) func(int) any {
	s := tensor.Raw[T](t)
	return func(i int) any { return s[i] }
}

func finite(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return x
}
