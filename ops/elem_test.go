package ops

import (
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// inferElem runs the shape function of an operator on values that need not be constant.
func inferElem(t *testing.T, name string, opset int, attrs Attrs, in ...Value) (Value, error) {
	t.Helper()
	c := &InferCtx{Attrs: attrs, In: in, Out: make([]Value, 1), Fresh: freshSymbols()}
	err := Default().Find("", name, opset).Infer(c)
	return c.Out[0], err
}

func floats(dims ...Dim) Value { return Value{Type: TensorType(tensor.Float32, dims...)} }

// TestBroadcastDim compares the inferred expression with the rule for all small sizes that broadcast.
func TestBroadcastDim(t *testing.T) {
	a, b := sym.Symbol("a"), sym.Symbol("b")
	pairs := [][2]Dim{{a, b}, {a, a}, {a, sym.Const(1)}, {sym.Const(1), b}, {a, sym.Const(3)}, {a.Add(sym.Const(1)), b},
		{a.Add(sym.Const(1)), b.Add(sym.Const(1))}, {a.Add(sym.Const(2)), b}, {a, sym.Const(0)}, {a.Mul(b), b}}
	for _, p := range pairs {
		e, ok := broadcastDim(p[0], p[1])
		if !ok {
			t.Fatalf("%v and %v do not broadcast", p[0], p[1])
		}
		for x := range int64(5) {
			for y := range int64(5) {
				known := func(s string) (int64, bool) {
					if s == "a" {
						return x, true
					}
					return y, true
				}
				m, _ := p[0].Value(known)
				n, _ := p[1].Value(known)
				if m != n && m != 1 && n != 1 {
					continue
				}
				want := m
				if m == 1 {
					want = n
				}
				if got, ok := e.Value(known); !ok || got != want {
					t.Errorf("%v and %v for a=%d, b=%d: %v = %d, want %d", p[0], p[1], x, y, e, got, want)
				}
			}
		}
	}
	if _, ok := broadcastDim(sym.Const(2), sym.Const(3)); ok {
		t.Error("2 and 3 broadcast")
	}
}

func TestElementShapes(t *testing.T) {
	n, c3 := sym.Symbol("n"), sym.Const(3)
	bc := Attrs{onnx.NewInt("broadcast", 1), onnx.NewInt("axis", 1)}
	int32s := Value{Type: TensorType(tensor.Int32, c3)}
	for _, c := range []struct {
		op    string
		opset int
		attrs Attrs
		in    []Value
		want  string // shape, or part of the error after "!"
	}{
		{"Add", 14, nil, []Value{floats(n, sym.Const(1)), floats(c3)}, "float32[n,3]"},
		{"Add", 14, nil, []Value{floats(n, sym.Const(2)), floats(c3)}, "!do not broadcast"},
		{"Add", 14, nil, []Value{floats(n), int32s}, "!element type int32"},
		{"Add", 14, nil, []Value{floats(n), {Type: Unranked(tensor.Float32)}}, "float32[?]"},
		{"Add", 14, nil, []Value{floats(n), {Type: SequenceOf(TensorType(tensor.Float32))}}, "!want a dense tensor"},
		{"Add", 6, bc, []Value{floats(n, c3, n), floats(c3)}, "float32[n,3,n]"},
		{"Add", 6, bc, []Value{floats(n, c3, n), floats(sym.Const(2))}, "!dimension 1 is 3 and 2"},
		{"Add", 6, nil, []Value{floats(n, c3), floats(c3)}, "!without broadcast"},
		{"Equal", 13, nil, []Value{floats(n), floats(n)}, "bool[n]"},
		{"Sum", 13, nil, []Value{floats(n), floats(c3, sym.Const(1)), floats()}, "float32[3,n]"},
		{"Sum", 13, nil, nil, "!no inputs"},
		{"PRelu", 16, nil, []Value{floats(n, c3), floats(c3)}, "float32[n,3]"},
		{"Where", 16, nil, []Value{floats(n), floats(n), floats(n)}, "!want bool"},
		{"Cast", 21, Attrs{onnx.NewInt("to", 99)}, []Value{floats(n)}, "!no element type"},
		{"Cast", 1, Attrs{onnx.NewString("to", "DOUBLE")}, []Value{floats(n)}, "float64[n]"},
		{"BitCast", 26, Attrs{onnx.NewInt("to", 7)}, []Value{floats(n)}, "!width"},
		{"SwiGLU", 28, nil, []Value{floats(n, c3), floats(n, sym.Const(1))}, "!dimension 1"},
	} {
		got, err := inferElem(t, c.op, c.opset, c.attrs, c.in...)
		if part, bad := strings.CutPrefix(c.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v, want %q", c.op, err, part)
			}
		} else if err != nil || got.String() != c.want {
			t.Errorf("%s: %v, %v, want %s", c.op, got, err, c.want)
		}
	}
}

