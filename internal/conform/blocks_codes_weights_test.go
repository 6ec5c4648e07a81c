package conform_test

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// codedWeights replaces constants that a node reads by codes and a DequantizeLinear: of one scale, of a scale for each element of
// an axis, or for blocks of an axis; biases by codes in int32.
func (m *blockModel) codedWeights(n *onnx.Node, often int) {
	if !slices.Contains([]string{"Conv", "ConvTranspose", "MatMul", "Gemm", "Gather", "Add", "Mul"}, n.OpType) {
		return
	}
	for i, name := range n.Inputs {
		k := slices.IndexFunc(m.main.Initializers, func(p *tensor.Proto) bool { return p.Name == name })
		if k < 0 || m.main.Initializers[k].DType() != tensor.Float32 || !m.chance(often) ||
			slices.ContainsFunc(m.main.Inputs, func(v *onnx.ValueInfo) bool { return v.Name == name }) {
			continue
		}
		x, err := m.main.Initializers[k].Value()
		switch {
		case err != nil || x.Len() == 0:
		case i == 2:
			n.Inputs[i] = m.codedBias(x)
		case x.Rank() > 1:
			n.Inputs[i] = m.codedMatrix(x)
		}
	}
}

// codedBias returns the name of x in steps of a small scale.
func (m *blockModel) codedBias(x *tensor.Tensor) string {
	q := tensor.New(tensor.Int32, x.Shape()...)
	for i, v := range tensor.Of[float32](x) {
		tensor.Of[int32](q)[i] = int32(v * 1024)
	}
	out := m.name("w")
	m.node("DequantizeLinear", "", []string{out}, m.constant(q), m.constant(tensor.FromSlice([]float32{1. / 1024})))
	return out
}

// codedMatrix returns the name of x as codes, or of a pair that rounds it.
func (m *blockModel) codedMatrix(x *tensor.Tensor) string {
	r := codeRange{shape: x.Shape(), elem: tensor.Float32}
	for _, v := range tensor.Of[float32](x) {
		r.lo, r.hi = min(r.lo, float64(v)), max(r.hi, float64(v))
	}
	if m.chance(15) {
		out := m.name("w")
		m.pair(m.constant(x), out, r)
		return out
	}
	d, least, most := m.codeType()
	if m.opset >= 21 && m.chance(30) {
		d, least, most = tensor.Int4, -8, 7
		if m.chance(50) {
			d, least, most = tensor.Uint4, 0, 15
		}
	}
	shape := x.Shape()
	axis, block := m.r.IntN(x.Rank()), 0
	scales := tensor.Shape{}
	switch k := m.r.IntN(10); {
	case k < 3 || m.opset < 13:
	case k < 7 || m.opset < 21:
		block, scales = 1, tensor.Shape{shape[axis]}
	default:
		block = m.one(1, 2, 3, 16, 32, shape[axis])
		scales = shape.Clone()
		scales[axis] = (shape[axis] + block - 1) / block
	}
	span := max(r.hi-r.lo, 1e-2) / float64(most-least)
	s, z := tensor.New(tensor.Float32, scales...), make([]float64, scales.Len())
	for i := range z {
		tensor.Of[float32](s)[i] = float32(span * (1 + 0.2*m.r.Float64()))
		z[i] = float64(least+most+1)/2 + float64(m.r.IntN(5)-2)
	}
	codes := make([]float64, x.Len())
	for i, v := range tensor.Of[float32](x) {
		at := place(shape, scales, axis, block, i)
		codes[i] = min(max(math.RoundToEven(float64(v)/float64(tensor.Of[float32](s)[at]))+z[at], float64(least)), float64(most))
	}
	q, err := tensor.FromFloat64s(d, shape, codes)
	zero, err2 := tensor.FromFloat64s(d, scales, z)
	if err != nil || err2 != nil {
		panic(fmt.Sprint(err, err2))
	}
	attrs, out := "", m.name("w")
	if len(scales) > 0 {
		if attrs = fmt.Sprintf("axis=%d", axis); m.chance(30) {
			attrs = fmt.Sprintf("axis=%d", axis-x.Rank())
		}
	}
	if len(scales) > 1 || len(scales) == 1 && x.Rank() == 1 {
		attrs += fmt.Sprintf(" block_size=%d", block)
	}
	m.node("DequantizeLinear", attrs, []string{out}, m.constant(q), m.constant(s), m.constant(zero))
	return out
}

// place returns which of the scales is that of element i.
func place(shape, scales tensor.Shape, axis, block, i int) int {
	inner := shape[axis+1:].Len()
	a := i / inner % shape[axis]
	switch len(scales) {
	case 0:
		return 0
	case 1:
		return a
	}
	return (i/inner/shape[axis]*scales[axis]+a/block)*inner + i%inner
}
