package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/tensor"
)

// ifInfer covers both branches, unless the condition is constant: a branch that is never taken need not make
// sense for the shapes at hand.
func ifInfer(c *InferCtx) error {
	if name := ifConstant(c.In[0]); name != "" {
		dead := map[string]string{"then_branch": "else_branch", "else_branch": "then_branch"}[name]
		_, _ = c.Subgraph(dead, nil) // so that its values are described as far as they make sense
		return ifTaken(c, name)
	}
	then, err := c.Subgraph("then_branch", nil)
	if err != nil {
		return err
	}
	other, err := c.Subgraph("else_branch", nil)
	if err != nil {
		return err
	}
	if len(then) != len(c.Out) || len(other) != len(c.Out) {
		return fmt.Errorf("ops: the branches return %d and %d values, want %d", len(then), len(other), len(c.Out))
	}
	for i := range c.Out {
		t, err := bodyJoin(then[i].Type, other[i].Type, c.Fresh)
		if err != nil {
			return fmt.Errorf("%w (output %d of the branches)", err, i)
		}
		c.SetType(i, t)
	}
	return nil
}

func ifTaken(c *InferCtx, branch string) error {
	got, err := c.Subgraph(branch, nil)
	if err != nil {
		return err
	}
	if len(got) != len(c.Out) {
		return fmt.Errorf("ops: the branch returns %d values, want %d", len(got), len(c.Out))
	}
	for i := range c.Out {
		c.SetType(i, got[i].Type)
		c.SetElems(i, got[i].Elems)
	}
	return nil
}

// ifConstant returns the branch that a constant condition takes, "" if it is not constant.
func ifConstant(cond Value) string {
	if cond.Const == nil {
		return ""
	}
	switch x := tensor.Of[bool](cond.Const); {
	case len(x) != 1:
		return ""
	case x[0]:
		return "then_branch"
	}
	return "else_branch"
}

// ifRun is a bound If.
type ifRun struct {
	then, other int
	states      sync.Pool // of *ifState
}

// ifState are headers for the results of one run.
type ifState struct {
	headers []tensor.Tensor
	out     []*tensor.Tensor
}

func ifKernel(k *KernelCtx) (Kernel, error) {
	then, err := bodyIndex(k, "then_branch")
	if err != nil {
		return Kernel{}, err
	}
	other, err := bodyIndex(k, "else_branch")
	if err != nil {
		return Kernel{}, err
	}
	r := &ifRun{then: then, other: other}
	return Kernel{Run: r.run}, nil
}

func (r *ifRun) run(c *Call) error {
	cond, err := bodyScalar[bool](c.In[0], "the condition")
	if err != nil {
		return err
	}
	s, _ := r.states.Get().(*ifState)
	if s == nil {
		s = &ifState{headers: make([]tensor.Tensor, len(c.Out)), out: make([]*tensor.Tensor, len(c.Out))}
	}
	for i, t := range c.Out {
		h := &s.headers[i]
		switch {
		case t == nil:
			s.out[i] = h
		case bodyPlaced(t) && t.DType() != tensor.String:
			h.Reset(t.DType(), t.Shape(), t.Bytes())
			s.out[i] = h
		default:
			s.out[i] = t
		}
	}
	body := c.Bodies[r.other]
	if cond {
		body = c.Bodies[r.then]
	}
	err = body.Run(c, nil, s.out)
	for i, t := range c.Out {
		if err == nil && t != nil && s.out[i] != t {
			if err = bodyMatches(t, s.out[i]); err == nil {
				bodyCopy(t, s.out[i])
			}
		}
		s.headers[i].ResetTo(&bodyEmpty)
	}
	r.states.Put(s)
	return err
}

var bodyEmpty tensor.Tensor
