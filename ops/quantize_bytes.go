package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// direct reports whether x converts between float32 and bytes with float32 arithmetic and a scale for runs of elements,
// which one kernel does without a tile between.
func (x *quantCall) direct() bool {
	from, to := x.x.DType(), x.y.DType()
	if x.inverse {
		from, to = to, from
	}
	return from == tensor.Float32 && (to == tensor.Int8 || to == tensor.Uint8) && (x.precision == 0 || x.precision == tensor.Float32)
}

// runs converts n elements from element lo on, run by run, or nothing if each of them has a scale of its own.
func (x *quantCall) runs(lo, n int) bool {
	for end := lo + n; lo < end; {
		count, from, wide := x.segment(lo)
		if wide {
			return false
		}
		hi := min(lo+count, end)
		zero := float32(0)
		if x.zero != nil {
			zero = x.zero[from]
		}
		x.bytes(lo, hi, x.scale[from], zero)
		lo = hi
	}
	return true
}

// bytes converts elements lo to hi.
func (x *quantCall) bytes(lo, hi int, scale, zero float32) {
	signed := tensor.Int8
	switch {
	case x.inverse && x.x.DType() == signed:
		vec.Dequantize(tensor.Of[float32](x.y)[lo:hi], tensor.Of[int8](x.x)[lo:hi], scale, zero)
	case x.inverse:
		vec.Dequantize(tensor.Of[float32](x.y)[lo:hi], tensor.Of[uint8](x.x)[lo:hi], scale, zero)
	case x.y.DType() == signed:
		vec.Quantize(tensor.Of[int8](x.y)[lo:hi], tensor.Of[float32](x.x)[lo:hi], scale, zero)
	default:
		vec.Quantize(tensor.Of[uint8](x.y)[lo:hi], tensor.Of[float32](x.x)[lo:hi], scale, zero)
	}
}
