package ops

import (
	"fmt"
	"unsafe"

	"github.com/onnxrun/onnxrun/tensor"
)

// bodyIndex returns the position of the named graph attribute among the bodies of a call.
func bodyIndex(k *KernelCtx, name string) (int, error) {
	for i, b := range k.Bodies {
		if b == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("ops: graph attribute %q is missing", name)
}

// bodyPlaced reports whether an output has storage for its inferred shape already.
func bodyPlaced(t *tensor.Tensor) bool {
	return t.Kind() == tensor.KindTensor && t.DType() != tensor.Undefined
}

// bodySame reports whether two tensors begin at the same byte.
func bodySame(a, b []byte) bool { return unsafe.SliceData(a) == unsafe.SliceData(b) }

// bodyCopy copies the elements of src to dst, two dense tensors of one element type and shape.
func bodyCopy(dst, src *tensor.Tensor) {
	if src.DType() == tensor.String {
		copy(dst.Strings(), src.Strings())
	} else if !bodySame(dst.Bytes(), src.Bytes()) {
		copy(dst.Bytes(), src.Bytes())
	}
}

// bodyResult copies t, a value in storage of the kernel's own, to output i.
func bodyResult(c *Call, i int, t *tensor.Tensor) error {
	out := c.Out[i]
	if out == nil {
		return nil
	}
	if t.Kind() != tensor.KindTensor {
		c.Put(i, t)
		return nil
	}
	if bodyPlaced(out) {
		if err := bodyMatches(out, t); err != nil {
			return fmt.Errorf("%w (output %d)", err, i)
		}
	} else if _, err := c.Alloc(i, t.DType(), t.Shape()...); err != nil {
		return err
	}
	bodyCopy(out, t)
	return nil
}

// bodyMatches reports a value that is not of the inferred type.
func bodyMatches(want, got *tensor.Tensor) error {
	if got.Kind() != tensor.KindTensor || got.DType() != want.DType() || !got.Shape().Equal(want.Shape()) {
		return fmt.Errorf("ops: the body returns %v%v, want %v%v", got.DType(), []int(got.Shape()), want.DType(), []int(want.Shape()))
	}
	return nil
}

// bodyScalar returns the one element of a tensor that a control-flow node or its body gives as a condition
// or a count.
func bodyScalar[T tensor.Element](t *tensor.Tensor, what string) (T, error) {
	if s := tensor.Of[T](t); len(s) == 1 {
		return s[0], nil
	}
	var zero T
	return zero, fmt.Errorf("ops: %s is %v%v, want one %v", what, t.DType(), []int(t.Shape()), tensor.DTypeOf[T]())
}

// bodyStates is two sets of tensors between which carried values go back and forth: a body reads one set
// and writes the other.
type bodyStates struct {
	sets [2][]tensor.Tensor
	turn int
}

func newBodyStates(n int) bodyStates {
	return bodyStates{sets: [2][]tensor.Tensor{make([]tensor.Tensor, n), make([]tensor.Tensor, n)}}
}

// next returns value i of the set to be written.
func (s *bodyStates) next(i int) *tensor.Tensor { return &s.sets[s.turn][i] }

// swap makes the set that was written the one to be read.
func (s *bodyStates) swap() { s.turn ^= 1 }

// drop lets go of values that are not plain memory.
func (s *bodyStates) drop() {
	for i := range s.sets {
		for j := range s.sets[i] {
			if t := &s.sets[i][j]; t.Kind() != tensor.KindTensor || t.DType() == tensor.String {
				t.ResetTo(&tensor.Tensor{})
			}
		}
	}
}
