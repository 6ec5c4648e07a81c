package ops

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Elementwise is several operators each of whose elements depends on the elements at the same place of what they
// read, run block by block so that what they hand on stays in the first cache. Any shapes that broadcast are
// taken; each step has the shape of the whole.
//
// Of inputs of the output's shape some channels may be meant, by the attribute ranges of WideRows.
//
// The attribute steps describes the operators in order, each as words: name, version, element type of the
// result, and for each operand "-" if it is absent, else a number that counts inputs and then steps. Attribute a of step i is the
// attribute "i.a" here. The last step makes the output.

// A ChainStep is one operator of Elementwise.
type ChainStep struct {
	Name    string
	Version int
	DType   tensor.DType
	In      []int // inputs, then results of earlier steps; -1 is absent
	Attrs   Attrs
}

// ChainAttrs returns the attributes of Elementwise for the steps.
func ChainAttrs(steps []ChainStep) Attrs {
	var out Attrs
	list := make([]string, len(steps))
	for i, s := range steps {
		words := []string{s.Name, strconv.Itoa(s.Version), strconv.Itoa(int(s.DType))}
		for _, k := range s.In {
			if k < 0 {
				words = append(words, "-")
			} else {
				words = append(words, strconv.Itoa(k))
			}
		}
		list[i] = strings.Join(words, " ")
		for _, a := range s.Attrs {
			named := *a
			named.Name = strconv.Itoa(i) + "." + a.Name
			out = append(out, &named)
		}
	}
	return append(Attrs{onnx.NewStrings("steps", list...), onnx.NewInt("to", int64(steps[len(steps)-1].DType))}, out...)
}

// chainSteps is the inverse of ChainAttrs.
func chainSteps(attrs Attrs, inputs int) ([]ChainStep, error) {
	var steps []ChainStep
	for i, text := range attrs.StrList("steps") {
		words := strings.Fields(text)
		if len(words) < 4 {
			return nil, fmt.Errorf("ops: step %q has no operands", text)
		}
		s := ChainStep{Name: words[0]}
		s.Version, _ = strconv.Atoi(words[1])
		d, err := strconv.Atoi(words[2])
		s.DType = tensor.DType(d)
		for _, w := range words[3:] {
			k := -1
			if w != "-" && err == nil {
				k, err = strconv.Atoi(w)
			}
			if k >= inputs+i {
				err = fmt.Errorf("ops: step %q reads value %d, which comes later", text, k)
			}
			s.In = append(s.In, k)
		}
		if err != nil {
			return nil, err
		}
		prefix := strconv.Itoa(i) + "."
		for _, a := range attrs {
			if name, ok := strings.CutPrefix(a.Name, prefix); ok {
				named := *a
				named.Name = name
				s.Attrs = append(s.Attrs, &named)
			}
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("ops: no steps")
	}
	return steps, nil
}

func chainInfer(c *InferCtx) error {
	t, err := broadcastInputs(c, tensor.DType(c.Int("to")), 0, len(c.In)-1)
	c.SetType(0, t)
	return err
}

func chainKernel(k *KernelCtx) (Kernel, error) {
	steps, err := chainSteps(k.Attrs, len(k.In))
	if err != nil {
		return Kernel{}, err
	}
	c := &chain{inputs: len(k.In), ranges: make([]ChannelRange, len(k.In))}
	values := slices.Clone(k.In)
	for _, r := range WideRowsOf(k.Attrs).Ranges {
		if err := narrow(&values[r.Input].Type, r); err != nil {
			return Kernel{}, err
		}
		c.ranges[r.Input] = r
	}
	for _, s := range steps {
		bound, err := chainBind(k, s, values)
		if err != nil {
			return Kernel{}, err
		}
		c.steps = append(c.steps, chainStep{run: bound.Run, in: s.In, dtype: s.DType})
		t := k.OutType(0)
		t.DType = s.DType
		values = append(values, Value{Type: t})
		c.width = max(c.width, s.DType.Size())
	}
	for _, v := range k.In {
		c.width = max(c.width, v.DType.Size())
	}
	c.place()
	c.states.New = func() any { return c.newState() }
	c.jobs.New = func() any { return &chainJob{chain: c, in: make([]chainInput, c.inputs)} }
	return Kernel{Run: c.run}, nil
}

// chainBind binds the operator of a step.
func chainBind(k *KernelCtx, s ChainStep, values []Value) (Kernel, error) {
	if k.Operator == nil {
		return Kernel{}, Unsupported("a chain outside of a program")
	}
	op := k.Operator("", s.Name, s.Version)
	if op == nil {
		return Kernel{}, Unsupported("step %s", s.Name)
	}
	t := k.OutType(0)
	t.DType = s.DType
	kc := &KernelCtx{Attrs: s.Attrs, Weights: k.Weights, Out: []Value{{Type: t}}}
	for _, i := range s.In {
		if i < 0 {
			kc.In = append(kc.In, Value{})
		} else {
			kc.In = append(kc.In, values[i])
		}
	}
	bound, err := op.Kernel(kc)
	if err == nil && bound.Scratch != nil {
		err = fmt.Errorf("ops: step %s wants scratch memory", s.Name)
	}
	return bound, err
}

// chain is a bound Elementwise.
type chain struct {
	inputs int
	steps  []chainStep
	ranges []ChannelRange // by input, zero where all of it is read
	slots  int            // blocks of scratch memory
	width  int            // bytes of the widest elements
	states sync.Pool
	jobs   sync.Pool
}

type chainStep struct {
	run   func(*Call) error
	in    []int
	dtype tensor.DType
	slot  int // where the result goes; the last goes to the output
}

// place gives each result a slot that nothing needs any more. A step may write over what it reads if the elements are
// equally wide.
func (c *chain) place() {
	last := make([]int, len(c.steps)) // the step that reads each result last
	for i, s := range c.steps {
		for _, k := range s.in {
			if k >= c.inputs {
				last[k-c.inputs] = i
			}
		}
	}
	var holds []int // the step whose result each slot has
	for i := range c.steps[:len(c.steps)-1] {
		s := &c.steps[i]
		s.slot = slices.IndexFunc(holds, func(h int) bool {
			return last[h] < i || last[h] == i && c.steps[h].dtype.Size() == s.dtype.Size()
		})
		if s.slot < 0 {
			s.slot = len(holds)
			holds = append(holds, i)
		}
		holds[s.slot] = i
	}
	c.slots = len(holds)
}

const (
	chainBlock  = 1 << 13 // bytes of the widest elements in a block: some of them fit the first cache
	chainCached = 1 << 24 // bytes of the widest elements from which results are taken to lie in memory
	chainLong   = 1 << 15 // bytes of a block then: streams that are cut into short pieces are not fetched in time
	chainChunk  = 1 << 17 // bytes of a chunk
	chainRow    = 1 << 9  // rows of an input that are at least as long are not copied
)

func (c *chain) run(call *Call) error {
	out := call.Out[0]
	n := out.Len()
	if n == 0 {
		return nil
	}
	j := c.jobs.Get().(*chainJob)
	defer c.jobs.Put(j)
	if !j.reset(call) {
		return errBroadcast(call)
	}
	par.Run(call.Threads, (n+j.grain-1)/j.grain, j)
	err := j.err
	j.release()
	return err
}
