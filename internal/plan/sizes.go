package plan

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A ShapeError says that an input's shape contradicts the model or another input.
type ShapeError struct {
	Input string
	Got   tensor.Shape
	Want  string
}

// Error names the input and both shapes.
func (e *ShapeError) Error() string {
	return fmt.Sprintf("runtime: input %q has shape %v, want %s", e.Input, []int(e.Got), e.Want)
}

// bind sets the sizes of everything from the shapes of the inputs. It does nothing if they are those of the
// last run.
func (f *Frame) bind(in []*tensor.Tensor) error {
	if f.bound && f.same(in) {
		return nil
	}
	f.bound = false
	f.binds++
	if err := f.solve(in); err != nil {
		return err
	}
	if err := f.p.exprs.Eval(f.env, f.dims); err != nil {
		return err
	}
	if err := f.checkInputs(in); err != nil {
		return err
	}
	if err := f.fit(); err != nil {
		f.was = f.was[:0] // shapes are half set: the next binding sets all
		return err
	}
	f.remember(in)
	f.bound = true
	return nil
}

// fit sets shapes and places from the evaluated dimensions.
func (f *Frame) fit() error {
	moved, err := f.resize()
	if err != nil {
		return err
	}
	if moved {
		f.places++
		if err := f.layOut(); err != nil {
			return err
		}
	}
	if err := f.checkLimit(); err != nil {
		return err
	}
	if f.stale = f.guest(); !f.stale {
		f.point(moved)
	}
	return nil
}

func (f *Frame) same(in []*tensor.Tensor) bool {
	k := 0
	for _, t := range in {
		if k >= len(f.last) || f.last[k] != int64(t.Rank()) {
			return false
		}
		k++
		for _, d := range t.Shape() {
			if f.last[k] != int64(d) {
				return false
			}
			k++
		}
	}
	for i, o := range f.p.outer {
		if f.env[o.symbol] != f.last[k+i] {
			return false
		}
	}
	return k+len(f.p.outer) == len(f.last)
}

func (f *Frame) remember(in []*tensor.Tensor) {
	f.last = f.last[:0]
	for _, t := range in {
		f.last = append(f.last, int64(t.Rank()))
		for _, d := range t.Shape() {
			f.last = append(f.last, int64(d))
		}
	}
	for _, o := range f.p.outer {
		f.last = append(f.last, f.env[o.symbol])
	}
}

func (f *Frame) solve(in []*tensor.Tensor) error {
	for _, s := range f.p.solve {
		shape := in[s.input].Shape()
		if s.axis >= len(shape) {
			return f.shapeError(in, s.input)
		}
		v := int64(shape[s.axis])
		if !s.plain {
			var ok bool
			if v, ok = s.expr.SolveFor(f.p.symbols[s.symbol], v, f.symbol); !ok {
				return f.shapeError(in, s.input)
			}
		}
		f.env[s.symbol] = v
	}
	return nil
}

func (f *Frame) symbol(name string) (int64, bool) {
	for i, s := range f.p.symbols {
		if s == name {
			return f.env[i], true
		}
	}
	return 0, false
}

// size evaluates a dimension with the symbols of this frame and those around it.
func (f *Frame) size(d ops.Dim) (int, bool) {
	n, ok := d.Value(func(name string) (int64, bool) {
		for g := f; g != nil; g = g.up {
			if v, ok := g.symbol(name); ok {
				return v, true
			}
		}
		return 0, false
	})
	return int(n), ok && n >= 0 && n <= math.MaxInt32
}

func (f *Frame) shapeError(in []*tensor.Tensor, i int) error {
	v := f.p.slots[f.p.inputs[i]].value
	return &ShapeError{Input: v.Name, Got: in[i].Shape(), Want: v.Type.String()}
}

func (f *Frame) checkInputs(in []*tensor.Tensor) error {
	for i, slot := range f.p.inputs {
		s := &f.p.slots[slot]
		if !s.fixed {
			continue
		}
		shape := in[i].Shape()
		if len(shape) != len(s.dims) {
			return f.shapeError(in, i)
		}
		for k, id := range s.dims {
			if int64(shape[k]) != f.dims[id] {
				return f.shapeError(in, i)
			}
		}
	}
	return nil
}
