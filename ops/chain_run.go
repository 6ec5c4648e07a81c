package ops

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// chainJob is one run of a chain.
type chainJob struct {
	chain *chain
	in    []chainInput
	out   *tensor.Tensor
	n     int // elements of the output
	block int // elements of a block
	grain int // elements of a chunk

	mu  sync.Mutex
	err error
}

// chainInput is one input: as long as the output, of one element, or broadcast by a plan.
type chainInput struct {
	t      *tensor.Tensor
	how    chainWay
	plan   vec.Plan
	row    int // of the plan; of chainWide channels that are read
	period int // of the plan
	from   int // of chainWide: the first channel
	step   int // and elements from one row to the next
}

type chainWay uint8

const (
	chainWhole  chainWay = iota
	chainScalar          // one element
	chainRows            // part of a row, or one element for it
	chainCopied          // laid out for each block
	chainCycle           // laid out for the first block; the others are the same
	chainWide            // some channels of what has more, laid out for each block unless there are many
)

// reset gets ready for a call, and reports whether its shapes fit.
func (j *chainJob) reset(c *Call) bool {
	j.out, j.n, j.err = c.Out[0], c.Out[0].Len(), nil
	bytes := chainBlock
	if j.n*j.chain.width >= chainCached {
		bytes = chainLong
	}
	j.block = bytes / j.chain.width
	shape, cycle := j.out.Shape(), 1
	for k := range j.in {
		x := &j.in[k]
		x.t = c.In[k]
		if r := j.chain.ranges[k]; r.Count > 0 {
			if !j.wide(x, r) {
				return false
			}
			continue
		}
		if !spreadsTo(shape, x.t.Shape()) {
			return false
		}
		switch x.t.Len() {
		case j.n:
			x.how = chainWhole
			continue
		case 1:
			x.how = chainScalar
			continue
		}
		x.plan.Plan1(shape, x.t.Shape())
		x.row, x.period, x.how = x.plan.Row(), x.plan.Period(), chainCopied
		switch {
		case x.period > 0 && x.period <= j.block && (cycle == 1 || cycle == x.period):
			cycle, x.how = x.period, chainCycle
		case x.row >= chainRow:
			x.how = chainRows
		}
	}
	j.block -= j.block % cycle
	j.grain = chainChunk / bytes * j.block
	return true
}

// wide gets an input ready of which some channels are read, and reports whether its shape fits.
func (j *chainJob) wide(x *chainInput, r ChannelRange) bool {
	s, out := x.t.Shape(), j.out.Shape()
	last := len(s) - 1
	if last < 0 || len(out) != len(s) || !slices.Equal(s[:last], out[:last]) || out[last] != r.Count || r.From+r.Count > s[last] {
		return false
	}
	x.how, x.row, x.from, x.step = chainWide, r.Count, r.From, s[last]
	return true
}

// release lets go of the tensors of a call.
func (j *chainJob) release() {
	j.out, j.err = nil, nil
	for k := range j.in {
		j.in[k].t = nil
	}
}

// chainState is the memory of one goroutine.
type chainState struct {
	call    Call
	values  []tensor.Tensor // inputs, then results, of the block at hand
	slots   [][]byte
	spread  [][]byte // inputs that were laid out
	current []int    // how many elements spread holds of chainCycle
	in      []*tensor.Tensor
	out     [1]*tensor.Tensor
}

func (c *chain) newState() *chainState {
	total := c.inputs + len(c.steps)
	s := &chainState{values: make([]tensor.Tensor, total), slots: make([][]byte, c.slots), spread: make([][]byte, c.inputs), current: make([]int, c.inputs)}
	return s
}

// room returns n bytes of a buffer, which it makes long enough for any block of that kind.
func room(b *[]byte, n int) []byte {
	if len(*b) < n {
		*b = make([]byte, chainBlock)
		if n > chainBlock {
			*b = make([]byte, chainLong)
		}
	}
	return (*b)[:n]
}

