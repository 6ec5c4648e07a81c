package conform_test

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// constant adds a tensor of the model, as an initializer or a node.
func (m *blockModel) constant(x *tensor.Tensor) string {
	name := m.name("c")
	if m.chance(15) {
		m.g.Nodes = append(m.g.Nodes, &onnx.Node{OpType: "Constant", Outputs: []string{name}, Attributes: []*onnx.Attribute{onnx.NewTensor("value", tensor.NewProto("", x))}})
		return name
	}
	m.g.Initializers = append(m.g.Initializers, tensor.NewProto(name, x))
	return name
}

func (m *blockModel) ints(n ...int) string {
	x := tensor.New(tensor.Int64, len(n))
	for i, k := range n {
		tensor.Of[int64](x)[i] = int64(k)
	}
	return m.constant(x)
}

// number is a constant of one element, of rank 0 or 1.
func (m *blockModel) number(x float64) string {
	if m.chance(30) {
		return m.constant(m.as(tensor.FromSlice([]float32{float32(x)}, 1)))
	}
	return m.scalar(x)
}

func (m *blockModel) scalar(x float64) string {
	t := tensor.New(tensor.Float32)
	tensor.Of[float32](t)[0] = float32(x)
	return m.constant(m.as(t))
}

// as converts x to the element type of the model, whole numbers towards zero.
func (m *blockModel) as(x *tensor.Tensor) *tensor.Tensor {
	if m.elem == tensor.Float32 {
		return x
	}
	f := tensor.Float64s(x, x.Len())
	if m.whole() {
		f = slices.Clone(f)
		for i := range f {
			f[i] = math.Trunc(f[i])
		}
	}
	y, err := tensor.FromFloat64s(m.elem, x.Shape(), f)
	if err != nil {
		panic(err)
	}
	return y
}

// weight is a constant of random numbers, now and then one that another node reads too, one that is computed, or an input.
func (m *blockModel) weight(lo, hi float64, shape ...int) string {
	if m.chance(15) {
		for _, w := range m.weights {
			if w.shape.Equal(shape) && lo < 0 {
				return w.name
			}
		}
	}
	f := randomFloats(m.r, shape, lo, hi)
	x := m.as(f)
	var name string
	switch k := m.r.IntN(40); {
	case k == 0 && lo < 0:
		name = m.feed(blockFeed{fixed: x}, m.elem).name
	case k == 1:
		w := m.constant(x)
		name = m.name("w")
		m.node("Mul", "", []string{name}, w, m.scalar(0.9))
	case k == 2 && len(shape) == 2:
		y := tensor.New(tensor.Float32, shape[1], shape[0])
		for i := range shape[0] {
			for j := range shape[1] {
				tensor.Of[float32](y)[j*shape[0]+i] = tensor.Of[float32](f)[i*shape[1]+j]
			}
		}
		w := m.constant(m.as(y))
		name = m.name("w")
		m.node("Transpose", "perm=1,0", []string{name}, w)
	case k == 3:
		w := m.constant(halves(f))
		name = m.name("w")
		m.node("Cast", fmt.Sprintf("to=%d", m.elem), []string{name}, w)
	case k == 4 && lo < 0 && m.g == m.main: // an input with a default
		name = m.constant(x)
		if !slices.ContainsFunc(m.g.Initializers, func(p *tensor.Proto) bool { return p.Name == name }) {
			break
		}
		var dims []onnx.Dim
		for _, n := range shape {
			dims = append(dims, onnx.FixedDim(int64(n)))
		}
		m.g.Inputs = append(m.g.Inputs, &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(m.elem, dims...)})
	case k == 5 && m.opset >= 13 && m.elem == tensor.Float32 && len(shape) > 1 && shape[0] > 0:
		name = m.dequantized(f)
	default:
		name = m.constant(x)
	}
	if lo < 0 {
		m.weights = append(m.weights, blockValue{name, shape})
	}
	return name
}

// halves returns x in half precision.
func halves(x *tensor.Tensor) *tensor.Tensor {
	y, err := tensor.FromFloat64s(tensor.Float16, x.Shape(), tensor.Float64s(x, x.Len()))
	if err != nil {
		panic(err)
	}
	return y
}

// dequantized returns the name of x rounded to bytes, with a scale for each element of its first axis.
func (m *blockModel) dequantized(x *tensor.Tensor) string {
	shape := x.Shape()
	q, scale := tensor.New(tensor.Int8, shape...), tensor.New(tensor.Float32, shape[0])
	rows := tensor.Of[float32](x)
	n := len(rows) / shape[0]
	for i := range shape[0] {
		top := float32(1e-3)
		for _, v := range rows[i*n : i*n+n] {
			top = max(top, v, -v)
		}
		tensor.Of[float32](scale)[i] = top / 127
		for j, v := range rows[i*n : i*n+n] {
			tensor.Of[int8](q)[i*n+j] = int8(v / top * 127)
		}
	}
	qn, sn := m.constant(q), m.constant(scale)
	name := m.name("w")
	m.node("DequantizeLinear", "axis=0", []string{name}, qn, sn)
	return name
}

// matrix is a weight that keeps the size of what it multiplies, over n products.
func (m *blockModel) matrix(n int, shape ...int) string {
	a := math.Sqrt(3 / float64(max(n, 1)))
	return m.weight(-a, a, shape...)
}
