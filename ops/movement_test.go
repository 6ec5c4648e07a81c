package ops_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// known is a constant input, list one whose integer elements are known as expressions, of a value of unknown elements.
func known[T tensor.Element](v ...T) ops.Value { return ops.ConstValue(tensor.FromSlice(v)) }

func scalar[T tensor.Element](v T) ops.Value { return ops.ConstValue(tensor.Scalar(v)) }

func list(e ...sym.Expr) ops.Value {
	return ops.Value{Type: ops.TensorType(tensor.Int64, sym.Const(int64(len(e)))), Elems: e}
}

func of(d tensor.DType, dims ...sym.Expr) ops.Value {
	return ops.Value{Type: ops.TensorType(d, dims...)}
}

var (
	symB, symN, symP = sym.Symbol("b"), sym.Symbol("n"), sym.Symbol("p")
	absent           = ops.Value{}
)

func num(n int64) sym.Expr { return sym.Const(n) }

// inferred returns the outputs of one operator as text: "type = elements".
func inferred(name string, opset, outs int, attrs ops.Attrs, in ...ops.Value) (string, error) {
	op := ops.Default().Find("", name, opset)
	fresh := 0
	c := &ops.InferCtx{Attrs: attrs, In: in, Out: make([]ops.Value, outs), Fresh: func() ops.Dim {
		fresh++
		return sym.Symbol(fmt.Sprintf("f%d", fresh))
	}}
	err := op.Infer(c)
	var text []string
	for _, v := range c.Out {
		s := v.Type.String()
		if v.Elems != nil {
			s += fmt.Sprintf(" = %v", v.Elems)
		}
		text = append(text, s)
	}
	return strings.Join(text, "; "), err
}

