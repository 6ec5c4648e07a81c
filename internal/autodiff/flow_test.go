package autodiff_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A flowCase is a graph with control flow whose gradients are compared with central differences. A graph is text:
//
//	inputs => node; node; ... => outputs
//
// with nodes "domain:Op a b -> y z | name=value name=@graph", the latter a graph of the case, and inputs "name:type", of
// which those of the main graph have a shape and a list of values where they are not random numbers:
// x:d2x3, n:i=4, c:b=1; q is a sequence.
type flowCase struct {
	name   string
	main   string
	graphs map[string]string
	opset  int // 0: 21
}

var flowTypes = map[byte]tensor.DType{'d': tensor.Float64, 'i': tensor.Int64, 'b': tensor.Bool}

// flowModel is a case with values for its inputs.
type flowModel struct {
	c        flowCase
	values   map[string]*tensor.Tensor
	names    []string // of inputs that are differentiated
	symbolic bool
}

func newFlow(t *testing.T, c flowCase) *flowModel {
	t.Helper()
	m := &flowModel{c: c, values: map[string]*tensor.Tensor{}}
	r := rand.New(rand.NewPCG(uint64(len(c.main)), 3))
	head, _, _ := strings.Cut(c.main, "=>")
	for _, w := range strings.Fields(head) {
		name, spec, _ := strings.Cut(w, ":")
		spec, list, given := strings.Cut(spec, "=")
		p := &probe{dtype: tensor.Float64}
		shape := shapeOf(spec[1:])
		if given {
			m.values[name] = p.given(fmt.Sprintf("f%s", spec[1:]+strings.Repeat("_", 1)), list)
			if spec[0] != 'd' {
				m.values[name], _ = tensor.FromFloat64s(flowTypes[spec[0]], shape, tensor.Float64s(m.values[name], shape.Len()))
			}
			continue
		}
		x := make([]float64, shape.Len())
		for i := range x {
			x[i] = math.Copysign(0.2+0.7*r.Float64(), r.NormFloat64())
		}
		m.values[name], _ = tensor.FromFloat64s(tensor.Float64, shape, x)
		m.names = append(m.names, name)
	}
	return m
}

// graph parses a graph. Only the main one has shapes.
func (m *flowModel) graph(name, text string) *onnx.Graph {
	part := strings.Split(text, "=>")
	g := &onnx.Graph{Name: name}
	for _, w := range strings.Fields(part[0]) {
		in, spec, _ := strings.Cut(w, ":")
		typ := &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(flowTypes[spec[0]])}
		if spec[0] == 'q' {
			typ = &onnx.Type{Kind: onnx.TypeSequence, Elem: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(tensor.Float64)}}
		}
		if v := m.values[in]; name == "main" {
			var dims []onnx.Dim
			for i, d := range v.Shape() {
				if m.symbolic {
					dims = append(dims, onnx.Dim{Kind: onnx.DimParam, Param: fmt.Sprintf("%s_%d", in, i)})
				} else {
					dims = append(dims, onnx.Dim{Kind: onnx.DimValue, Value: int64(d)})
				}
			}
			typ = onnx.NewTensorType(v.DType(), dims...)
		}
		g.Inputs = append(g.Inputs, &onnx.ValueInfo{Name: in, Type: typ})
	}
	for _, line := range strings.Split(part[1], ";") {
		if strings.TrimSpace(line) != "" {
			g.Nodes = append(g.Nodes, m.node(line))
		}
	}
	for _, out := range strings.Fields(part[2]) {
		g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: out})
	}
	return g
}

func (m *flowModel) node(line string) *onnx.Node {
	left, attrs, _ := strings.Cut(line, "|")
	ins, outs, _ := strings.Cut(left, "->")
	words := strings.Fields(ins)
	n := &onnx.Node{OpType: words[0], Outputs: strings.Fields(outs)}
	if domain, op, ok := strings.Cut(words[0], ":"); ok {
		n.Domain, n.OpType = domain, op
	}
	for _, in := range words[1:] {
		n.Inputs = append(n.Inputs, strings.TrimPrefix(in, "-"))
	}
	if n.OpType == "Gradient" {
		n.Domain = "ai.onnx.preview.training"
		if !strings.Contains(attrs, "xs=") {
			n.Attributes = append(n.Attributes, onnx.NewStrings("xs", n.Inputs...))
		}
	}
	for _, w := range strings.Fields(attrs) {
		name, value, _ := strings.Cut(w, "=")
		if inner, ok := strings.CutPrefix(value, "@"); ok {
			n.Attributes = append(n.Attributes, onnx.NewGraph(name, m.graph(inner, m.c.graphs[inner])))
		} else if name == "value" {
			v, _ := tensor.FromFloat64s(flowTypes[value[0]], tensor.Shape{1}, []float64{float64(value[1] - '0')})
			n.Attributes = append(n.Attributes, onnx.NewTensor(name, tensor.NewProto("", v)))
		} else if name == "xs" {
			n.Attributes = append(n.Attributes, onnx.NewStrings(name, value))
		} else {
			n.Attributes = append(n.Attributes, attributeOf(name, value))
		}
	}
	return n
}