// Chunk runs the blocks of one chunk.
func (j *chainJob) Chunk(i int) {
	s := j.chain.states.Get().(*chainState)
	clear(s.current)
	lo, hi := par.Range(i, j.grain, j.n)
	for lo < hi {
		n := j.length(lo, hi)
		for k := range j.in {
			j.input(s, k, lo, n)
		}
		if err := j.steps(s, lo, n); err != nil {
			j.mu.Lock()
			j.err = err
			j.mu.Unlock()
			break
		}
		lo += n
	}
	for k := range s.values {
		s.values[k].SetData(nil)
	}
	j.chain.states.Put(s)
}

// length returns the length of the block at lo, which ends with a row of inputs whose rows are long.
func (j *chainJob) length(lo, hi int) int {
	n := min(j.block, hi-lo)
	for k := range j.in {
		if x := &j.in[k]; x.how == chainRows || x.how == chainWide && x.row >= chainRow {
			n = min(n, x.row-lo%x.row)
		}
	}
	return n
}

// input makes value k the part of input k that belongs to a block.
func (j *chainJob) input(s *chainState, k, lo, n int) {
	x := &j.in[k]
	d, b := x.t.DType(), x.t.Bytes()
	w, at := d.Size(), 0
	switch x.how {
	case chainWhole:
		at = lo
	case chainScalar:
		n = 1
	case chainWide:
		at = lo/x.row*x.step + x.from + lo%x.row
		if x.row < chainRow {
			b, at = chainGather(room(&s.spread[k], n*w), b[at*w:], x, lo, w), 0
		}
	case chainRows:
		var step int
		if at, step = x.plan.At(lo); step == 0 {
			n = 1
		}
	default:
		b = room(&s.spread[k], n*w)
		aligned := x.how == chainCycle && lo%x.period == 0
		if !aligned || s.current[k] < n {
			chainExpand(x, b, lo)
			if s.current[k] = 0; aligned {
				s.current[k] = n
			}
		}
	}
	shape := [1]int{n}
	s.values[k].Reset(d, shape[:], b[at*w:(at+n)*w])
}

// chainGather lays out elements of width w from element lo on of an input of which some channels are read. The first is src[0].
func chainGather(dst, src []byte, x *chainInput, lo, w int) []byte {
	row, step := x.row*w, x.step*w
	first := min(len(dst), row-lo%x.row*w) // the rest of a row
	copy(dst[:first], src)
	n := (len(dst) - first) / row
	if n > 0 {
		move.Rows(dst[first:], src[first+step-row:], n, row, row, step)
	}
	if at := first + n*row; at < len(dst) {
		copy(dst[at:], src[first+step-row+n*step:])
	}
	return dst
}

// chainExpand lays out the elements of an input for the block at lo.
func chainExpand(x *chainInput, dst []byte, lo int) {
	switch x.t.DType().Size() {
	case 1:
		vec.Expand(&x.plan, dst, x.t.Bytes(), lo)
	case 4:
		vec.Expand(&x.plan, scratchOf[uint32](dst, len(dst)/4), tensor.Raw[uint32](x.t), lo)
	default:
		vec.Expand(&x.plan, scratchOf[uint64](dst, len(dst)/8), tensor.Raw[uint64](x.t), lo)
	}
}

// steps runs the chain for a block.
func (j *chainJob) steps(s *chainState, lo, n int) error {
	c := j.chain
	shape := [1]int{n}
	for i := range c.steps {
		step := &c.steps[i]
		w := step.dtype.Size()
		y := &s.values[c.inputs+i]
		if i == len(c.steps)-1 {
			y.Reset(step.dtype, shape[:], j.out.Bytes()[lo*w:(lo+n)*w])
		} else {
			y.Reset(step.dtype, shape[:], room(&s.slots[step.slot], n*w))
		}
		s.in = s.in[:0]
		for _, k := range step.in {
			if k < 0 {
				s.in = append(s.in, nil)
			} else {
				s.in = append(s.in, &s.values[k])
			}
		}
		s.out[0] = y
		s.call = Call{In: s.in, Out: s.out[:], Threads: 1}
		if err := step.run(&s.call); err != nil {
			return err
		}
	}
	return nil
}
