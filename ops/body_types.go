package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// bodyInput is what a body may assume of a value of type t: nothing about its elements.
func bodyInput(t Type) Value { return Value{Type: t} }

// bodyJoin returns the most specific type that covers a and b: dimensions that differ become new symbols.
func bodyJoin(a, b Type, fresh func() Dim) (Type, error) {
	if a.Kind != b.Kind || a.DType != b.DType && a.DType != tensor.Undefined && b.DType != tensor.Undefined {
		return Type{}, fmt.Errorf("ops: one value is %v and the other %v: want one kind and element type", a, b)
	}
	if a.DType == tensor.Undefined {
		a.DType = b.DType
	}
	if a.None != b.None {
		if a.None {
			b.DType = a.DType
			return b, nil
		}
		return a, nil
	}
	if a.Elem != nil && b.Elem != nil {
		elem, err := bodyJoin(*a.Elem, *b.Elem, fresh)
		if err != nil {
			return Type{}, err
		}
		a.Elem = &elem
		return a, nil
	}
	if a.Elem == nil {
		a.Elem = b.Elem
	}
	if !a.Ranked || !b.Ranked || len(a.Dims) != len(b.Dims) {
		a.Ranked, a.Dims = false, nil
		return a, nil
	}
	dims := make([]Dim, len(a.Dims))
	for i, d := range a.Dims {
		if dims[i] = d; !d.Equal(b.Dims[i]) {
			dims[i] = fresh()
		}
	}
	a.Dims = dims
	return a, nil
}

// bodyCarried finds types for values that a body takes and returns again and again. run infers the body for
// given types and returns those of the next round. The first result is what the body sees in every round,
// the second what the values are in the end, no round included.
func bodyCarried(c *InferCtx, first []Type, run func(in []Type) ([]Type, error)) (inside, final []Type, err error) {
	inside = append([]Type(nil), first...)
	var last []Type
	open := make([]map[int]bool, len(first)) // dimensions that differ from round to round
	for i := range open {
		open[i] = map[int]bool{}
	}
	for round := 0; ; round++ {
		next, err := run(inside)
		if err != nil {
			return nil, nil, err
		}
		last = next
		changed := false
		for i := range inside {
			t, wider, err := bodyWiden(c, inside[i], next[i], open[i], round > 0)
			if err != nil {
				return nil, nil, fmt.Errorf("%w (carried value %d)", err, i)
			}
			inside[i] = t
			changed = changed || wider
		}
		if !changed {
			break
		}
	}
	final = make([]Type, len(inside))
	for i, t := range inside {
		if t.Kind == tensor.KindOptional && last[i].Kind != t.Kind && t.Elem != nil {
			t = *t.Elem
		}
		if t.Ranked {
			dims := append([]Dim(nil), t.Dims...)
			for k := range open[i] {
				dims[k] = c.Fresh()
			}
			t.Dims = dims
		}
		final[i] = t
	}
	return inside, final, nil
}

// bodyWiden widens in so that it covers next, and reports whether that changed it. open are the dimensions
// that were widened before: any size is allowed there. With all, every dimension is widened if one has to be.
func bodyWiden(c *InferCtx, in, next Type, open map[int]bool, all bool) (Type, bool, error) {
	if in.Kind == tensor.KindOptional && next.Kind != in.Kind {
		next = OptionalOf(next) // later rounds give a value where the first may have none
	}
	if in.Kind != next.Kind || in.DType != next.DType && in.DType != tensor.Undefined && next.DType != tensor.Undefined {
		return in, false, fmt.Errorf("ops: the body takes %v and returns %v: want one kind and element type", in, next)
	}
	if in.Elem != nil || next.Elem != nil {
		return bodyWidenElem(c, in, next, open, all)
	}
	if !in.Ranked {
		return in, false, nil
	}
	if !next.Ranked || len(next.Dims) != len(in.Dims) {
		clear(open)
		in.Ranked, in.Dims = false, nil
		return in, true, nil
	}
	wider := false
	for i, d := range in.Dims {
		wider = wider || !open[i] && !d.Equal(next.Dims[i])
	}
	if !wider {
		return in, false, nil
	}
	dims := append([]Dim(nil), in.Dims...)
	for i, d := range in.Dims {
		if !open[i] && (all || !d.Equal(next.Dims[i])) {
			dims[i], open[i] = c.Fresh(), true
		}
	}
	in.Dims = dims
	return in, true, nil
}

// bodyWidenElem does the same for the element type of sequences and optionals.
func bodyWidenElem(c *InferCtx, in, next Type, open map[int]bool, all bool) (Type, bool, error) {
	if in.Elem == nil || next.Elem == nil {
		wider := in.Elem == nil
		if wider {
			in.Elem, in.DType = next.Elem, next.DType
		}
		return in, wider, nil
	}
	if in.Elem.None && !next.Elem.None {
		elem := *next.Elem
		in.Elem, in.DType = &elem, next.DType
		return in, true, nil
	}
	if next.Elem.None {
		return in, false, nil
	}
	elem, wider, err := bodyWiden(c, *in.Elem, *next.Elem, open, all)
	in.Elem = &elem
	return in, wider, err
}