func (m *flowModel) model() []byte {
	opset := m.c.opset
	if opset == 0 {
		opset = 21
	}
	opsets := []onnx.OpsetID{{Version: int64(opset)}, {Domain: "ai.onnx.preview.training", Version: 1}, {Domain: "ai.onnx.preview", Version: 1}}
	return onnx.Encode(&onnx.Model{IRVersion: 10, Opsets: opsets, Graph: m.graph("main", m.c.main)})
}

// run runs the model. Gradients of outputs are dy.
func (m *flowModel) run(t *testing.T, o *runtime.Options, dy map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	t.Helper()
	s, err := runtime.OpenBytes(m.model(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in := map[string]*tensor.Tensor{}
	for _, info := range s.Inputs() {
		if y, ok := strings.CutPrefix(info.Name, "dy."); ok {
			in[info.Name] = dy[y]
		} else {
			in[info.Name] = m.values[info.Name]
		}
	}
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// differences returns the gradients as central differences.
func (m *flowModel) differences(t *testing.T, dy map[string]*tensor.Tensor) map[string][]float64 {
	loss := func() float64 {
		sum := 0.0
		for name, y := range m.run(t, nil, nil) {
			if y.DType().IsFloat() {
				d := tensor.Float64s(dy[name], y.Len())
				for i, v := range tensor.Float64s(y, y.Len()) {
					sum += d[i] * v
				}
			}
		}
		return sum
	}
	const h = 1e-6
	want := map[string][]float64{}
	for _, name := range m.names {
		v := m.values[name]
		x := tensor.Float64s(v, v.Len())
		at := func(i int, by float64) float64 {
			moved := slices.Clone(x)
			moved[i] += by
			m.values[name], _ = tensor.FromFloat64s(v.DType(), v.Shape(), moved)
			return loss()
		}
		for i := range x {
			want[name] = append(want[name], (at(i, h)-at(i, -h))/(2*h))
		}
		m.values[name] = v
	}
	return want
}

// seeds makes gradients for the outputs.
func (m *flowModel) seeds(t *testing.T) map[string]*tensor.Tensor {
	r := rand.New(rand.NewPCG(7, 7))
	dy := map[string]*tensor.Tensor{}
	out := m.run(t, nil, nil)
	for _, info := range m.graph("main", m.c.main).Outputs {
		y := out[info.Name]
		x := make([]float64, y.Len())
		for i := range x {
			x[i] = r.NormFloat64()
		}
		dy[info.Name], _ = tensor.FromFloat64s(y.DType(), y.Shape(), x)
	}
	return dy
}

func (m *flowModel) check(t *testing.T) {
	t.Helper()
	dy := m.seeds(t)
	want := m.differences(t, dy)
	var first map[string]*tensor.Tensor
	for _, symbolic := range []bool{false, true} {
		m.symbolic = symbolic
		for _, o := range []runtime.Options{{Threads: 1}, {Threads: 2}, {NoOptimize: true}} {
			o.Gradients = &runtime.Gradients{Wrt: m.names}
			what := fmt.Sprintf("symbolic %v, threads %d, plain %v", symbolic, o.Threads, o.NoOptimize)
			got := m.run(t, &o, dy)
			if first == nil {
				first = got
			}
			for name, w := range want {
				g := got["grad."+name]
				compare(t, name+": "+what, tensor.Float64s(g, g.Len()), w, 1e-7)
				if o.Threads == 2 && !symbolic && !bytes.Equal(g.Bytes(), first["grad."+name].Bytes()) {
					t.Errorf("%s: two threads give other bits than one", name)
				}
			}
		}
	}
}

// TestControlFlow compares gradients through If, Loop and Scan with central differences.
func TestControlFlow(t *testing.T) {
	for _, c := range flowCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			newFlow(t, c).check(t)
		})
	}
}

// TestControlFlowRefused wants the operator and the node in the message.
func TestControlFlowRefused(t *testing.T) {
	for _, c := range []struct {
		flow flowCase
		want string
	}{
		{flowCase{main: "n:i=3 x:d3 => Loop n - x -> y | body=@f => y", graphs: map[string]string{
			"f": "i:i c:b h:d => Constant -> on | value=b1; Dropout h - on -> p; Identity c -> d => d p"}}, "no gradient through Dropout"},
		{flowCase{main: "c:b=1 x:d3 => If c -> y | then_branch=@a else_branch=@b => y", graphs: map[string]string{
			"a": "=> RandomNormalLike x -> r; Mul x r -> p => p", "b": "=> Identity x -> p => p"}}, "no gradient through RandomNormalLike"},
		{flowCase{main: "x:d3 => Optional x -> o; OptionalGetElement o -> y => y"}, "no gradient of OptionalGetElement"},
		{flowCase{main: "c:b=1 x:d3x3 => If c -> y | then_branch=@a else_branch=@b => y", graphs: map[string]string{
			"a": "=> Unique x -> p => p", "b": "=> ReduceSum x -> p | keepdims=0 => p"}}, "no gradient of Unique"},
	} {
		m := newFlow(t, c.flow)
		_, err := runtime.OpenBytes(m.model(), &runtime.Options{Gradients: &runtime.Gradients{}})
		var missing *ops.UnsupportedError
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
