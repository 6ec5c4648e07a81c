package nn

import "github.com/onnxrun/onnxrun/finetune"

// Linear is a fully connected layer, y = x W' + b, on the last axis of its input: [..., in] becomes [..., Out].
//
// Weights: weight [Out, in] and bias [Out], both uniform within 1/sqrt(in), as PyTorch's are.
type Linear struct {
	Out      int
	NoBias   bool
	Init     finetune.Initializer // of weight; nil: as above
	BiasInit finetune.Initializer // of bias; nil: as above
	Weight   *Value               // a weight [Out, in] to use instead of a new one, such as that of an Embedding; Out may then be 0
}

// Apply adds a Gemm, or for an input of rank 3 and above a product with the transposed weight.
func (l Linear) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("Linear", "fc")()
	in, ok := b.sized(x, -1)
	if !ok {
		return b.none()
	}
	w := l.Weight
	if w == nil {
		if !b.positive("Out", l.Out) {
			return b.none()
		}
		w = b.Weight("weight", orInit(l.Init, kaiming), x.DType(), l.Out, in)
	} else if !b.fits(w, l.Out, in) {
		return b.none()
	}
	out, ok := b.sized(w, 0)
	if !ok {
		return b.none()
	}
	args := []*Value{x, w}
	if !l.NoBias {
		args = append(args, b.Weight("bias", orInit(l.BiasInit, within(in)), x.DType(), out))
	}
	if x.Rank() == 2 {
		return b.sole("Gemm", Attrs{"transB": 1}, args...)
	}
	y := b.Op("MatMul", nil, x, b.Op("Transpose", Attrs{"perm": []int{1, 0}}, w))
	if l.NoBias {
		return y
	}
	return b.Op("Add", nil, y, args[2])
}

// fits notes a mistake unless a given weight has the shape [out, in], where an out of 0 stands for any.
func (b *Builder) fits(w *Value, out, in int) bool {
	rows, _ := w.Dim(0)
	columns, _ := w.Dim(1)
	if b.owns(w) && (w.Rank() != 2 || columns != in || out != 0 && out != rows) {
		b.fail("Weight is %v, want [%d %d]", w, orDefault(out, rows), in)
	}
	return b.err == nil
}
