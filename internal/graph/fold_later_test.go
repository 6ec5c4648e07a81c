package graph

import (
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// transposed returns a node that transposes a constant matrix, and its output.
func transposed(in *Value) (*Node, *Value) {
	shape := in.Const.Shape()
	out := &Value{Name: in.Name + "'", Value: ops.Value{Type: ops.TypeOf(tensor.New(tensor.Float32, shape[1], shape[0]))}}
	n := &Node{Type: "Transpose", Op: ops.Default().Find("", "Transpose", 13), Attrs: ops.Attrs{onnx.NewInts("perm", 1, 0)}, In: []*Value{in}, Out: []*Value{out}}
	out.From = n
	return n, out
}

// TestFoldLater folds two transpositions and a view of the last: nothing is computed until somebody reads the result, which is
// computed again after it was given back, and what lies in between never stays.
func TestFoldLater(t *testing.T) {
	const rows, cols = 512, 300
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(i)
	}
	a := &Value{Name: "a", Value: ops.ConstValue(tensor.FromSlice(x, rows, cols))}
	first, b := transposed(a)
	if !first.FoldLater(true) || b.Derived == nil {
		t.Fatal("a large transposition is not folded later")
	}
	second, c := transposed(b)
	if !second.FoldLater(true) {
		t.Fatal("a transposition of it is not folded later")
	}
	d := &Value{Name: "d", Value: ops.Value{Type: ops.TypeOf(tensor.New(tensor.Float32, rows*cols))}}
	view := &Node{Type: "Flatten", Op: &ops.Op{Flags: ops.View}, In: []*Value{c}, Out: []*Value{d}}
	if err := view.Fold(); err != nil || d.Derived != c.Derived {
		t.Fatalf("a view is not what it is a view of: %v", err)
	}
	for range 2 {
		d.Read(func() {
			if !slices.Equal(tensor.Of[float32](d.Const), x) {
				t.Error("other elements")
			}
		})
		d.Derived.Discard()
	}
	if b.Derived.filled.Load() {
		t.Error("what lies in between stays in memory")
	}
	small := &Value{Name: "small", Value: ops.ConstValue(tensor.New(tensor.Float32, 4, 4))}
	if n, _ := transposed(small); n.FoldLater(true) {
		t.Error("a small transposition is folded later")
	}
}

// TestFoldLaterBounded adds up a constant with itself over and over: what would be computed for each reader again is folded at once.
func TestFoldLaterBounded(t *testing.T) {
	v := &Value{Name: "v", Value: ops.ConstValue(tensor.New(tensor.Float32, 1<<16))}
	for range 6 {
		out := &Value{Value: ops.Value{Type: v.Type}}
		n := &Node{Type: "Add", Op: ops.Default().Find("", "Add", 14), In: []*Value{v, v}, Out: []*Value{out}}
		if !n.FoldLater(true) {
			return
		}
		v = out
	}
	t.Error("no bound for what is computed again")
}

// TestFoldLaterFails does not put off what cannot be computed: who folds at once is told why.
func TestFoldLaterFails(t *testing.T) {
	big := &Value{Name: "x", Value: ops.ConstValue(tensor.New(tensor.Float32, 512, 512))}
	bound := &Value{Name: "bound", Value: ops.ConstValue(tensor.New(tensor.Float32, 7))}
	out := &Value{Name: "y", Value: ops.Value{Type: big.Type}}
	n := &Node{Name: "clip", Type: "Clip", Op: ops.Default().Find("", "Clip", 13), In: []*Value{big, bound}, Out: []*Value{out}}
	if n.FoldLater(false) {
		t.Error("a Clip with seven bounds is folded later")
	}
	if err := n.Fold(); err == nil {
		t.Error("a Clip with seven bounds is folded")
	}
}
