package onnxgo

import (
	"errors"
	"fmt"
	"testing"

	onnx "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxrun/onnxrun/ops"
)

// builder makes graphs the way onnx-go does.
type builder struct {
	t *testing.T
	*Graph
}

func build(t *testing.T) *builder { return &builder{t, NewGraph()} }

// value adds a node, with a tensor if there is one.
func (b *builder) value(name string, t gorgonia.Tensor) *Node {
	n := b.NewNode().(*Node)
	n.SetName(name)
	b.AddNode(n)
	if t != nil {
		if err := n.SetTensor(t); err != nil {
			b.t.Fatal(err)
		}
	}
	return n
}

// apply adds an operator from in to the nodes out.
func (b *builder) apply(name string, attrs map[string]any, in []*Node, out ...*Node) error {
	list := make([]graph.Node, len(out))
	for i, o := range out {
		for k, n := range in {
			b.SetWeightedEdge(b.NewWeightedEdge(o, n, float64(k)))
		}
		list[i] = o
	}
	return b.ApplyOperation(onnx.Operation{Name: name, Attributes: attrs}, list...)
}

func (b *builder) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func dense(shape []int, v any) *gorgonia.Dense {
	return gorgonia.New(gorgonia.WithShape(shape...), gorgonia.WithBacking(v))
}

func want(t *testing.T, n *Node, text string) {
	t.Helper()
	got := "nil"
	if v := n.GetTensor(); v != nil {
		got = fmt.Sprintf("%v %v", v.Shape(), v.Data())
	}
	if got != text {
		t.Errorf("%s is %s, want %s", n, got, text)
	}
}

// TestRuns changes inputs, their sizes and a constant between runs, and asks for an inner value.
func TestRuns(t *testing.T) {
	b := build(t)
	x := b.value("x", dense([]int{2}, []float32{0, 0}))
	c := b.value("c", dense([]int{2}, []float32{1, 10}))
	square, y := b.value("square", nil), b.value("y", nil)
	b.must(b.apply("Mul", nil, []*Node{x, x}, square)) // gonum's graphs keep one of the two edges
	b.must(b.apply("Add", nil, []*Node{square, c}, y))
	b.must(x.SetTensor(dense([]int{2}, []float32{2, 3})))
	b.must(b.Run())
	want(t, y, "(2) [5 19]")
	want(t, square, "(2) [4 9]")

	b.must(x.SetTensor(dense([]int{2}, []float32{4, 5})))
	b.must(b.Run())
	want(t, y, "(2) [17 35]")
	want(t, square, "(2) [16 25]")

	for _, rows := range []int{1, 3} { // another rank, then an open dimension
		v := make([]float32, 2*rows)
		v[0] = 1
		b.must(x.SetTensor(dense([]int{rows, 2}, v)))
		b.must(b.Run())
	}
	s := b.session
	want(t, y, "(3, 2) [2 10 1 10 1 10]")
	b.must(x.SetTensor(dense([]int{5, 2}, make([]float32, 10))))
	b.must(b.Run())
	if b.session != s {
		t.Error("a third size of an open dimension made another session")
	}
	b.must(c.SetTensor(dense([]int{2}, []float32{7, 8})))
	b.must(x.SetTensor(dense([]int{1, 2}, []float32{0, 0})))
	b.must(b.Run())
	want(t, y, "(1, 2) [7 8]")
}