func TestMovementInfer(t *testing.T) {
	f := tensor.Float32
	x := of(f, symB, symN, num(768))
	ints := func(name string, v ...int64) *onnx.Attribute { return onnx.NewInts(name, v...) }
	for _, c := range []struct {
		name  string
		opset int
		attrs ops.Attrs
		in    []ops.Value
		want  string
	}{
		{"Shape", 15, nil, []ops.Value{x}, "int64[3] = [b n 768]"},
		{"Shape", 15, ops.Attrs{onnx.NewInt("start", -2), onnx.NewInt("end", 9)}, []ops.Value{x}, "int64[2] = [n 768]"},
		{"Size", 13, nil, []ops.Value{x}, "int64[] = [768*b*n]"},
		{"Reshape", 14, nil, []ops.Value{x, list(num(0), num(0), num(12), num(-1))}, "float32[b,n,12,64]"},
		{"Reshape", 14, nil, []ops.Value{x, list(symB, num(-1), num(768))}, "float32[b,n,768]"},
		{"Reshape", 14, nil, []ops.Value{x, list(num(-1), num(768))}, "float32[b*n,768]"},
		{"Reshape", 14, nil, []ops.Value{x, of(tensor.Int64, num(2))}, "float32[f1,f2]"},
		{"Reshape", 14, nil, []ops.Value{x, of(tensor.Int64, num(1))}, "float32[768*b*n]"},
		{"Reshape", 14, nil, []ops.Value{list(symN), known[int64]()}, "int64[] = [n]"},
		{"Flatten", 13, ops.Attrs{onnx.NewInt("axis", -1)}, []ops.Value{x}, "float32[b*n,768]"},
		{"Squeeze", 13, nil, []ops.Value{list(symN), known[int64](0)}, "int64[] = [n]"},
		{"Squeeze", 13, nil, []ops.Value{of(f, symB, num(1))}, "float32[?]"},
		{"Unsqueeze", 13, nil, []ops.Value{x, known[int64](-1, 0)}, "float32[1,b,n,768,1]"},
		{"Gather", 13, ops.Attrs{onnx.NewInt("axis", 0)}, []ops.Value{list(symB, symN), scalar[int64](-1)}, "int64[] = [n]"},
		{"Gather", 13, ops.Attrs{onnx.NewInt("axis", 1)}, []ops.Value{x, of(tensor.Int64, symP)}, "float32[b,p,768]"},
		{"Concat", 13, ops.Attrs{onnx.NewInt("axis", 0)}, []ops.Value{list(symB), known[int64](-1, 4)}, "int64[3] = [b -1 4]"},
		{"Concat", 13, ops.Attrs{onnx.NewInt("axis", -2)}, []ops.Value{of(f, symB, symP, num(8)), of(f, symB, symN, num(8))}, "float32[b,n+p,8]"},
		{"Slice", 13, nil, []ops.Value{x, known[int64](0), list(symP), known[int64](1)}, "float32[b,min(n,p),768]"},
		{"Slice", 13, nil, []ops.Value{x, known[int64](-1), known[int64](math.MaxInt64), known[int64](1)}, "float32[b,min(n,1),768]"},
		{"Slice", 13, nil, []ops.Value{x, known[int64](2), known[int64](math.MaxInt64), known[int64](1)}, "float32[b,max(n,2)-2,768]"},
		{"Slice", 13, nil, []ops.Value{x, known[int64](0), known[int64](-1), known[int64](1)}, "float32[b,max(n,1)-1,768]"},
		{"Slice", 13, nil, []ops.Value{x, known[int64](-1), known[int64](math.MinInt64), known[int64](2), known[int64](-2)}, "float32[b,n,384]"},
		{"Slice", 13, nil, []ops.Value{x, of(tensor.Int64, num(1)), known[int64](3), known[int64](1)}, "float32[b,f1,768]"},
		{"Slice", 13, nil, []ops.Value{list(symB, symN, symP), known[int64](-1), known[int64](math.MinInt64), known[int64](0), known[int64](-1)}, "int64[3] = [p n b]"},
		{"Slice", 1, ops.Attrs{ints("starts", 1), ints("ends", 3)}, []ops.Value{list(symB, symN, symP)}, "int64[2] = [n p]"},
		{"Expand", 13, nil, []ops.Value{of(f, num(1), symN, num(1)), list(symB, num(1), symN, symP)}, "float32[b,1,n,p]"},
		{"Expand", 13, nil, []ops.Value{of(f, symN), list(symP)}, "float32[max(n,p)*min(n,p,1)]"},
		{"Expand", 13, nil, []ops.Value{of(f, symN), list(symN.Min(num(512)))}, "float32[n]"},
		{"Tile", 13, nil, []ops.Value{x, list(num(1), symP, num(2))}, "float32[b,n*p,1536]"},
		{"ConstantOfShape", 9, nil, []ops.Value{list(symB, symN)}, "float32[b,n]"},
		{"Range", 11, nil, []ops.Value{scalar[int64](0), {Type: ops.TensorType(tensor.Int64), Elems: []sym.Expr{symN}}, scalar[int64](1)}, "int64[n]"},
		{"Range", 11, nil, []ops.Value{scalar[int64](3), scalar[int64](0), scalar[int64](-1)}, "int64[3] = [3 2 1]"},
		{"Range", 11, nil, []ops.Value{scalar[float32](0), scalar[float32](1), scalar[float32](0.3)}, "float32[4]"},
		{"Pad", 18, nil, []ops.Value{x, list(num(1), symP), absent, known[int64](1)}, "float32[b,n+p+1,768]"},
		{"Transpose", 13, ops.Attrs{ints("perm", 2, 0, 1)}, []ops.Value{x}, "float32[768,b,n]"},
		{"TopK", 11, nil, []ops.Value{x, list(symP)}, "float32[b,n,p]; int64[b,n,p]"},
		{"OneHot", 11, nil, []ops.Value{of(tensor.Int64, symB), scalar[float32](10), of(f, num(2))}, "float32[b,10]"},
		{"NonZero", 13, nil, []ops.Value{x}, "int64[3,f2]"},
	} {
		outs := strings.Count(c.want, ";") + 1
		got, err := inferred(c.name, c.opset, outs, c.attrs, c.in...)
		if err != nil || got != c.want {
			t.Errorf("%s %v: got %s, %v, want %s", c.name, c.in, got, err, c.want)
		}
	}
}

func TestSplitInfer(t *testing.T) {
	x := of(tensor.Float32, symB, num(7))
	axis := onnx.NewInt("axis", 1)
	for _, c := range []struct {
		opset int
		attrs ops.Attrs
		in    []ops.Value
		want  string
	}{
		{18, ops.Attrs{axis, onnx.NewInt("num_outputs", 3)}, []ops.Value{x}, "float32[b,3]; float32[b,3]; float32[b,1]"},
		{13, ops.Attrs{axis}, []ops.Value{x, known[int64](1, 2, 4)}, "float32[b,1]; float32[b,2]; float32[b,4]"},
		{11, ops.Attrs{axis, onnx.NewInts("split", 1, 2, 4)}, []ops.Value{x}, "float32[b,1]; float32[b,2]; float32[b,4]"},
		{13, nil, []ops.Value{list(symB, symN, symP)}, "int64[1] = [b]; int64[1] = [n]; int64[1] = [p]"},
	} {
		got, err := inferred("Split", c.opset, 3, c.attrs, c.in...)
		if err != nil || got != c.want {
			t.Errorf("Split %v: got %s, %v, want %s", c.attrs, got, err, c.want)
		}
	}
}

