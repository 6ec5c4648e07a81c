package tensor_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

// TestDeferred reads the elements of a tensor that makes them when they are asked for, in each of the ways to read them.
func TestDeferred(t *testing.T) {
	for name, read := range map[string]func(x *tensor.Tensor) []float32{
		"Of":    tensor.Of[float32],
		"Bytes": func(x *tensor.Tensor) []float32 { x.Bytes(); return tensor.Of[float32](x) },
		"Clone": func(x *tensor.Tensor) []float32 { return tensor.Of[float32](x.Clone()) },
		"second header": func(x *tensor.Tensor) []float32 {
			var y tensor.Tensor
			y.ResetTo(x)
			return tensor.Of[float32](&y)
		},
		"Reshaped": func(x *tensor.Tensor) []float32 { y, _ := x.Reshaped(2, 1); return tensor.Of[float32](y) },
		"LittleEndian": func(x *tensor.Tensor) []float32 {
			b := tensor.LittleEndian(x)
			return []float32{math.Float32frombits(binary.LittleEndian.Uint32(b)), math.Float32frombits(binary.LittleEndian.Uint32(b[4:]))}
		},
		"Float64s": func(x *tensor.Tensor) []float32 {
			f := tensor.Float64s(x, 2)
			return []float32{float32(f[0]), float32(f[1])}
		},
	} {
		elems, made := make([]float32, 2), 0
		x := tensor.Deferred(elems, tensor.Shape{2}, func() { made++; elems[1] = 5 })
		if x.Start() == nil || x.Len() != 2 || made != 0 {
			t.Errorf("%s: the elements were made %d times before they were read", name, made)
		}
		if got := read(x); !slices.Equal(got, []float32{0, 5}) || made == 0 {
			t.Errorf("%s: %v after %d calls", name, got, made)
		}
		x.SetData(make([]byte, 8))
		if made = 0; tensor.Of[float32](x)[1] != 0 || made > 0 {
			t.Errorf("%s: other storage was filled", name)
		}
	}
}
