package ops

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/tensor"
)

// convIntegerInfer infers ConvInteger.
func convIntegerInfer(c *InferCtx) error { return byteConvInfer(c, 0, 1, tensor.Int32) }

// qlinearConvInfer infers QLinearConv.
func qlinearConvInfer(c *InferCtx) error { return byteConvInfer(c, 0, 3, c.Type(7).DType) }

func byteConvInfer(c *InferCtx, x, w int, d tensor.DType) error {
	sub := &InferCtx{Attrs: c.Attrs, In: []Value{c.In[x], c.In[w]}, Out: make([]Value, 1), Fresh: c.Fresh}
	if err := convInfer(sub); err != nil {
		return err
	}
	t := sub.Out[0].Type
	t.DType = d
	c.SetType(0, t)
	return nil
}

// byteConv is a bound ConvInteger or QLinearConv: x [N, C, ...], w [M, C/group, ...], a zero point for x, and one for w or
// for each of its M filters. The convolution runs in float32 over blocks of the input channels that are exact there, whose
// results add up as int32. The fields say which input plays which part, -1 for none.
type byteConv struct {
	x, w, xZero, wZero     int
	xScale, wScale, yScale int
	yZero, bias            int
	requantise             bool

	attrs  window.Attrs
	groups int
	filter *byteFilter // of a constant w
	plan   atomic.Pointer[byteConvPlan]
	calls  sync.Pool // of *byteConvCall
}

// byteFilter is w less its zero points, block after block: of each filter the channels from one end to the next.
type byteFilter struct {
	w    []float32
	ends []int // nil: the sums do not fit float32 in any cut
}

// byteConvPlan is the plan for one pair of shapes.
type byteConvPlan struct {
	xs, ws tensor.Shape
	g      conv.Geom
	in     int // elements of an input plane
	out    int // elements of an output plane
	ends   []int
	parts  []*conv.Plan // of each block; none: plain loops over int32
}

func convIntegerKernel(k *KernelCtx) (Kernel, error) {
	return bindByteConv(k, &byteConv{x: 0, w: 1, xZero: 2, wZero: 3, xScale: -1, wScale: -1, yScale: -1, yZero: -1, bias: -1})
}

func qlinearConvKernel(k *KernelCtx) (Kernel, error) {
	return bindByteConv(k, &byteConv{x: 0, xScale: 1, xZero: 2, w: 3, wScale: 4, wZero: 5, yScale: 6, yZero: 7, bias: 8, requantise: true})
}

// bindByteConv binds r, whose fields that name inputs are set.
func bindByteConv(k *KernelCtx, r *byteConv) (Kernel, error) {
	if !bytes8.Has(k.DType(r.x)) || !bytes8.Has(k.DType(r.w)) {
		return Kernel{}, Unsupported("convolution of %v with %v", k.DType(r.x), k.DType(r.w))
	}
	if r.requantise && !bytes8.Has(k.OutType(0).DType) {
		return Kernel{}, Unsupported("convolution to %v", k.OutType(0).DType)
	}
	var err error
	if r.attrs, err = windowAttrs(k.Attrs); err != nil {
		return Kernel{}, err
	}
	r.groups = k.IntOr("group", 1)
	w, zero := k.Const(r.w), k.Const(r.wZero)
	if w != nil && w.Rank() > 2 && w.Len() > 0 && (zero != nil || !k.Has(r.wZero)) {
		if err := checkZero(zero, w, w.Shape()[0]); err != nil {
			return Kernel{}, err
		}
		format := "exact blocks"
		if zero != nil {
			format += string(zero.Bytes())
		}
		r.filter = k.Packed(r.w, format, func(*Room) any { return packFilter(w, zero) }).(*byteFilter)
	}
	return Kernel{Run: r.run, Scratch: r.scratch}, nil
}

// checkZero checks the zero points of t: one, or n, of the element type of t. zero may be nil.
func checkZero(zero, t *tensor.Tensor, n int) error {
	switch {
	case zero == nil:
		return nil
	case zero.DType() != t.DType():
		return fmt.Errorf("ops: zero point is %v, want %v", zero.DType(), t.DType())
	case zero.Len() != 1 && (zero.Rank() != 1 || zero.Len() != n):
		return fmt.Errorf("ops: zero point has shape %v, want one element or [%d]", zero.Shape(), n)
	}
	return nil
}