func TestMovementErrors(t *testing.T) {
	x := tensor.New(tensor.Float32, 2, 3)
	i64 := func(v ...int64) *tensor.Tensor { return tensor.FromSlice(v) }
	for _, c := range []struct {
		name  string
		attrs ops.Attrs
		in    []*tensor.Tensor
	}{
		{"Reshape", nil, []*tensor.Tensor{x, i64(4)}},
		{"Reshape", nil, []*tensor.Tensor{x, i64(-1, -1)}},
		{"Reshape", nil, []*tensor.Tensor{x, i64(1, 2, 0)}},
		{"Reshape", nil, []*tensor.Tensor{x, i64(-1, 4)}},
		{"Squeeze", nil, []*tensor.Tensor{x, i64(0)}},
		{"Unsqueeze", nil, []*tensor.Tensor{x, i64(1, 1)}},
		{"Transpose", ops.Attrs{onnx.NewInts("perm", 0, 0)}, []*tensor.Tensor{x}},
		{"Gather", nil, []*tensor.Tensor{x, i64(2)}},
		{"Gather", nil, []*tensor.Tensor{x, i64(-3)}},
		{"GatherElements", nil, []*tensor.Tensor{x, tensor.FromSlice([]int64{5}, 1, 1)}},
		{"GatherND", nil, []*tensor.Tensor{x, tensor.FromSlice([]int64{0, 3}, 1, 2)}},
		{"GatherND", nil, []*tensor.Tensor{x, tensor.FromSlice([]int64{0, 0, 0}, 1, 3)}},
		{"ScatterND", nil, []*tensor.Tensor{x, tensor.FromSlice([]int64{2}, 1, 1), tensor.New(tensor.Float32, 1, 3)}},
		{"ScatterElements", nil, []*tensor.Tensor{x, tensor.FromSlice([]int64{2}, 1, 1), tensor.New(tensor.Float32, 1, 1)}},
		{"Concat", ops.Attrs{onnx.NewInt("axis", 0)}, []*tensor.Tensor{x, tensor.New(tensor.Float32, 2, 4)}},
		{"Split", ops.Attrs{onnx.NewInt("axis", 1)}, []*tensor.Tensor{x, i64(5)}},
		{"Slice", nil, []*tensor.Tensor{x, i64(0), i64(1), i64(0), i64(0)}},
		{"Slice", nil, []*tensor.Tensor{x, i64(0), i64(1), i64(2)}},
		{"Expand", nil, []*tensor.Tensor{x, i64(4)}},
		{"Expand", nil, []*tensor.Tensor{x, i64(-1)}},
		{"Tile", nil, []*tensor.Tensor{x, i64(1)}},
		{"Tile", nil, []*tensor.Tensor{x, i64(1, -1)}},
		{"Pad", nil, []*tensor.Tensor{x, i64(0, -4, 0, 0)}},
		{"Pad", ops.Attrs{onnx.NewString("mode", "reflect")}, []*tensor.Tensor{tensor.New(tensor.Float32, 0), i64(1, 1)}},
		{"ConstantOfShape", nil, []*tensor.Tensor{i64(-1)}},
		{"Range", nil, []*tensor.Tensor{tensor.Scalar[int64](0), tensor.Scalar[int64](5), tensor.Scalar[int64](0)}},
		{"Range", nil, []*tensor.Tensor{tensor.Scalar[float32](0), tensor.Scalar(float32(math.Inf(1))), tensor.Scalar[float32](1)}},
		{"TopK", nil, []*tensor.Tensor{x, i64(4)}},
		{"CumSum", nil, []*tensor.Tensor{x, i64(2)}},
		{"Compress", nil, []*tensor.Tensor{tensor.New(tensor.Float32, 1), tensor.FromSlice([]bool{true, true})}},
		{"OneHot", nil, []*tensor.Tensor{i64(1), tensor.Scalar(int64(-2)), tensor.New(tensor.Float32, 2)}},
	} {
		op := ops.Default().Find("", c.name, 23)
		if _, err := op.Eval(c.attrs, 1, c.in...); err == nil || strings.Contains(err.Error(), "unsupported") {
			t.Errorf("%s: got error %v for wrong inputs", c.name, err)
		}
	}
}

