package autodiff_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxRandom bounds the elements of the values in a random graph, so that differences stay cheap.
const maxRandom = 48

// A randomValue is a float64 value of a random graph.
type randomValue struct {
	name  string
	shape tensor.Shape
}

// A randomGraph grows by nodes of operators with derivatives everywhere, whose inputs are chosen among all values so
// far: values are shared, broadcast, moved and summed.
type randomGraph struct {
	r      *rand.Rand
	g      *onnx.Graph
	values []randomValue
	inputs map[string]*tensor.Tensor
	count  int
}

// newRandomGraph makes a graph of a number of steps, each of one or a few nodes, whose outputs are the last value and
// another one.
func newRandomGraph(seed uint64, steps int) *randomGraph {
	b := &randomGraph{r: rand.New(rand.NewPCG(seed, 11)), g: &onnx.Graph{Name: "g"}, inputs: map[string]*tensor.Tensor{}}
	for range 2 + b.r.IntN(2) {
		shape := make(tensor.Shape, 1+b.r.IntN(3))
		for i := range shape {
			shape[i] = 1 + b.r.IntN(4)
		}
		b.input(shape)
	}
	for range steps {
		b.step()
	}
	last := len(b.values) - 1
	b.output(b.values[last])
	b.output(b.values[b.r.IntN(last)])
	return b
}

// input adds a differentiated input with numbers from -1.5 to 1.5.
func (b *randomGraph) input(shape tensor.Shape) randomValue {
	v := randomValue{b.name(), shape.Clone()}
	x := make([]float64, shape.Len())
	for i := range x {
		x[i] = 3*b.r.Float64() - 1.5
	}
	b.inputs[v.name], _ = tensor.FromFloat64s(tensor.Float64, shape, x)
	b.g.Inputs = append(b.g.Inputs, &onnx.ValueInfo{Name: v.name, Type: onnx.NewTensorType(tensor.Float64, dimsOf(shape)...)})
	b.values = append(b.values, v)
	return v
}

func dimsOf(shape tensor.Shape) []onnx.Dim {
	var dims []onnx.Dim
	for _, n := range shape {
		dims = append(dims, onnx.Dim{Kind: onnx.DimValue, Value: int64(n)})
	}
	return dims
}

func (b *randomGraph) output(v randomValue) {
	name := b.name()
	b.g.Nodes = append(b.g.Nodes, &onnx.Node{OpType: "Identity", Inputs: []string{v.name}, Outputs: []string{name}})
	b.g.Outputs = append(b.g.Outputs, &onnx.ValueInfo{Name: name})
}

func (b *randomGraph) name() string {
	b.count++
	return fmt.Sprintf("v%d", b.count)
}

// ints adds a constant list.
func (b *randomGraph) ints(v ...int) string {
	name, list := b.name(), make([]int64, len(v))
	for i, x := range v {
		list[i] = int64(x)
	}
	b.g.Initializers = append(b.g.Initializers, tensor.NewProto(name, tensor.FromSlice(list, len(list))))
	return name
}

// node adds a node with attributes as attributeOf reads them.
func (b *randomGraph) node(shape tensor.Shape, op string, attrs map[string]string, in ...string) randomValue {
	out := randomValue{b.name(), shape.Clone()}
	n := &onnx.Node{OpType: op, Inputs: in, Outputs: []string{out.name}}
	for name, value := range attrs {
		n.Attributes = append(n.Attributes, attributeOf(name, value))
	}
	b.g.Nodes = append(b.g.Nodes, n)
	return out
}

// keep makes a value available to later steps; large ones are averaged first, some others bounded.
func (b *randomGraph) keep(v randomValue) {
	for v.shape.Len() > maxRandom {
		axis := 0
		for i, n := range v.shape {
			if n > v.shape[axis] {
				axis = i
			}
		}
		shape := v.shape.Clone()
		shape[axis] = 1
		v = b.node(shape, "ReduceMean", nil, v.name, b.ints(axis))
	}
	if b.r.IntN(3) == 0 {
		v = b.node(v.shape, "Tanh", nil, v.name)
	}
	b.values = append(b.values, v)
}

// pick chooses a value, late ones more often, of at least the given rank.
func (b *randomGraph) pick(rank int) randomValue {
	for range 20 {
		n := len(b.values)
		v := b.values[n-1-int(float64(n)*b.r.Float64()*b.r.Float64())]
		if len(v.shape) >= rank {
			return v
		}
	}
	return b.input(tensor.Shape{2, 3, 2}[:max(rank, 1)])
}

func (b *randomGraph) axis(v randomValue) int { return b.r.IntN(len(v.shape)) }

// broadcast returns the shape of an elementwise result, false if there is none.
func broadcast(a, b tensor.Shape) (tensor.Shape, bool) {
	out := make(tensor.Shape, max(len(a), len(b)))
	for i := range out {
		out[len(out)-1-i] = 1
		for _, s := range []tensor.Shape{a, b} {
			if i >= len(s) || s[len(s)-1-i] == 1 {
				continue
			}
			n := s[len(s)-1-i]
			if at := &out[len(out)-1-i]; *at == 1 {
				*at = n
			} else if *at != n {
				return nil, false
			}
		}
	}
	return out, true
}

// finite reports whether all numbers of the values are so.
func finite(values map[string]*tensor.Tensor) bool {
	for _, t := range values {
		for _, v := range tensor.Float64s(t, t.Len()) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
	}
	return true
}
