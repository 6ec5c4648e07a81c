package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// loopInfer infers Loop: inputs are the most rounds (M), the condition, and carried values. The body takes
// the number of the round, the condition and the carried values, and returns the condition, the carried
// values and what is stacked.
func loopInfer(c *InferCtx) error {
	carried := max(len(c.In)-2, 0)
	stacked := len(c.Out) - carried
	if stacked < 0 {
		return fmt.Errorf("ops: %d carried values and %d outputs", carried, len(c.Out))
	}
	first := make([]Type, carried)
	for i := range first {
		if first[i] = c.In[2+i].Type; !first[i].Present() {
			return fmt.Errorf("ops: carried value %d is absent", i)
		}
	}
	var results []Value
	run := func(in []Type) ([]Type, error) {
		// The body runs only while the condition holds.
		vals := []Value{bodyInput(TypeOf(loopScalar[int64](c.BodyInput, 0, 0))), ConstValue(loopScalar(c.BodyInput, 1, true))}
		for _, t := range in {
			vals = append(vals, bodyInput(t))
		}
		var err error
		if results, err = c.Subgraph("body", vals); err != nil {
			return nil, err
		}
		if len(results) != 1+len(c.Out) {
			return nil, fmt.Errorf("ops: the body returns %d values, want %d", len(results), 1+len(c.Out))
		}
		if cond := results[0].Type; cond.Kind != tensor.KindTensor || cond.DType != tensor.Bool {
			return nil, fmt.Errorf("ops: the body returns %v as its condition, want bool", cond)
		}
		next := make([]Type, carried)
		for i := range next {
			next[i] = results[1+i].Type
		}
		return next, nil
	}
	_, final, err := bodyCarried(c, first, run)
	if err != nil {
		return err
	}
	for i, t := range final {
		c.SetType(i, t)
	}
	trips := loopTrips(c, results[0])
	for i := carried; i < len(c.Out); i++ {
		t := results[1+i].Type
		if t.Kind != tensor.KindTensor {
			return fmt.Errorf("ops: the body returns %v for output %d, want a tensor to stack", t, i)
		}
		if t.Ranked {
			t.Dims = append([]Dim{trips}, t.Dims...)
		}
		c.SetType(i, t)
	}
	return nil
}

// loopScalar makes formal input i of the body: a scalar, or a vector of one element where the body declares one.
func loopScalar[T tensor.Element](declared func(name string, i int) Type, i int, v T) *tensor.Tensor {
	if declared != nil && declared("body", i).Rank() == 1 {
		return tensor.FromSlice([]T{v})
	}
	return tensor.Scalar(v)
}

// loopTrips returns the number of rounds: M where the condition is known to hold throughout. next is what
// the body returns as the condition.
func loopTrips(c *InferCtx, next Value) Dim {
	if !c.Has(0) || ifConstant(next) != "then_branch" || c.Has(1) && ifConstant(c.In[1]) != "then_branch" {
		return c.Fresh()
	}
	m, ok := c.Exprs(0)
	if !ok || len(m) != 1 {
		return c.Fresh()
	}
	if m[0].NonNegative() {
		return m[0]
	}
	if n := m[0].Max(sym.Const(0)); n.Err() == nil {
		return n
	}
	return c.Fresh()
}

// loopRun is a bound Loop.
type loopRun struct {
	carried int
	types   []Type // of the outputs
	said    []Type // what the body declares of them
	input   func(name string, i int) Type
	states  sync.Pool
}

// loopState is what one run works with.
type loopState struct {
	in, out []*tensor.Tensor
	vars    bodyStates
	stacks  []stacker
	round   *tensor.Tensor
	hold    *tensor.Tensor // the condition: true
	cond    tensor.Tensor  // what the body returns for it
}

func loopKernel(k *KernelCtx) (Kernel, error) {
	r := &loopRun{carried: max(len(k.In)-2, 0), input: k.BodyInput}
	for i := range k.Out {
		r.types = append(r.types, k.Out[i].Type)
		if k.BodyOutput != nil {
			r.said = append(r.said, k.BodyOutput("body", 1+i))
		}
	}
	return Kernel{Run: r.run}, nil
}

func (r *loopRun) state() *loopState {
	if s, _ := r.states.Get().(*loopState); s != nil {
		return s
	}
	n := len(r.types)
	s := &loopState{in: make([]*tensor.Tensor, 2+r.carried), out: make([]*tensor.Tensor, 1+n), vars: newBodyStates(r.carried),
		stacks: make([]stacker, n-r.carried),
		round:  loopScalar[int64](r.input, 0, 0), hold: loopScalar(r.input, 1, true)}
	for j := range min(len(s.stacks), len(r.said)-r.carried) {
		s.stacks[j].said = r.said[r.carried+j]
	}
	return s
}

func (r *loopRun) run(c *Call) error {
	trips, err := loopBounds(c)
	if err != nil {
		return err
	}
	s := r.state()
	err = r.loop(c, s, trips)
	s.vars.drop()
	for i := range s.in {
		s.in[i] = nil
	}
	r.states.Put(s)
	return err
}

// loopBounds returns the most rounds there may be.
func loopBounds(c *Call) (trips int64, err error) {
	trips = math.MaxInt64
	if len(c.In) > 0 && c.In[0] != nil {
		if trips, err = bodyScalar[int64](c.In[0], "M"); err != nil {
			return 0, err
		}
	}
	if len(c.In) > 1 && c.In[1] != nil {
		cond, err := bodyScalar[bool](c.In[1], "the condition")
		if err != nil || !cond {
			return 0, err
		}
	}
	return trips, nil
}

func (r *loopRun) loop(c *Call, s *loopState, trips int64) error {
	s.in[0], s.in[1], s.out[0] = s.round, s.hold, &s.cond
	if r.carried > 0 {
		copy(s.in[2:], c.In[2:])
	}
	for j := range s.stacks {
		if err := s.stacks[j].begin(c, r.carried+j, 0, nil); err != nil {
			return err
		}
	}
	round := int64(0)
	for cond := true; cond && round < trips; round++ {
		if err := c.Ctx.Err(); err != nil {
			return err
		}
		var err error
		if cond, err = r.step(c, s, int(round)); err != nil {
			return err
		}
	}
	for i := range r.carried {
		t := s.in[2+i]
		if t.Kind() == tensor.KindOptional && r.types[i].Kind != t.Kind() && r.types[i].Present() {
			if t.Len() == 0 {
				return fmt.Errorf("ops: output %d is an optional without a value, and there was no round to give one", i)
			}
			t = t.Elems()[0]
		}
		if err := bodyResult(c, i, t); err != nil {
			return err
		}
	}
	for j := range s.stacks {
		if err := s.stacks[j].finish(c, int(round), r.types[r.carried+j]); err != nil {
			return err
		}
	}
	return nil
}

// step runs the body once. It returns the condition.
func (r *loopRun) step(c *Call, s *loopState, round int) (bool, error) {
	tensor.Of[int64](s.round)[0] = int64(round)
	for i := range r.carried {
		s.out[1+i] = s.vars.next(i)
	}
	for j := range s.stacks {
		s.out[1+r.carried+j] = s.stacks[j].slot(c, round)
	}
	if err := c.Bodies[0].Run(c, s.in, s.out); err != nil {
		return false, err
	}
	for j := range s.stacks {
		if err := s.stacks[j].take(c, round); err != nil {
			return false, err
		}
	}
	copy(s.in[2:], s.out[1:1+r.carried])
	s.vars.swap()
	return bodyScalar[bool](&s.cond, "the condition that the body returns")
}