// packFilter cuts a constant filter into blocks.
func packFilter(w, zero *tensor.Tensor) *byteFilter {
	outC, channels, taps := w.Shape()[0], w.Shape()[1], w.Shape()[2:].Len()
	f := &byteFilter{w: make([]float32, w.Len())}
	loadFilter(f.w, w, zero, outC, channels, taps, []int{channels})
	if f.ends = conv.ExactBlocks(f.w, outC, channels, taps); len(f.ends) > 1 {
		loadFilter(f.w, w, zero, outC, channels, taps, f.ends)
	}
	return f
}

// loadFilter sets dst to w [outC, channels, taps] less its zero points, in blocks of channels.
func loadFilter(dst []float32, w, zero *tensor.Tensor, outC, channels, taps int, ends []int) {
	c0 := 0
	for _, c1 := range ends {
		n := (c1 - c0) * taps
		for o := range outC {
			loadDiff(dst[:n], w, (o*channels+c0)*taps, zero, o)
			dst = dst[n:]
		}
		c0 = c1
	}
}

// loadDiff sets dst to elements lo, lo+1, ... of t less element i of zero; a single zero point stands for any, nil for 0.
func loadDiff(dst []float32, t *tensor.Tensor, lo int, zero *tensor.Tensor, i int) {
	loadCodes(dst, t, lo)
	if z := zeroPoint(zero, i); z != 0 {
		vec.ScaleShift(dst, dst, 1, -z)
	}
}

// zeroPoint returns element i of a zero point; a single element stands for any, nil for 0.
func zeroPoint(zero *tensor.Tensor, i int) float32 {
	if zero == nil {
		return 0
	}
	if zero.Len() == 1 {
		i = 0
	}
	switch zero.DType() {
	case tensor.Int8:
		return float32(tensor.Of[int8](zero)[i])
	case tensor.Uint8:
		return float32(tensor.Of[uint8](zero)[i])
	}
	var v [1]float32
	loadCodes(v[:], zero, i)
	return v[0]
}

// planFor returns the plan for the given shapes, the last one used if it fits.
func (r *byteConv) planFor(x, w tensor.Shape) (*byteConvPlan, error) {
	if p := r.plan.Load(); p != nil && p.xs.Equal(x) && p.ws.Equal(w) {
		return p, nil
	}
	g, err := conv.NewGeom(r.attrs, r.groups, x, w)
	if err != nil {
		return nil, err
	}
	p := &byteConvPlan{xs: x.Clone(), ws: w.Clone(), g: g, in: g.InSize(), out: g.OutSize()}
	if r.filter != nil {
		p.ends = r.filter.ends
	} else if n := conv.ExactChannels(max(1, g.Taps())); n > 0 {
		for c := n; c < w[1]; c += n {
			p.ends = append(p.ends, c)
		}
		p.ends = append(p.ends, w[1])
	}
	for i := range p.ends {
		c0, c1 := p.block(i)
		p.parts = append(p.parts, conv.NewPlan(g.Part(c1-c0)))
	}
	r.plan.Store(p)
	return p, nil
}

// block returns the channels of block i.
func (p *byteConvPlan) block(i int) (c0, c1 int) {
	if i > 0 {
		c0 = p.ends[i-1]
	}
	return c0, p.ends[i]
}

// widest returns the number of channels of the largest block, of each group; without blocks all of them.
func (p *byteConvPlan) widest() int {
	n := 0
	for i := range p.ends {
		c0, c1 := p.block(i)
		n = max(n, c1-c0)
	}
	if n == 0 {
		n = p.ws[1]
	}
	return n
}

// scratch returns the room for a block of x, w (unless it is constant), a block's result and the sums.
func (r *byteConv) scratch(c *Call) int {
	p, err := r.planFor(c.In[r.x].Shape(), c.In[r.w].Shape())
	if err != nil {
		return 0 // Run says what is wrong
	}
	x, w, y := p.sizes(r)
	return 4 * (x + w + 2*y)
}

// sizes returns the lengths of the parts of the scratch memory: x, w and y twice.
func (p *byteConvPlan) sizes(r *byteConv) (x, w, y int) {
	if r.filter == nil || p.parts == nil {
		w = p.ws.Len()
	}
	return p.g.Batch * p.g.Groups * p.widest() * p.in, w, p.g.Batch * p.g.OutC * p.out
}

// channelsQLinearConvInfer infers QLinearConv of com.microsoft, whose channels may come last.
func channelsQLinearConvInfer(c *InferCtx) error {
	if c.Bool("channels_last") {
		return channelsLastInfer(c, qlinearConvInfer)
	}
	return qlinearConvInfer(c)
}

func channelsQLinearConvKernel(k *KernelCtx) (Kernel, error) {
	inner, err := qlinearConvKernel(k)
	if err == nil && k.Bool("channels_last") {
		inner = bindChannelsLast(inner)
	}
	return inner, err
}
