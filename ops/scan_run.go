package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/tensor"
)

// scanRun is a bound Scan.
type scanRun struct {
	*scanForm
	types []Type    // of the outputs
	pool  sync.Pool // of *scanState
}

// scanState is what one run works with.
type scanState struct {
	in, out []*tensor.Tensor
	vars    bodyStates
	first   []tensor.Tensor // states of one sequence, where there is a batch axis
	slices  []tensor.Tensor
	bufs    [][]byte // storage of slices that are not contiguous
	stacks  []stacker
	lead    []int
	shape   tensor.Shape // reused
}

func scanKernel(k *KernelCtx) (Kernel, error)  { return bindScan(k, false) }
func scan8Kernel(k *KernelCtx) (Kernel, error) { return bindScan(k, true) }

func bindScan(k *KernelCtx, batch bool) (Kernel, error) {
	f, err := readScan(k.Attrs, len(k.In), len(k.Out), batch)
	if err != nil {
		return Kernel{}, err
	}
	r := &scanRun{scanForm: f}
	for i := range k.Out {
		r.types = append(r.types, k.Out[i].Type)
	}
	return Kernel{Run: r.run}, nil
}

func (r *scanRun) run(c *Call) error {
	s, _ := r.pool.Get().(*scanState)
	if s == nil {
		s = &scanState{in: make([]*tensor.Tensor, r.states+r.scans), out: make([]*tensor.Tensor, len(r.types)),
			vars: newBodyStates(r.states), first: make([]tensor.Tensor, r.states), slices: make([]tensor.Tensor, r.scans),
			bufs: make([][]byte, r.scans), stacks: make([]stacker, r.outs)}
	}
	err := r.scan(c, s)
	s.vars.drop()
	clear(s.in)
	for i := range s.slices {
		s.slices[i].ResetTo(&bodyEmpty)
	}
	for i := range s.first {
		s.first[i].ResetTo(&bodyEmpty)
	}
	r.pool.Put(s)
	return err
}

// walk returns the sizes of the axes that the rounds walk: the batch if there is one, and the steps.
func (r *scanRun) walk(c *Call, s *scanState) error {
	s.lead = s.lead[:0]
	for i := range r.scans {
		t := c.In[r.first+r.states+i]
		axis, n := r.inAxes[i], 1
		if r.batch {
			n = 2
		}
		if axis < 0 {
			axis += t.Rank()
		}
		if axis < 0 || axis+n > t.Rank() {
			return fmt.Errorf("ops: scan input %d has shape %v, want axis %d", i, []int(t.Shape()), axis)
		}
		if got := t.Shape()[axis : axis+n]; i == 0 {
			s.lead = append(s.lead, got...)
		} else if !got.Equal(s.lead) {
			return fmt.Errorf("ops: scan input %d has %v rounds, want %v as input 0", i, []int(got), s.lead)
		}
		if d := t.DType(); r.batch && d.Bits() < 8 && d != tensor.String {
			return fmt.Errorf("ops: scan input %d is %v, want whole bytes where there is a batch", i, d)
		}
	}
	return nil
}

func (r *scanRun) scan(c *Call, s *scanState) error {
	if err := r.walk(c, s); err != nil {
		return err
	}
	for j := range s.stacks {
		if err := s.stacks[j].begin(c, r.states+j, r.outAxes[j], s.lead); err != nil {
			return err
		}
	}
	var err error
	if r.batch {
		err = r.sequences(c, s)
	} else {
		copy(s.in, c.In[:r.states])
		if err = r.steps(c, s, 0, s.lead[0], s.lead[0]); err != nil {
			return err
		}
		for i := range r.states {
			if err := bodyResult(c, i, s.in[i]); err != nil {
				return err
			}
		}
	}
	for j := range s.stacks {
		if err == nil {
			err = s.stacks[j].finish(c, s.lead[len(s.lead)-1], r.types[r.states+j])
		}
	}
	return err
}

