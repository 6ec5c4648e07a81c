package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/tensor"
)

// Operators for tensors whose channels are their last axis, made from those whose channels come second.

// channelsLastInfer infers an operator for tensors whose channels are their last axis.
func channelsLastInfer(c *InferCtx, infer func(*InferCtx) error) error {
	sub := *c
	sub.In, sub.Out = append([]Value(nil), c.In...), make([]Value, len(c.Out))
	sub.In[0].Type = channelsTo(c.In[0].Type, 1)
	if err := infer(&sub); err != nil {
		return err
	}
	c.SetType(0, channelsTo(sub.Out[0].Type, -1))
	return nil
}

// shapedLastInfer infers an output whose shape, with the channels second, is the value of input i.
func shapedLastInfer(c *InferCtx, i int) error {
	if err := shapedInfer(c, i); err != nil {
		return err
	}
	c.SetType(0, channelsTo(c.Out[0].Type, -1))
	return nil
}

// channelsTo moves the last axis of t behind the first one (to is 1) or back.
func channelsTo(t Type, to int) Type {
	n := len(t.Dims)
	if n < 3 {
		return t
	}
	d := append([]Dim(nil), t.Dims...)
	if to == 1 {
		copy(d[2:], t.Dims[1:n-1])
		d[1] = t.Dims[n-1]
	} else {
		copy(d[1:], t.Dims[2:])
		d[n-1] = t.Dims[1]
	}
	t.Dims = d
	return t
}

// channelsLast is a kernel for input 0 and output 0 whose channels are their last axis, made from one that wants them
// second: both are transposed in the scratch memory.
type channelsLast struct {
	inner Kernel
	calls sync.Pool // of *channelsLastCall
}

// channelsLastCall is the call of the inner kernel.
type channelsLastCall struct {
	Call
	x, y tensor.Tensor
	in   []*tensor.Tensor // keeps the memory of In
	out  [1]*tensor.Tensor
}

func bindChannelsLast(inner Kernel) Kernel {
	l := &channelsLast{inner: inner}
	return Kernel{Run: l.run, Scratch: l.scratch}
}

// channelsSecond returns the shape s with its last axis behind the first one.
func channelsSecond(buf []int, s tensor.Shape) (tensor.Shape, error) {
	n := len(s)
	if n < 3 || n > window.MaxRank+2 {
		return nil, fmt.Errorf("ops: shape %v has %d axes, want 3 to %d", s, n, window.MaxRank+2)
	}
	return append(append(buf[:0], s[0], s[n-1]), s[1:n-1]...), nil
}

// prepare makes x the call of the inner kernel for c and returns the parts of the scratch memory: of x, of y.
func (x *channelsLastCall) prepare(c *Call) (nx, ny int, err error) {
	x.Call = *c
	x.In = append(x.in[:0], c.In...)
	x.in = x.In
	x.In[0], x.out[0] = &x.x, &x.y
	x.Out = x.out[:]
	var bx, by [window.MaxRank + 2]int
	sx, err := channelsSecond(bx[:], c.In[0].Shape())
	if err != nil {
		return 0, 0, err
	}
	sy, err := channelsSecond(by[:], c.Out[0].Shape())
	if err != nil {
		return 0, 0, err
	}
	dx, dy := c.In[0].DType(), c.Out[0].DType()
	nx, ny = align64(dx.ByteLen(sx.Len())), align64(dy.ByteLen(sy.Len()))
	var mx, my []byte
	if len(c.Scratch) >= nx+ny {
		mx, my, x.Scratch = c.Scratch[:dx.ByteLen(sx.Len())], c.Scratch[nx:nx+dy.ByteLen(sy.Len())], c.Scratch[nx+ny:]
	}
	x.x.Reset(dx, sx, mx)
	x.y.Reset(dy, sy, my)
	return nx, ny, nil
}

func (l *channelsLast) scratch(c *Call) int {
	var x channelsLastCall
	nx, ny, err := x.prepare(c)
	if err != nil {
		return 0
	}
	n := nx + ny
	if l.inner.Scratch != nil {
		n += l.inner.Scratch(&x.Call)
	}
	return n
}

func (l *channelsLast) run(c *Call) error {
	x, _ := l.calls.Get().(*channelsLastCall)
	if x == nil {
		x = new(channelsLastCall)
	}
	_, _, err := x.prepare(c)
	if err == nil {
		err = l.transposed(x, c)
	}
	clear(x.in)
	x.Call = Call{}
	l.calls.Put(x)
	return err
}

func (l *channelsLast) transposed(x *channelsLastCall, c *Call) error {
	var buf [window.MaxRank + 2]int
	in, n := c.In[0], c.In[0].Rank()
	perm := append(buf[:0], 0, n-1)
	for i := 1; i < n-1; i++ {
		perm = append(perm, i)
	}
	move.Transpose(x.x.Bytes(), in.Bytes(), in.Shape(), perm, in.DType().Size(), c.Threads)
	if err := l.inner.Run(&x.Call); err != nil {
		return err
	}
	perm = append(buf[:0], 0)
	for i := 2; i < n; i++ {
		perm = append(perm, i)
	}
	perm = append(perm, 1)
	move.Transpose(c.Out[0].Bytes(), x.y.Bytes(), x.y.Shape(), perm, x.y.DType().Size(), c.Threads)
	return nil
}
