package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// rotaryParts says which input plays which part. free says that the caches tell the number of heads where no attribute
// does, and that one position stands for those that follow it, as in com.microsoft.
type rotaryParts struct {
	cos, sin, positions int
	free                bool
}

var (
	rotaryInputs    = rotaryParts{cos: 1, sin: 2, positions: 3}
	rotaryMicrosoft = rotaryParts{cos: 2, sin: 3, positions: 1, free: true}
)

// infer infers RotaryEmbedding.
func (p rotaryParts) infer(c *InferCtx) error {
	x := c.Type(0)
	if err := sameElements(c, 0, p.cos, p.sin); err != nil {
		return err
	}
	if x.Ranked && len(x.Dims) != 4 {
		if len(x.Dims) != 3 || c.Int("num_heads") < 1 && !p.free {
			return fmt.Errorf("ops: input is %v over %d heads, want 4 axes, or 3 and a number of heads", x, c.Int("num_heads"))
		}
	}
	c.SetType(0, x)
	return nil
}

// rotary is a bound RotaryEmbedding.
type rotary[T float32 | float64] struct {
	parts       rotaryParts
	heads, dim  int
	interleaved bool
	calls       sync.Pool // of *rotaryCall[T]
}

func rotaryOf(p rotaryParts) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		switch k.DType(0) {
		case tensor.Float32:
			return bindRotary[float32](k, p), nil
		case tensor.Float64:
			return bindRotary[float64](k, p), nil
		}
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	})
}

func bindRotary[T float32 | float64](k *KernelCtx, p rotaryParts) Kernel {
	r := &rotary[T]{parts: p, heads: k.Int("num_heads"), dim: k.Int("rotary_embedding_dim"), interleaved: k.Bool("interleaved")}
	return Kernel{Run: r.run}
}

// rotaryCall is the state of one call; a chunk is a number of positions of all heads.
type rotaryCall[T float32 | float64] struct {
	*rotary[T]
	x, y      heads[T]
	cos, sin  []T
	positions []int64 // row of the caches for each position; nil if they are in order
	first     int     // row of the caches for position 0 of each batch, if not negative
	half      int
	size      int // positions in a chunk
}

func (r *rotary[T]) run(c *Call) error {
	x, _ := r.calls.Get().(*rotaryCall[T])
	if x == nil {
		x = new(rotaryCall[T])
	}
	x.rotary = r
	err := x.prepare(c)
	if n := x.x.b * x.x.n; err == nil && n > 0 {
		chunks, size := par.Split(n, 1+1<<14/max(1, x.x.h*x.x.size))
		x.size = size
		par.Run(c.Threads, chunks, x)
	}
	*x = rotaryCall[T]{}
	r.calls.Put(x)
	return err
}

func (x *rotaryCall[T]) prepare(c *Call) (err error) {
	cos, sin := c.In[x.parts.cos], c.In[x.parts.sin]
	n := x.heads
	if s := cos.Shape(); n == 0 && x.parts.free && len(s) == 2 && s[1] > 0 && c.In[0].Rank() == 3 {
		n = c.In[0].Shape()[2] / (2 * s[1])
	}
	if x.x, err = viewHeads[T](c.In[0], n); err != nil {
		return err
	}
	if x.y, err = viewHeads[T](c.Out[0], n); err != nil {
		return err
	}
	dim := x.dim
	if dim == 0 {
		dim = x.x.size
	}
	if dim < 0 || dim > x.x.size || dim%2 != 0 {
		return fmt.Errorf("ops: rotary_embedding_dim is %d, want an even number up to %d", dim, x.x.size)
	}
	x.half = dim / 2
	x.cos, x.sin = tensor.Of[T](cos), tensor.Of[T](sin)
	rows := x.x.b * x.x.n
	x.first = -1
	if t := input(c, x.parts.positions); t != nil {
		if rows, err = x.place(t, cos.Shape()); err != nil {
			return err
		}
	}
	if len(x.cos) != rows*x.half || len(x.sin) != len(x.cos) {
		return fmt.Errorf("ops: caches have shapes %v and %v, want rows of %d for %d positions", cos.Shape(), sin.Shape(), x.half, rows)
	}
	return nil
}

// place reads the positions and returns the number of rows of the caches.
func (x *rotaryCall[T]) place(t *tensor.Tensor, caches tensor.Shape) (int, error) {
	p := tensor.Of[int64](t)
	if len(caches) != 2 || caches[1] != x.half {
		return 0, fmt.Errorf("ops: cos_cache has shape %v, want [any %d]", caches, x.half)
	}
	last := int64(0)
	switch {
	case len(p) == x.x.b*x.x.n:
		x.positions = p
	case x.parts.free && len(p) == 1:
		x.first, last = int(p[0]), int64(x.x.n-1)
	default:
		return 0, fmt.Errorf("ops: position_ids has shape %v, want %d elements", t.Shape(), x.x.b*x.x.n)
	}
	for _, v := range p {
		if v < 0 || v >= int64(caches[0]) || v+last >= int64(caches[0]) {
			return 0, fmt.Errorf("ops: position is %d, want one of %d", v+last, caches[0])
		}
	}
	return caches[0], nil
}

// Chunk rotates the vectors of some positions.
func (x *rotaryCall[T]) Chunk(i int) {
	lo, hi := par.Range(i, x.size, x.x.b*x.x.n)
	for p := lo; p < hi; p++ {
		row := p
		if x.positions != nil {
			row = int(x.positions[p])
		} else if x.first >= 0 {
			row = x.first + p%x.x.n
		}
		cos, sin := x.cos[row*x.half:][:x.half], x.sin[row*x.half:][:x.half]
		b, n := p/x.x.n, p%x.x.n
		for h := range x.x.h {
			src := x.x.x[b*x.x.batch+h*x.x.head+n*x.x.step:][:x.x.size]
			dst := x.y.x[b*x.y.batch+h*x.y.head+n*x.y.step:][:x.x.size]
			copy(dst[2*x.half:], src[2*x.half:])
			rotate(dst, src, cos, sin, x.interleaved)
		}
	}
}

// rotate turns the pairs of src by the given angles. Pairs are neighbours if interleaved, else half the length apart.
func rotate[T float32 | float64](dst, src, cos, sin []T, interleaved bool) {
	n := len(cos)
	if interleaved {
		for i, c := range cos {
			a, b := src[2*i], src[2*i+1]
			dst[2*i], dst[2*i+1] = c*a-sin[i]*b, sin[i]*a+c*b
		}
		return
	}
	lo, hi, sin := src[:n], src[n:2*n], sin[:n]
	outLo, outHi := dst[:n], dst[n:2*n]
	for i, c := range cos {
		a, b, s := lo[i], hi[i], sin[i]
		outLo[i], outHi[i] = c*a-s*b, s*a+c*b
	}
}
