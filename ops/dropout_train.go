package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/random"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// dropout is a bound Dropout with a switch for training: an element is kept if a number of [0, 1) drawn for it is not below
// the ratio, and then divided by 1 - ratio. With the attribute seed every run draws the stream of
// numpy.random.RandomState(seed), as the reference implementation does; without it each run has another stream.
type dropout struct {
	seeded  bool
	seed    uint32
	source  *randomSource
	decode  decoder
	encode  encoder
	streams sync.Pool // of *random.MT19937
}

// dropoutPart is how many elements are worked on at a time.
const dropoutPart = 512

func dropoutKernel(k *KernelCtx) (Kernel, error) {
	d := &dropout{seeded: k.HasAttr("seed"), seed: uint32(k.Int("seed")), source: newRandomSource(nil)}
	if d.decode, d.encode = castDecoder(k.DType(0)), castEncoder(nil, k.DType(0)); d.decode == nil || d.encode == nil {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	if t := k.Const(2); t != nil && !trains(t) {
		return Kernel{Run: passOn}, nil
	}
	return Kernel{Run: d.run, Scratch: func(*Call) int { return 2 * carveBytes(dropoutPart, 8) }}, nil
}

// trains reports the value of the training_mode input.
func trains(t *tensor.Tensor) bool {
	v := tensor.Of[bool](t)
	return len(v) > 0 && v[0]
}

func (d *dropout) run(c *Call) error {
	if t := input(c, 2); t == nil || !trains(t) {
		return passOn(c)
	}
	ratio := 0.5
	if t := input(c, 1); t != nil {
		if t.Len() != 1 {
			return fmt.Errorf("ops: ratio has shape %v, want one element", t.Shape())
		}
		ratio = tensor.Float64s(t, 1)[0]
	}
	switch {
	case ratio == 0:
		return passOn(c)
	case !(ratio > 0 && ratio < 1):
		return fmt.Errorf("ops: ratio is %v, want at least 0 and below 1", ratio)
	}
	x, y := c.In[0], c.Out[0]
	if x.Len() != y.Len() || x.DType() != y.DType() {
		return errBroadcast(c)
	}
	var mask []bool
	if m := part(c.Out, 1); m != nil {
		if mask = tensor.Of[bool](m); len(mask) != x.Len() {
			return errBroadcast(c)
		}
	}
	d.drop(c, ratio, mask)
	return nil
}

// drop draws the numbers and sets output and mask.
func (d *dropout) drop(c *Call, ratio float64, mask []bool) {
	s, _ := d.streams.Get().(*random.MT19937)
	if s == nil {
		s = new(random.MT19937)
	}
	if s.Seed(d.seed); !d.seeded {
		p := d.source.next()
		s.Seed(uint32(p.Uint64()))
	}
	x, y := c.In[0], c.Out[0]
	factors, rest := carve[float64](c.Scratch, dropoutPart)
	values, _ := carve[float64](rest, dropoutPart)
	for lo := 0; lo < x.Len(); lo += dropoutPart {
		n := min(dropoutPart, x.Len()-lo)
		for i := range n {
			keep := s.Float64() >= ratio
			factors[i] = 0
			if keep {
				factors[i] = 1 / (1 - ratio)
			}
			if mask != nil {
				mask[lo+i] = keep
			}
		}
		d.decode(values[:n], x, lo)
		vec.MulOf(values[:n], values[:n], factors[:n])
		d.encode(y, lo, values[:n])
	}
	d.streams.Put(s)
}