// TestViews feeds tensors whose elements do not lie in row order.
func TestViews(t *testing.T) {
	m := dense([]int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
	turned := m.Clone().(*gorgonia.Dense)
	if err := turned.T(); err != nil {
		t.Fatal(err)
	}
	column, err := m.Slice(nil, cut{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := dense([]int{3, 2}, []float32{1, 2, 3, 4, 5, 6}).Slice(cut{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		in   gorgonia.Tensor
		want string
	}{
		{turned, "(3, 2) [-1 -4 -2 -5 -3 -6]"},
		{column, "(2) [-2 -5]"},
		{rows, "(2, 2) [-3 -4 -5 -6]"},
		{gorgonia.New(gorgonia.FromScalar(float32(3))), "() -3"},
	} {
		b := build(t)
		x, y := b.value("x", nil), b.value("y", nil)
		b.must(b.apply("Neg", nil, []*Node{x}, y))
		b.must(x.SetTensor(tc.in))
		b.must(b.Run())
		want(t, y, tc.want)
	}
}

// TestLeftOut has absent inputs and outputs, an operator without inputs, one of ai.onnx.ml, and conversions.
func TestLeftOut(t *testing.T) {
	b := build(t)
	none := b.value("", nil)
	x := b.value("x", dense([]int{1, 3}, []float32{3, 1, 2}))
	lowest := b.value("min", dense(nil, []float32{2}))
	k := b.value("k", dense([]int{1}, []int64{0})) // declared int64, fed as float32
	values, index, y := b.value("values", nil), b.value("index", nil), b.value("y", nil)
	made := b.value("/input", nil) // what onnx-go makes up
	one, sum := b.value("one", nil), b.value("sum", nil)
	scaled := b.value("scaled", nil)
	b.must(b.apply("TopK", nil, []*Node{x, k}, none, index))
	b.must(b.apply("Clip", nil, []*Node{x, lowest, none}, y))
	b.must(b.apply("Constant", map[string]any{"value": gorgonia.Tensor(dense([]int{1}, []float32{1}))}, []*Node{made}, one))
	b.must(b.apply("Add", nil, []*Node{x, one}, sum))
	b.must(b.apply("Scaler", map[string]any{"offset": []float32{1}, "scale": []float32{2}}, []*Node{x}, scaled))
	b.must(k.SetTensor(dense([]int{1}, []float32{2})))
	b.must(b.Run())
	want(t, index, "(1, 2) [0 2]")
	want(t, y, "(1, 3) [3 2 2]")
	want(t, sum, "(1, 3) [4 2 3]")
	want(t, scaled, "(1, 3) [4 0 2]")
	if values.GetTensor() != nil {
		t.Error("a node of no operator has a value")
	}
	b.must(k.SetTensor(dense([]int{1}, []float32{1.5})))
	if err := b.Run(); err == nil {
		t.Error("1.5 became an int64")
	}
}

// TestRefused are graphs that cannot be run; errors of the kind that onnx-go looks for are marked.
func TestRefused(t *testing.T) {
	vector := func() gorgonia.Tensor { return dense([]int{2}, []float32{1, 2}) }
	for _, tc := range []struct {
		name    string
		missing bool // *onnx.ErrNotImplemented
		try     func(b *builder) error
	}{
		{"unknown operator", true, func(b *builder) error {
			return b.apply("Frobnicate", nil, []*Node{b.value("x", vector())}, b.value("y", nil))
		}},
		{"attribute of no version", true, func(b *builder) error {
			return b.apply("Relu", map[string]any{"slope": float32(1)}, []*Node{b.value("x", vector())}, b.value("y", nil))
		}},
		{"attribute without a type", true, func(b *builder) error {
			return b.apply("Relu", map[string]any{"alpha": struct{}{}}, []*Node{b.value("x", vector())}, b.value("y", nil))
		}},
		{"forms of different times", true, func(b *builder) error {
			x := b.value("x", vector())
			b.must(b.apply("TopK", map[string]any{"k": int64(1)}, []*Node{x}, b.value("a", nil), b.value("b", nil)))
			b.must(b.apply("Clip", nil, []*Node{x, b.value("c", vector())}, b.value("y", nil)))
			return b.Run()
		}},
		{"input without a tensor", false, func(b *builder) error {
			b.must(b.apply("Relu", nil, []*Node{b.value("x", nil)}, b.value("y", nil)))
			return b.Run()
		}},
		{"shapes that do not fit", false, func(b *builder) error {
			b.must(b.apply("Add", nil, []*Node{b.value("x", vector()), b.value("c", dense([]int{3}, []float32{1, 2, 3}))}, b.value("y", nil)))
			return b.Run()
		}},
		{"gap in the inputs", false, func(b *builder) error {
			x, y := b.value("x", vector()), b.value("y", nil)
			b.SetWeightedEdge(b.NewWeightedEdge(y, x, 1))
			return b.ApplyOperation(onnx.Operation{Name: "Relu"}, y)
		}},
		{"output that is its own input", false, func(b *builder) error {
			y := b.value("y", nil)
			b.SetWeightedEdge(weighted{y, y})
			b.must(b.ApplyOperation(onnx.Operation{Name: "Constant", Attributes: map[string]any{"value_int": int64(1)}}, b.value("z", nil)))
			return b.ApplyOperation(onnx.Operation{Name: "Relu"}, y)
		}},
		{"no tensor", false, func(b *builder) error { return b.value("x", nil).SetTensor(nil) }},
		{"two operators for one value", false, func(b *builder) error {
			x, y := b.value("x", vector()), b.value("y", nil)
			b.must(b.apply("Relu", nil, []*Node{x}, y))
			b.must(b.apply("Neg", nil, []*Node{x}, y))
			return b.Run()
		}},
	} {
		err := tc.try(build(t))
		_, missing := err.(*onnx.ErrNotImplemented) //nolint:errorlint // onnx-go asserts the type itself
		if err == nil || tc.missing && !missing {
			t.Errorf("%s: %v (%T)", tc.name, err, err)
		}
	}
}

// A cut is a range of rows or columns.
type cut struct{ from, to int }

func (c cut) Start() int { return c.from }
func (c cut) End() int   { return c.to }
func (c cut) Step() int  { return 1 }

// A weighted is an edge that gonum's graphs would not take.
type weighted struct{ from, to graph.Node }

func (w weighted) From() graph.Node         { return w.from }
func (w weighted) To() graph.Node           { return w.to }
func (w weighted) Weight() float64          { return 0 }
func (w weighted) ReversedEdge() graph.Edge { return weighted{w.to, w.from} }

// TestOwnOperator runs an operator of the caller that panics: an error, not the end of the program.
func TestOwnOperator(t *testing.T) {
	b := build(t)
	b.Options.Ops = []ops.Op{{
		Domain: "my", Name: "Boom", Since: 1,
		Infer: func(c *ops.InferCtx) error { c.SetType(0, c.Type(0)); return nil },
		Kernel: func(*ops.KernelCtx) (ops.Kernel, error) {
			return ops.Kernel{Run: func(*ops.Call) error { panic("boom") }}, nil
		},
	}}
	x, y := b.value("x", nil), b.value("y", nil)
	b.must(b.apply("Boom", nil, []*Node{x}, y))
	b.must(x.SetTensor(dense([]int{2}, []float32{1, 2})))
	err := b.Run()
	var node *ops.NodeError
	if !errors.As(err, &node) {
		t.Errorf("%v, want a NodeError", err)
	}
}
