package ops

import (
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

func TestSequencesKeepCopies(t *testing.T) {
	x := tensor.FromSlice([]float32{1, 2})
	seq, err := Default().Find("", "SequenceConstruct", 11).Eval(nil, 1, x, x)
	if err != nil {
		t.Fatal(err)
	}
	seq, err = Default().Find("", "SequenceInsert", 11).Eval(nil, 1, seq[0], tensor.FromSlice([]float32{7}), tensor.Scalar[int64](-2))
	if err != nil {
		t.Fatal(err)
	}
	tensor.Of[float32](x)[0] = 99
	got, err := Default().Find("", "ConcatFromSequence", 11).Eval(Attrs{onnx.NewInt("axis", 0)}, 1, seq[0])
	if err != nil || !slices.Equal(tensor.Of[float32](got[0]), []float32{7, 1, 2, 1, 2}) {
		t.Errorf("joined %v, error %v", tensor.Of[float32](got[0]), err)
	}
}

func TestSequencePositions(t *testing.T) {
	seq := tensor.NewSequence(tensor.Int64, tensor.Scalar[int64](5), tensor.Scalar[int64](6))
	for at, want := range map[int64]int64{0: 5, 1: 6, -1: 6, -2: 5, 2: 0, -3: 0} {
		got, err := Default().Find("", "SequenceAt", 11).Eval(nil, 1, seq, tensor.Scalar(at))
		if (err == nil) != (want != 0) || err == nil && tensor.Of[int64](got[0])[0] != want {
			t.Errorf("position %d: %v, error %v", at, got, err)
		}
	}
	empty := tensor.NewSequence(tensor.Int64)
	for _, name := range []string{"SequenceErase", "ConcatFromSequence"} {
		if _, err := Default().Find("", name, 11).Eval(Attrs{onnx.NewInt("axis", 0)}, 1, empty); err == nil {
			t.Errorf("%s of an empty sequence: want an error", name)
		}
	}
}

func TestSplitSizes(t *testing.T) {
	x := tensor.FromSlice([]int32{1, 2, 3, 4, 5, 6}, 2, 3)
	split := func(s *tensor.Tensor) ([]*tensor.Tensor, error) {
		return Default().Find("", "SplitToSequence", 11).Eval(Attrs{onnx.NewInt("axis", 1)}, 1, x, s)
	}
	got, err := split(tensor.Scalar[int64](2))
	if err != nil || got[0].Len() != 2 || !slices.Equal(tensor.Of[int32](got[0].Elems()[0]), []int32{1, 2, 4, 5}) || !got[0].Elems()[1].Shape().Equal([]int{2, 1}) {
		t.Errorf("parts of 2: %v, error %v", got, err)
	}
	for _, bad := range []*tensor.Tensor{tensor.Scalar[int64](0), tensor.FromSlice([]int64{1, 1}), tensor.FromSlice([]int64{4, -1}), tensor.FromSlice([]int64{1 << 62, 1 << 62, 3})} {
		if _, err := split(bad); err == nil {
			t.Errorf("split %v: want an error", tensor.Ints(bad))
		}
	}
}

// TestSequenceElements checks that elements of one sequence are not taken to have one symbolic shape.
func TestSequenceElements(t *testing.T) {
	seq := SequenceOf(TensorType(tensor.Float32, sym.Symbol("n"), sym.Const(4)))
	c := &InferCtx{In: []Value{{Type: seq}, {Type: TensorType(tensor.Int64)}}, Out: make([]Value, 1), Fresh: freshSymbols()}
	if err := sequenceAtInfer(c); err != nil || c.Out[0].Dims[0].Has("n") || !c.Out[0].Dims[1].Equal(sym.Const(4)) {
		t.Errorf("an element is %v, error %v", c.Out[0].Type, err)
	}
}

func TestEmptyOptional(t *testing.T) {
	empty := tensor.NewOptional(tensor.Float32, nil)
	if _, err := Default().Find("", "OptionalGetElement", 18).Eval(nil, 1, empty); err == nil {
		t.Error("the element of an empty optional: want an error")
	}
	got, err := Default().Find("", "OptionalHasElement", 18).Eval(nil, 1, empty)
	if err != nil || tensor.Of[bool](got[0])[0] {
		t.Errorf("an empty optional has an element: %v, error %v", got, err)
	}
}

func TestRecurrentShapes(t *testing.T) {
	x := TensorType(tensor.Float32, sym.Symbol("b"), sym.Symbol("t"), sym.Const(3))
	w, r := TensorType(tensor.Float32, sym.Const(2), sym.Const(20), sym.Const(3)), TensorType(tensor.Float32, sym.Const(2), sym.Const(20), sym.Const(5))
	attrs := Attrs{onnx.NewString("direction", "bidirectional"), onnx.NewInt("layout", 1), onnx.NewInt("hidden_size", 5)}
	c := &InferCtx{Attrs: attrs, In: []Value{{Type: x}, {Type: w}, {Type: r}}, Out: make([]Value, 3), Fresh: freshSymbols()}
	if err := lstmInfer(c); err != nil || c.Out[0].String() != "float32[b,t,2,5]" || c.Out[2].String() != "float32[b,2,5]" {
		t.Errorf("outputs are %v and %v, error %v", c.Out[0].Type, c.Out[2].Type, err)
	}
	if err := gruInfer(c); err == nil || !strings.Contains(err.Error(), "want 15") {
		t.Errorf("a GRU with the weights of an LSTM: error %v", err)
	}
}

func TestRecurrentChecksSizes(t *testing.T) {
	x, w, r := tensor.New(tensor.Float32, 2, 3, 4), tensor.New(tensor.Float32, 1, 5, 4), tensor.New(tensor.Float32, 1, 5, 5)
	op := Default().Find("", "RNN", 14)
	if _, err := op.Eval(nil, 2, x, w, r); err != nil {
		t.Error(err)
	}
	for name, in := range map[string][]*tensor.Tensor{
		"inputs of another size": {tensor.New(tensor.Float32, 2, 3, 6), w, r},
		"a short bias":           {x, w, r, tensor.New(tensor.Float32, 1, 9)},
		"a length beyond":        {x, w, r, nil, tensor.FromSlice([]int32{1, 2, 3})},
		"a length below":         {x, w, r, nil, tensor.FromSlice([]int32{1, 2, -1})},
		"states of another size": {x, w, r, nil, nil, tensor.New(tensor.Float32, 1, 2, 5)},
		"no hidden size":         {x, w, tensor.New(tensor.Float32, 1, 5, 0)},
	} {
		if _, err := op.Eval(nil, 2, in...); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	if _, err := op.Eval(nil, 2, tensor.New(tensor.Float32, 0, 3, 4), w, r); err != nil {
		t.Errorf("no steps: %v", err)
	}
}
