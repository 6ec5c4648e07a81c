package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun RotateHalf is what the optimiser puts in the place of written-out rotary embeddings: Y = X*cos + half(X)*sin, where
// half(x) is the second half of a vector with its sign changed, then the first. X is [batch, heads, length, size] or, with
// x_view, what a projection makes (see Attention of this domain); cos and sin, of one shape, broadcast to [batch, heads, length, size],
// the shape of Y, with vectors of the whole size.

// rotateHalfInfer infers RotateHalf of the onnxrun domain.
func rotateHalfInfer(c *InferCtx) error {
	v, err := headViewOf(c.Attrs, "x_view")
	if err != nil {
		return err
	}
	d, err := v.dims(c.Type(0))
	if err != nil {
		return err
	}
	c.Set(0, c.Type(0).DType, d[:]...)
	return nil
}

// rotateHalf is a bound RotateHalf.
type rotateHalf struct {
	view  headView
	calls sync.Pool // of *rotateHalfCall
}

// rotateHalfCall is the state of one call; a chunk is a number of positions of all heads.
type rotateHalfCall struct {
	x, y            heads[float32]
	cos, sin, minus []float32 // minus is -sin
	batch, head, at int       // strides of the tables
	size            int       // positions in a chunk
}

func rotateHalfKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("RotateHalf of %v", k.DType(0))
	}
	v, err := headViewOf(k.Attrs, "x_view")
	if err != nil {
		return Kernel{}, err
	}
	r := &rotateHalf{view: v}
	r.calls.New = func() any { return new(rotateHalfCall) }
	return Kernel{Run: r.run, Scratch: func(c *Call) int { return 4 * c.In[2].Len() }}, nil
}

func (r *rotateHalf) run(c *Call) error {
	x := r.calls.Get().(*rotateHalfCall)
	err := x.prepare(r.view, c)
	if n := x.x.b * x.x.n; err == nil && n*x.x.h*x.x.size > 0 {
		vec.Neg(x.minus, x.sin)
		chunks, size := par.Split(n, 1+1<<14/(x.x.h*x.x.size))
		x.size = size
		par.Run(c.Threads, chunks, x)
	}
	*x = rotateHalfCall{}
	r.calls.Put(x)
	return err
}

func (x *rotateHalfCall) prepare(v headView, c *Call) (err error) {
	if x.x, err = v.view(c.In[0]); err != nil {
		return err
	}
	if x.y, err = viewHeads[float32](c.Out[0], 0); err != nil {
		return err
	}
	want := [4]int{x.x.b, x.x.h, x.x.n, x.x.size}
	s := c.In[1].Shape()
	if !s.Equal(c.In[2].Shape()) || !c.Out[0].Shape().Equal(want[:]) || want[3]%2 != 0 || len(s) == 0 || len(s) > 4 {
		return fmt.Errorf("ops: rotation of %v by tables of %v and %v", want, s, c.In[2].Shape())
	}
	strides := [4]*int{&x.batch, &x.head, &x.at, new(int)}
	step := 1
	for i := range s {
		axis, d := 3-i, s[len(s)-1-i]
		if d != want[axis] && (d != 1 || i == 0) {
			return fmt.Errorf("ops: rotation of %v by tables of %v", want, s)
		}
		if d != 1 {
			*strides[axis] = step
		}
		step *= d
	}
	x.cos, x.sin = tensor.Of[float32](c.In[1]), tensor.Of[float32](c.In[2])
	x.minus = scratchOf[float32](c.Scratch, len(x.sin))
	return nil
}

// Chunk rotates the vectors of some positions.
func (x *rotateHalfCall) Chunk(i int) {
	half := x.x.size / 2
	lo, hi := par.Range(i, x.size, x.x.b*x.x.n)
	for p := lo; p < hi; p++ {
		b, n := p/x.x.n, p%x.x.n
		for h := range x.x.h {
			src := x.x.x[b*x.x.batch+h*x.x.head+n*x.x.step:][:x.x.size]
			dst := x.y.x[b*x.y.batch+h*x.y.head+n*x.y.step:][:x.x.size]
			at := b*x.batch + h*x.head + n*x.at
			vec.Mul(dst, src, x.cos[at:at+x.x.size])
			vec.MulAcc(dst[:half], src[half:], x.minus[at:at+half])
			vec.MulAcc(dst[half:], src[:half], x.sin[at+half:at+x.x.size])
		}
	}
}