func TestMovementAllocatesNothing(t *testing.T) {
	x := tensor.New(tensor.Float32, 4, 64, 96)
	small := tensor.New(tensor.Float32, 2, 3)
	i64 := func(v ...int64) *tensor.Tensor { return tensor.FromSlice(v) }
	two := tensor.FromSlice([]int64{0, 1, 1, 0}, 2, 2)
	for _, c := range []struct {
		name  string
		outs  int
		attrs ops.Attrs
		in    []*tensor.Tensor
	}{
		{"Shape", 1, nil, []*tensor.Tensor{x}},
		{"Constant", 1, ops.Attrs{onnx.NewInt("value_int", 3)}, nil},
		{"ConstantOfShape", 1, nil, []*tensor.Tensor{i64(3, 4)}},
		{"Expand", 1, nil, []*tensor.Tensor{small, i64(100, 200, 2, 3)}},
		{"Tile", 1, nil, []*tensor.Tensor{x, i64(2, 1, 3)}},
		{"Concat", 1, ops.Attrs{onnx.NewInt("axis", 1)}, []*tensor.Tensor{x, x}},
		{"Split", 2, ops.Attrs{onnx.NewInt("axis", 1)}, []*tensor.Tensor{x}},
		{"Slice", 1, nil, []*tensor.Tensor{x, i64(1), i64(60), i64(1), i64(2)}},
		{"Pad", 1, nil, []*tensor.Tensor{x, i64(0, 1, 1, 0, 1, 1)}},
		{"Pad", 1, ops.Attrs{onnx.NewString("mode", "reflect")}, []*tensor.Tensor{x, i64(0, 1, 1, 0, 1, 1)}},
		{"Transpose", 1, nil, []*tensor.Tensor{x}},
		{"Gather", 1, nil, []*tensor.Tensor{x, i64(1, 2)}},
		{"GatherElements", 1, nil, []*tensor.Tensor{small, two}},
		{"GatherND", 1, nil, []*tensor.Tensor{small, two}},
		{"ScatterElements", 1, nil, []*tensor.Tensor{small, two, tensor.New(tensor.Float32, 2, 2)}},
		{"ScatterND", 1, nil, []*tensor.Tensor{small, two, tensor.New(tensor.Float32, 2)}},
		{"TopK", 2, nil, []*tensor.Tensor{x, i64(5)}},
		{"CumSum", 1, nil, []*tensor.Tensor{x, i64(1)}},
		{"Range", 1, nil, []*tensor.Tensor{tensor.Scalar[int64](0), tensor.Scalar[int64](5), tensor.Scalar[int64](1)}},
		{"OneHot", 1, nil, []*tensor.Tensor{i64(1, 2), tensor.Scalar(int64(7)), tensor.New(tensor.Float32, 2)}},
		{"Trilu", 1, nil, []*tensor.Tensor{x}},
		{"ReverseSequence", 1, nil, []*tensor.Tensor{small, i64(2, 1, 2)}},
	} {
		run := bound(t, c.name, c.outs, c.attrs, c.in)
		if n := testing.AllocsPerRun(20, run); n != 0 {
			t.Errorf("%s: %v allocations in a run", c.name, n)
		}
	}
}

// bound returns a run of an operator on fixed inputs, with two threads.
func bound(t testing.TB, name string, outs int, attrs ops.Attrs, in []*tensor.Tensor) func() {
	op := ops.Default().Find("", name, 23)
	out, err := op.Eval(attrs, outs, in...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	k := &ops.KernelCtx{Attrs: attrs, In: make([]ops.Value, len(in)), Out: make([]ops.Value, outs)}
	for i, x := range in {
		k.In[i] = ops.Value{Type: ops.TypeOf(x)}
	}
	for i, y := range out {
		k.Out[i] = ops.Value{Type: ops.TypeOf(y)}
	}
	kernel, err := op.Kernel(k)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	call := &ops.Call{In: in, Out: out, Threads: 2, Ctx: context.Background(), Memory: ops.Heap{}}
	return func() {
		if err := kernel.Run(call); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
