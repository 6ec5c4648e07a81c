package ops

import (
	types "reflect"
	"testing"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/tensor"
)

// elementwiseRows calls f for the rows of ai.onnx that have the flag, with the attributes of the newest schema they hold for, an
// element type of theirs and a number of inputs to test them with: two for those that take any number.
func elementwiseRows(t *testing.T, f func(t *testing.T, row *Op, attrs Attrs, d tensor.DType, inputs int)) {
	rows := Default().Rows()
	for i := range rows {
		r := &rows[i]
		if r.Flags&Elementwise == 0 {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			s := schema.Lookup(r.Domain, r.Name, r.Since)
			if s == nil {
				t.Fatalf("no schema of version %d", r.Since)
			}
			var attrs Attrs
			for _, a := range s.Attributes {
				if a.Default != nil {
					attrs = append(attrs, DefaultAttr(a.Name, a.Default))
				}
			}
			switch r.Name {
			case "Cast":
				attrs = append(attrs, onnx.NewInt("to", int64(tensor.Float64)))
				if r.Since < 6 {
					attrs = Attrs{onnx.NewString("to", "DOUBLE")}
				}
			case "BitShift":
				attrs = append(attrs, onnx.NewString("direction", "LEFT"))
			}
			for _, d := range []tensor.DType{tensor.Float32, tensor.Int32, tensor.Uint8, tensor.Bool} {
				if r.Types.Has(d) {
					f(t, r, attrs, d, min(len(s.Inputs)+1, s.MaxInputs))
					return
				}
			}
			t.Fatal("no element type to test with")
		})
	}
}

// operandType returns the element type of input i of an elementwise row.
func operandType(r *Op, d tensor.DType, i int) tensor.DType {
	if r.Name == "Where" && i > 0 {
		return tensor.Float32
	}
	return d
}

// TestElementwiseShapes: the result of a row with the flag has the dimensions that its inputs broadcast to.
func TestElementwiseShapes(t *testing.T) {
	rows, columns := sym.Symbol("N"), sym.Const(5)
	elementwiseRows(t, func(t *testing.T, r *Op, attrs Attrs, d tensor.DType, inputs int) {
		c := &InferCtx{Attrs: attrs, Out: make([]Value, 1), Fresh: freshSymbols()}
		for i := range inputs {
			v := Value{Type: TensorType(operandType(r, d, i), rows, columns)}
			switch {
			case r.Name == "Clip" && i > 0:
				v.Dims = nil
			case i > 0:
				v.Dims = v.Dims[1:]
			}
			c.In = append(c.In, v)
		}
		if err := r.Infer(c); err != nil {
			t.Fatal(err)
		}
		if y := c.Out[0]; y.Kind != tensor.KindTensor || len(y.Dims) != 2 || !y.Dims[0].Equal(rows) || !y.Dims[1].Equal(columns) {
			t.Errorf("the result is %v, want [N 5]", y.Type)
		}
	})
}

// TestElementwiseValues: what a row with the flag makes of several elements is what it makes of each of them alone, and its
// kernel can run as a step of a chain, which has no scratch memory.
func TestElementwiseValues(t *testing.T) {
	const n = 11
	elementwiseRows(t, func(t *testing.T, r *Op, attrs Attrs, d tensor.DType, inputs int) {
		var all []*tensor.Tensor
		for i := range inputs {
			x := make([]float64, n)
			for k := range x {
				x[k] = float64((k+i)%n)*0.75 - 3
			}
			if r.Name == "Clip" && i > 0 {
				x = []float64{float64(i)}
			}
			all = append(all, ofFloat64(t, operandType(r, d, i), x))
		}
		whole := evalElementwise(t, r, attrs, all)
		for k := range n {
			var one []*tensor.Tensor
			for _, x := range all {
				at := min(k, x.Len()-1)
				w := x.DType().Size()
				y := tensor.New(x.DType(), 1)
				copy(y.Bytes(), x.Bytes()[at*w:(at+1)*w])
				if x.Rank() == 0 {
					y, _ = y.Reshaped()
				}
				one = append(one, y)
			}
			y := evalElementwise(t, r, attrs, one)
			if w := y.DType().Size(); string(y.Bytes()) != string(whole.Bytes()[k*w:(k+1)*w]) {
				t.Fatalf("element %d is %v among others, %v alone", k, whole.Bytes()[k*w:(k+1)*w], y.Bytes())
			}
		}
	})
}

func evalElementwise(t *testing.T, r *Op, attrs Attrs, in []*tensor.Tensor) *tensor.Tensor {
	t.Helper()
	out, err := r.Eval(attrs, 1, in...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Flags&View != 0 {
		return out[0]
	}
	k := &KernelCtx{Attrs: attrs, Out: []Value{{Type: TypeOf(out[0])}}, Weights: noWeights{}}
	for _, x := range in {
		k.In = append(k.In, Value{Type: TypeOf(x)})
	}
	if bound, err := r.Kernel(k); err != nil || bound.Scratch != nil {
		t.Errorf("no step of a chain: scratch memory %v, %v", bound.Scratch != nil, err)
	}
	return out[0]
}

// ofFloat64 casts x to a tensor; one number makes a scalar.
func ofFloat64(t *testing.T, d tensor.DType, x []float64) *tensor.Tensor {
	t.Helper()
	v := tensor.FromSlice(x, len(x))
	if len(x) == 1 {
		v = tensor.Scalar(x[0])
	}
	out, err := Default().Find("", "Cast", 21).Eval(Attrs{onnx.NewInt("to", int64(d))}, 1, v)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// TestElementwiseComplete: rows whose shape function is that of elementwise operators have the flag.
func TestElementwiseComplete(t *testing.T) {
	shapes := map[uintptr]bool{}
	for _, f := range []func(*InferCtx) error{unaryInfer, unaryPredicateInfer, binaryInfer, predicateInfer, variadicInfer} {
		shapes[types.ValueOf(f).Pointer()] = true
	}
	for _, r := range Default().Rows() {
		if r.Domain == "" && shapes[types.ValueOf(r.Infer).Pointer()] && r.Flags&Elementwise == 0 {
			t.Errorf("%s %d lacks the flag Elementwise", r.Name, r.Since)
		}
	}
}