// TestShapeArithmetic follows elements through operators.
func TestShapeArithmetic(t *testing.T) {
	n := sym.Symbol("n")
	vector := func(d tensor.DType, e ...Dim) Value {
		return Value{Type: TensorType(d, sym.Const(int64(len(e)))), Elems: e}
	}
	k := func(v int64) Value { return ConstValue(tensor.Scalar(v)) }
	shape := vector(tensor.Int64, n, sym.Const(6))
	for _, c := range []struct {
		op   string
		in   []Value
		want string
	}{
		{"Add", []Value{shape, k(2)}, "n+2 8"},
		{"Sub", []Value{shape, k(2)}, "n-2 4"},
		{"Mul", []Value{shape, k(2)}, "2*n 12"},
		{"Div", []Value{shape, k(4)}, "floor(n/4) 1"},
		{"Div", []Value{k(-7), k(2)}, "-3"},
		{"Div", []Value{k(7), k(0)}, ""},
		{"Max", []Value{shape, k(0)}, "n 6"},
		{"Neg", []Value{shape}, "-n -6"},
		{"Equal", []Value{shape, k(-1)}, "0 0"},
		{"Equal", []Value{shape, k(6)}, ""},
		{"Where", []Value{vector(tensor.Bool, sym.Const(1), sym.Const(0)), shape, k(9)}, "n 9"},
		{"Greater", []Value{shape, k(-1)}, "1 1"},
		{"LessOrEqual", []Value{k(0), shape}, "1 1"},
	} {
		got, err := inferElem(t, c.op, 22, nil, c.in...)
		var w []string
		for _, e := range got.Elems {
			w = append(w, e.String())
		}
		if s := strings.Join(w, " "); err != nil || s != c.want {
			t.Errorf("%s: %q, %v, want %q", c.op, s, err, c.want)
		}
	}
}

// elemCall binds an operator to inputs and an output.
func elemCall(t *testing.T, domain, op string, opset int, attrs Attrs, out *tensor.Tensor, in ...*tensor.Tensor) (Kernel, *Call) {
	t.Helper()
	k := &KernelCtx{Attrs: attrs, Weights: noWeights{}, Out: []Value{{Type: TypeOf(out)}}}
	for _, v := range in {
		if v == nil {
			k.In = append(k.In, Value{})
			continue
		}
		k.In = append(k.In, Value{Type: TypeOf(v)})
	}
	kernel, err := Default().Find(domain, op, opset).Kernel(k)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return kernel, &Call{In: in, Out: []*tensor.Tensor{out}, Threads: 2, Memory: Heap{}}
}

// TestWrongOutputs gives kernels outputs of other shapes than their inputs broadcast to.
func TestWrongOutputs(t *testing.T) {
	f := func(dims ...int) *tensor.Tensor { return tensor.New(tensor.Float32, dims...) }
	axis := Attrs{onnx.NewInt("axis", 0), onnx.NewInt("broadcast", 1)}
	for _, c := range []struct {
		op    string
		opset int
		attrs Attrs
		out   *tensor.Tensor
		in    []*tensor.Tensor
	}{
		{"Add", 14, nil, f(4), []*tensor.Tensor{f(3), f(1)}},
		{"Add", 14, nil, f(4), []*tensor.Tensor{f(1), f(1)}},
		{"Add", 14, nil, f(4), []*tensor.Tensor{f(4), f(2)}},
		{"Add", 14, nil, f(4), []*tensor.Tensor{f(4, 1), f(4)}},
		{"Add", 6, axis, f(4, 2), []*tensor.Tensor{f(4, 2), f(3)}},
		{"Add", 6, axis, f(4), []*tensor.Tensor{f(4), f(1, 1, 4)}},
		{"Sum", 13, nil, f(4, 4), []*tensor.Tensor{f(4), f(1), f(4)}},
		{"Max", 13, nil, f(4), []*tensor.Tensor{f(1), f(1), f(1)}},
		{"Where", 16, nil, f(3), []*tensor.Tensor{tensor.New(tensor.Bool, 2), f(3), f(3)}},
		{"Relu", 14, nil, f(4), []*tensor.Tensor{f(3)}},
		{"Clip", 13, nil, f(3), []*tensor.Tensor{f(3), f(2)}},
		{"Clip", 13, nil, f(4), []*tensor.Tensor{f(3), f()}},
		{"PRelu", 16, nil, f(3), []*tensor.Tensor{f(3), f(3, 1)}},
		{"PRelu", 6, nil, f(2, 3), []*tensor.Tensor{f(2, 3), f(2)}},
		{"SwiGLU", 28, nil, f(2, 3), []*tensor.Tensor{f(2, 3), f(3)}},
		{"Dropout", 22, nil, f(4), []*tensor.Tensor{f(3)}},
	} {
		k, call := elemCall(t, "", c.op, c.opset, c.attrs, c.out, c.in...)
		if err := k.Run(call); err == nil {
			t.Errorf("%s: no error for output %v", c.op, c.out.Shape())
		}
	}
}