// sequences runs the sequences of a batch one after the other.
func (r *scanRun) sequences(c *Call, s *scanState) error {
	batch, steps := s.lead[0], s.lead[1]
	var lens []int64
	if c.In[0] != nil {
		if lens = tensor.Of[int64](c.In[0]); len(lens) != batch {
			return fmt.Errorf("ops: sequence_lens has shape %v, want [%d]", []int(c.In[0].Shape()), batch)
		}
	}
	for i := range r.states {
		if t := c.In[1+i]; t.Rank() == 0 || t.Shape()[0] != batch || t.DType() == tensor.String || t.DType().Size() == 0 {
			return fmt.Errorf("ops: state %d is %v%v, want a batch of %d", i, t.DType(), []int(t.Shape()), batch)
		}
	}
	for b := range batch {
		n := steps
		if lens != nil {
			if lens[b] < 0 || lens[b] > int64(steps) {
				return fmt.Errorf("ops: sequence_lens[%d] is %d, want 0 to %d", b, lens[b], steps)
			}
			n = int(lens[b])
		}
		for i := range r.states {
			rowOf(&s.first[i], c.In[1+i], b)
			s.in[i] = &s.first[i]
		}
		if err := r.steps(c, s, b*steps, n, steps); err != nil {
			return err
		}
		for i := range r.states {
			if err := r.finalRow(c, i, b, batch, s.in[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowOf makes dst row b of t.
func rowOf(dst, t *tensor.Tensor, b int) {
	size := len(t.Bytes()) / max(t.Shape()[0], 1)
	dst.Reset(t.DType(), t.Shape()[1:], t.Bytes()[b*size:(b+1)*size:(b+1)*size])
}

// finalRow copies the final state of sequence b to its place.
func (r *scanRun) finalRow(c *Call, i, b, batch int, t *tensor.Tensor) error {
	out := c.Out[i]
	if out == nil {
		return nil
	}
	if !bodyPlaced(out) {
		if _, err := c.Alloc(i, t.DType(), append([]int{batch}, t.Shape()...)...); err != nil {
			return err
		}
	}
	if out.DType() != t.DType() || out.Rank() != t.Rank()+1 || !out.Shape()[1:].Equal(t.Shape()) {
		return fmt.Errorf("ops: the final state %d is %v%v, want a row of %v", i, t.DType(), []int(t.Shape()), []int(out.Shape()))
	}
	copy(out.Bytes()[b*len(t.Bytes()):], t.Bytes())
	return nil
}

// steps runs n of a sequence's total steps, whose rows begin at base. Rows beyond n become zeros.
func (r *scanRun) steps(c *Call, s *scanState, base, n, total int) error {
	for t := range n {
		if err := c.Ctx.Err(); err != nil {
			return err
		}
		if err := r.step(c, s, base, t, n, total); err != nil {
			return err
		}
	}
	for t := n; t < total; t++ {
		for j := range s.stacks {
			if err := s.stacks[j].clear(c, base+t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *scanRun) step(c *Call, s *scanState, base, t, n, total int) error {
	states := r.states
	for i := range r.scans {
		at := t
		if r.inBack[i] {
			at = n - 1 - t
		}
		r.cut(c.In[r.first+states+i], s, i, base+at, total)
		s.in[states+i] = &s.slices[i]
	}
	for i := range states {
		s.out[i] = s.vars.next(i)
	}
	for j := range s.stacks {
		s.out[states+j] = s.stacks[j].slot(c, r.place(j, base, t, n))
	}
	if err := c.Bodies[0].Run(c, s.in, s.out); err != nil {
		return err
	}
	for j := range s.stacks {
		if err := s.stacks[j].take(c, r.place(j, base, t, n)); err != nil {
			return err
		}
	}
	copy(s.in[:states], s.out[:states])
	s.vars.swap()
	return nil
}

// place returns the row of output j that round t of n fills.
func (r *scanRun) place(j, base, t, n int) int {
	if r.outBack[j] {
		t = n - 1 - t
	}
	return base + t
}

// cut makes slice i row at of x along its axis: in place if that is the first one, else a copy. Of a batch,
// rows are counted through all sequences.
func (r *scanRun) cut(x *tensor.Tensor, s *scanState, i, at, total int) {
	axis, drop := r.inAxes[i], 1
	if r.batch {
		drop = 2
	}
	if axis < 0 {
		axis += x.Rank()
	}
	shape := x.Shape()
	s.shape = append(append(s.shape[:0], shape[:axis]...), shape[axis+drop:]...)
	outer := shape[:axis].Len()
	n := s.shape.Len()
	if x.DType() == tensor.String {
		row := make([]string, n)
		cutRows(row, x.Strings(), outer, total, at)
		s.slices[i].ResetTo(tensor.FromSlice(row, s.shape...))
		return
	}
	size := x.DType().ByteLen(n)
	if bits := x.DType().Bits(); bits < 8 {
		if cap(s.bufs[i]) < size {
			s.bufs[i] = make([]byte, size)
		}
		row := s.bufs[i][:size]
		for o := range outer {
			copyPacked(row, o*n/outer, x.Bytes(), (o*total+at)*n/outer, n/outer, bits)
		}
		s.slices[i].Reset(x.DType(), s.shape, row)
		return
	}
	if axis == 0 {
		s.slices[i].Reset(x.DType(), s.shape, x.Bytes()[at*size:(at+1)*size:(at+1)*size])
		return
	}
	if cap(s.bufs[i]) < size {
		s.bufs[i] = make([]byte, size)
	}
	row := s.bufs[i][:size]
	cutRows(row, x.Bytes(), outer, total, at)
	s.slices[i].Reset(x.DType(), s.shape, row)
}

// cutRows reads row r of each of the outer groups of rounds rows in src.
func cutRows[T any](dst, src []T, outer, rounds, r int) {
	if outer == 0 || len(dst) == 0 {
		return
	}
	n := len(dst) / outer
	for i := range outer {
		copy(dst[i*n:(i+1)*n], src[(i*rounds+r)*n:][:n])
	}
}
