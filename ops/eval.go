package ops

import (
	"context"
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// Eval runs an operator without subgraphs on its own, outside any program: for constant folding and tests.
// A nil input is absent; outputs is the number of outputs wanted.
func (op *Op) Eval(attrs Attrs, outputs int, in ...*tensor.Tensor) ([]*tensor.Tensor, error) {
	out := make([]*tensor.Tensor, outputs)
	return out, op.EvalInto(attrs, out, in...)
}

// EvalInto is Eval with outputs that are written where they are tensors of the type of the result; it makes the others.
func (op *Op) EvalInto(attrs Attrs, out []*tensor.Tensor, in ...*tensor.Tensor) error {
	ic := &InferCtx{Attrs: attrs, In: make([]Value, len(in)), Out: make([]Value, len(out)), Fresh: freshSymbols()}
	for i, t := range in {
		if t != nil {
			ic.In[i] = ConstValue(t)
		}
	}
	if err := op.Infer(ic); err != nil {
		return err
	}
	kc := &KernelCtx{Attrs: attrs, In: ic.In, Out: ic.Out, Weights: noWeights{}}
	k, err := op.Kernel(kc)
	if err != nil {
		return err
	}
	c := &Call{In: in, Out: out, Threads: 1, Ctx: context.Background(), Memory: Heap{}}
	for i := range out {
		if out[i] == nil {
			out[i] = new(tensor.Tensor)
		}
		if shape, ok := ic.Out[i].Static(); ok && op.Flags&Managed == 0 {
			if _, err := c.Alloc(i, ic.Out[i].DType, shape...); err != nil {
				return err
			}
		}
	}
	if k.Scratch != nil {
		if c.Scratch, err = c.Memory.Bytes(k.Scratch(c)); err != nil {
			return err
		}
	}
	return k.Run(c)
}

// ConstValue returns what is known of a constant: everything.
func ConstValue(t *tensor.Tensor) Value { return Value{Type: TypeOf(t), Const: t} }

// TypeOf returns the type of a tensor of any kind.
func TypeOf(t *tensor.Tensor) Type {
	switch t.Kind() {
	case tensor.KindTensor, tensor.KindSparse:
		dims := make([]Dim, t.Rank())
		for i, d := range t.Shape() {
			dims[i] = sym.Const(int64(d))
		}
		return Type{Kind: t.Kind(), DType: t.DType(), Ranked: true, Dims: dims}
	}
	elem := Unranked(t.DType())
	if e := t.Elems(); len(e) > 0 {
		elem = TypeOf(e[0])
		if len(e) > 1 && elem.Kind == tensor.KindTensor {
			elem = Unranked(elem.DType)
		}
	}
	out := Type{Kind: t.Kind(), DType: t.DType(), Elem: &elem}
	if t.Keys() != nil {
		out.Key = t.Keys().DType()
	}
	return out
}

// Heap is Memory on the Go heap, bounded by Limit bytes for one request (0: no bound).
type Heap struct{ Limit int }

// Bytes returns zeroed storage.
func (h Heap) Bytes(n int) ([]byte, error) {
	if err := h.Room(n); err != nil {
		return nil, err
	}
	return make([]byte, n), nil
}

// Room implements Memory.
func (h Heap) Room(n int) error {
	if n < 0 || h.Limit > 0 && n > h.Limit {
		return fmt.Errorf("ops: %d bytes asked for, limit %d", n, h.Limit)
	}
	return nil
}

type noWeights struct{}

func (noWeights) Packed(_ *tensor.Tensor, _ string, pack func(*Room) any) any { return pack(nil) }

func (noWeights) PackedRows(_ *tensor.Tensor, _ string, pack func(*Room) any, _ func(Rows) any) any {
	return pack(nil)
}

func (noWeights) ReadRows(*tensor.Tensor, func(Rows)) bool { return false }

func (noWeights) Read(t *tensor.Tensor, _ *Spare, f func([]float32)) { f(tensor.Of[float32](t)) }

func freshSymbols() func() Dim {
	n := 0
	return func() Dim { n++; return sym.Symbol(fmt.Sprintf("?%d", n)) }
}