// TestElementwiseAllocatesNothing covers each kind of kernel, with and without broadcasting, small and large.
func TestElementwiseAllocatesNothing(t *testing.T) {
	f := func(d tensor.DType, dims ...int) *tensor.Tensor { return tensor.New(d, dims...) }
	to := func(d tensor.DType) Attrs { return Attrs{onnx.NewInt("to", int64(d))} }
	const f32, f16, i8, b = tensor.Float32, tensor.Float16, tensor.Int8, tensor.Bool
	axis := Attrs{onnx.NewInt("axis", 0), onnx.NewInt("broadcast", 1)}
	for _, c := range []struct {
		domain, op string
		opset      int
		attrs      Attrs
		out        *tensor.Tensor
		in         []*tensor.Tensor
	}{
		{"", "Add", 14, nil, f(f32, 4), []*tensor.Tensor{f(f32, 4), f(f32)}},
		{"", "Add", 14, nil, f(f32, 300, 200), []*tensor.Tensor{f(f32, 300, 1), f(f32, 200)}},
		{"", "Add", 14, nil, f(f16, 30, 20), []*tensor.Tensor{f(f16, 30, 1), f(f16, 20)}},
		{"", "Add", 6, axis, f(f32, 30, 20), []*tensor.Tensor{f(f32, 30, 20), f(f32, 30)}},
		{"", "Pow", 15, nil, f(f32, 30, 20), []*tensor.Tensor{f(f32, 30, 20), f(f16, 20)}},
		{"", "Pow", 15, nil, f(f16, 30, 20), []*tensor.Tensor{f(f16, 30, 20), f(f32, 20)}},
		{"", "Less", 13, nil, f(b, 30, 20), []*tensor.Tensor{f(f16, 30, 20), f(f16, 20)}},
		{"", "Max", 13, nil, f(f32, 30, 20), []*tensor.Tensor{f(f32, 30, 20), f(f32, 20), f(f32, 30, 1)}},
		{"", "Sum", 13, nil, f(f32, 30, 20), []*tensor.Tensor{f(f32, 30, 20)}},
		{"", "Mean", 13, nil, f(f16, 30, 20), []*tensor.Tensor{f(f16, 30, 20), f(f16, 20), f(f16, 30, 1)}},
		{"", "Where", 16, nil, f(f32, 300, 200), []*tensor.Tensor{f(b, 300, 1), f(f32, 200), f(f32)}},
		{"", "Exp", 13, nil, f(f32, 70000), []*tensor.Tensor{f(f32, 70000)}},
		{"", "Asin", 22, nil, f(f16, 700), []*tensor.Tensor{f(f16, 700)}},
		{"", "IsNaN", 20, nil, f(b, 700), []*tensor.Tensor{f(f16, 700)}},
		{"", "SwiGLU", 28, nil, f(f32, 700), []*tensor.Tensor{f(f32, 700), f(f32, 700)}},
		{"", "Clip", 13, nil, f(f32, 70000), []*tensor.Tensor{f(f32, 70000), f(f32), f(f32)}},
		{"", "Clip", 13, nil, f(f16, 700), []*tensor.Tensor{f(f16, 700), nil, f(f16)}},
		{"", "Cast", 21, to(tensor.Float64), f(tensor.Float64, 700), []*tensor.Tensor{f(i8, 700)}},
		{"", "Cast", 21, to(tensor.Int4), f(tensor.Int4, 70001), []*tensor.Tensor{f(i8, 70001)}},
		{"", "Cast", 21, to(f16), f(f16, 70000), []*tensor.Tensor{f(tensor.Int4, 70000)}},
		{"", "Cast", 21, to(f16), f(f16, 700), []*tensor.Tensor{f(f32, 700)}},
		{"", "Cast", 21, to(tensor.Float8E5M2), f(tensor.Float8E5M2, 700), []*tensor.Tensor{f(f32, 700)}},
		{"", "Dropout", 13, nil, f(f32, 700), []*tensor.Tensor{f(f32, 700)}},
		{"com.microsoft", "BiasGelu", 1, nil, f(f32, 30, 20), []*tensor.Tensor{f(f32, 30, 20), f(f32, 20)}},
	} {
		k, call := elemCall(t, c.domain, c.op, c.opset, c.attrs, c.out, c.in...)
		n := testing.AllocsPerRun(20, func() {
			if err := k.Run(call); err != nil {
				t.Fatal(c.op, err)
			}
		})
		if n >= 1 {
			t.Errorf("%s %v: %v allocations per run, want 0", c.op, c.in[0].DType(), n)
		}
	}
}
