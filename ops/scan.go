package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// scanForm is what the attributes of a Scan say. first is the index of the first state among the inputs:
// Scan 8 has the lengths of the sequences in front and a batch axis in all values.
type scanForm struct {
	first, states, scans, outs int
	batch                      bool
	inAxes, outAxes            []int
	inBack, outBack            []bool
}

func readScan(a Attrs, ins, outs int, batch bool) (*scanForm, error) {
	f := &scanForm{scans: a.Int("num_scan_inputs"), batch: batch}
	if batch {
		f.first = 1
	}
	f.states = ins - f.first - f.scans
	f.outs = outs - f.states
	if f.scans < 1 || f.states < 0 || f.outs < 0 {
		return nil, fmt.Errorf("ops: num_scan_inputs is %d with %d inputs and %d outputs", f.scans, ins, outs)
	}
	var err error
	list := func(name string, n int) []int {
		v := a.IntList(name)
		if len(v) != 0 && len(v) != n && err == nil {
			err = fmt.Errorf("ops: %s has %d values, want %d", name, len(v), n)
		}
		out := make([]int, n)
		for i := range min(n, len(v)) {
			out[i] = int(v[i])
		}
		return out
	}
	back := func(name string, n int) []bool {
		out := make([]bool, n)
		for i, v := range list(name, n) {
			out[i] = v != 0
		}
		return out
	}
	if batch {
		f.inAxes, f.outAxes = make([]int, f.scans), make([]int, f.outs)
		f.inBack, f.outBack = back("directions", f.scans), make([]bool, f.outs)
	} else {
		f.inAxes, f.outAxes = list("scan_input_axes", f.scans), list("scan_output_axes", f.outs)
		f.inBack, f.outBack = back("scan_input_directions", f.scans), back("scan_output_directions", f.outs)
	}
	return f, err
}

// scanInfer infers Scan since version 9.
func scanInfer(c *InferCtx) error { return scanTypes(c, false, false) }

// scan8Infer infers Scan 8.
func scan8Infer(c *InferCtx) error { return scanTypes(c, true, false) }

// sequenceScanInfer infers Scan of the onnxrun domain, which may carry sequences: gradients of them.
func sequenceScanInfer(c *InferCtx) error { return scanTypes(c, false, true) }

func scanTypes(c *InferCtx, batch, sequences bool) error {
	f, err := readScan(c.Attrs, len(c.In), len(c.Out), batch)
	if err != nil {
		return err
	}
	count, rows := Dim{}, Dim{}
	seen := false
	slices := make([]Value, f.scans)
	for i := range slices {
		t := c.In[f.first+f.states+i].Type
		elem, dims, err := f.slice(t, i)
		if err != nil {
			return err
		}
		slices[i] = bodyInput(elem)
		if dims == nil {
			continue
		}
		if n := dims[len(dims)-1]; !seen {
			count, seen, rows = n, true, dims[0]
		} else if _, known := count.Const(); !known {
			count = n
		}
	}
	if !seen {
		count, rows = c.Fresh(), c.Fresh()
	}
	first := make([]Type, f.states)
	for i := range first {
		first[i] = c.In[f.first+i].Type
		if first[i].Kind != tensor.KindTensor && !sequences || !first[i].Present() {
			return fmt.Errorf("ops: state %d is %v, want a tensor", i, first[i])
		}
		if batch {
			if first[i], err = scanDrop(first[i], 0); err != nil {
				return err
			}
		}
	}
	results, final, err := f.body(c, first, slices)
	if err != nil {
		return err
	}
	lead := []Dim{count}
	if batch {
		lead = []Dim{rows, count}
	}
	for i, t := range final {
		if batch && t.Ranked {
			t.Dims = append([]Dim{rows}, t.Dims...)
		}
		c.SetType(i, t)
	}
	return f.stackedTypes(c, results, lead)
}

// body infers the body. It returns the types of its results and of the final states.
func (f *scanForm) body(c *InferCtx, first []Type, slices []Value) ([]Value, []Type, error) {
	var results []Value
	_, final, err := bodyCarried(c, first, func(in []Type) ([]Type, error) {
		vals := make([]Value, 0, len(in)+len(slices))
		for _, t := range in {
			vals = append(vals, bodyInput(t))
		}
		var err error
		if results, err = c.Subgraph("body", append(vals, slices...)); err != nil {
			return nil, err
		}
		if len(results) != len(c.Out) {
			return nil, fmt.Errorf("ops: the body returns %d values, want %d", len(results), len(c.Out))
		}
		next := make([]Type, len(in))
		for i := range next {
			next[i] = results[i].Type
		}
		return next, nil
	})
	return results, final, err
}

// stackedTypes sets the types of the outputs that rounds are stacked in.
func (f *scanForm) stackedTypes(c *InferCtx, results []Value, lead []Dim) error {
	for j, axis := range f.outAxes {
		t := results[f.states+j].Type
		if t.Kind != tensor.KindTensor {
			return fmt.Errorf("ops: the body returns %v for output %d, want a tensor to stack", t, f.states+j)
		}
		if t.Ranked {
			rank := len(t.Dims) + 1
			if axis < 0 {
				axis += rank
			}
			if axis < 0 || axis >= rank {
				return fmt.Errorf("ops: scan_output_axes[%d] is %d for outputs of rank %d", j, f.outAxes[j], rank)
			}
			dims := append([]Dim(nil), t.Dims[:axis]...)
			t.Dims = append(append(dims, lead...), t.Dims[axis:]...)
		}
		c.SetType(f.states+j, t)
	}
	return nil
}

// slice returns the type of one round of scan input i, and the sizes of the axes that the rounds walk.
func (f *scanForm) slice(t Type, i int) (Type, []Dim, error) {
	if t.Kind != tensor.KindTensor || !t.Present() {
		return t, nil, fmt.Errorf("ops: scan input %d is %v, want a tensor", i, t)
	}
	if !t.Ranked {
		return t, nil, nil
	}
	if f.batch {
		if len(t.Dims) < 2 {
			return t, nil, fmt.Errorf("ops: scan input %d is %v, want batch and sequence axes", i, t)
		}
		walk := t.Dims[:2]
		t.Dims = t.Dims[2:]
		return t, walk, nil
	}
	axis := f.inAxes[i]
	if axis < 0 {
		axis += len(t.Dims)
	}
	if axis < 0 || axis >= len(t.Dims) {
		return t, nil, fmt.Errorf("ops: scan input %d is %v, want axis %d", i, t, f.inAxes[i])
	}
	walk := []Dim{t.Dims[axis]}
	t, err := scanDrop(t, axis)
	return t, walk, err
}

// scanDrop returns t without one axis.
func scanDrop(t Type, axis int) (Type, error) {
	if !t.Ranked {
		return t, nil
	}
	if axis >= len(t.Dims) {
		return t, fmt.Errorf("ops: %v has no axis %d", t, axis)
	}
	t.Dims = append(append([]Dim(nil), t.Dims[:axis]...), t.Dims[axis+1:]...)
	return t, nil
}
