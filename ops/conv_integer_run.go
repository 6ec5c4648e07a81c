package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// byteConvCall is the state of one call.
type byteConvCall struct {
	*byteConv
	*byteConvPlan
	c           *Call
	stage       byteConvStage
	xs, w, part []float32
	sums        []int32
	c0, c1      int // channels of the block
	args        conv.Args
}

// byteConvStage is what the chunks of a loop do.
type byteConvStage uint8

const (
	loadPlanes   byteConvStage = iota // a chunk is an input plane of a block
	addPlanes                         // a chunk is an output plane of a block
	finishPlanes                      // a chunk is an output plane, of the last block
)

func (r *byteConv) run(c *Call) error {
	p, err := r.planFor(c.In[r.x].Shape(), c.In[r.w].Shape())
	if err != nil || c.Out[0].Len() == 0 {
		return err
	}
	if err := r.checkInputs(c, p); err != nil {
		return err
	}
	x, _ := r.calls.Get().(*byteConvCall)
	if x == nil {
		x = new(byteConvCall)
	}
	x.byteConv, x.byteConvPlan, x.c = r, p, c
	x.do()
	*x = byteConvCall{}
	r.calls.Put(x)
	return nil
}

func (r *byteConv) checkInputs(c *Call, p *byteConvPlan) error {
	outC := p.g.OutC
	if n := p.g.Batch * outC * p.out; c.Out[0].Len() != n {
		return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), n)
	}
	if err := checkZero(input(c, r.xZero), c.In[r.x], 1); err != nil {
		return err
	}
	if err := checkZero(input(c, r.wZero), c.In[r.w], outC); err != nil {
		return err
	}
	if !r.requantise {
		return nil
	}
	if sx, sw, sy := c.In[r.xScale], c.In[r.wScale], c.In[r.yScale]; sx.Len() != 1 || sy.Len() != 1 || sw.Len() != 1 && sw.Len() != outC {
		return fmt.Errorf("ops: scales have shapes %v, %v and %v, want 1, %d and 1 elements", sx.Shape(), sw.Shape(), sy.Shape(), outC)
	}
	if err := checkZero(input(c, r.yZero), c.Out[0], 1); err != nil {
		return err
	}
	if b := input(c, r.bias); b != nil && b.Len() != outC {
		return fmt.Errorf("ops: bias has shape %v, want [%d]", b.Shape(), outC)
	}
	return nil
}

func (x *byteConvCall) do() {
	nx, nw, ny := x.sizes(x.byteConv)
	room := scratchOf[float32](x.c.Scratch, nx+nw+2*ny)
	x.xs, x.part = room[:nx], room[nx+nw:nx+nw+ny]
	x.sums = scratchOf[int32](x.c.Scratch[4*(nx+nw+ny):], ny)
	channels, taps, planes := x.ws[1], x.g.Taps(), x.g.Batch*x.g.OutC
	if nw == 0 {
		x.w = x.filter.w
	} else {
		x.w = room[nx : nx+nw]
		loadFilter(x.w, x.c.In[x.byteConv.w], input(x.c, x.wZero), x.g.OutC, channels, taps, x.ends)
	}
	if x.parts == nil {
		x.plain(room[:nx+nw])
	}
	w := x.w
	for i, part := range x.parts {
		x.c0, x.c1 = x.block(i)
		x.loop(loadPlanes, x.g.Batch*x.g.Groups*(x.c1-x.c0))
		n := x.g.OutC * (x.c1 - x.c0) * taps
		x.args = conv.Args{X: x.xs, W: w[:n], Y: x.part, Threads: x.c.Threads}
		part.Run(&x.args)
		w = w[n:]
		if i+1 < len(x.parts) {
			x.loop(addPlanes, planes)
		}
	}
	x.loop(finishPlanes, planes)
}

// plain computes the sums with loops over int32, for windows of so many taps that a single channel may not fit float32.
// room holds x and w, as float32 first.
func (x *byteConvCall) plain(room []float32) {
	x.c0, x.c1 = 0, x.ws[1]
	x.loop(loadPlanes, x.g.Batch*x.g.Groups*x.c1)
	loadFilter(x.w, x.c.In[x.byteConv.w], input(x.c, x.wZero), x.g.OutC, x.c1, x.g.Taps(), []int{x.c1})
	wide := scratchOf[int32](x.c.Scratch, len(room))
	for i, v := range room {
		wide[i] = int32(v)
	}
	conv.Reference(&x.g, wide[:len(x.xs)], wide[len(x.xs):], nil, x.sums)
}

func (x *byteConvCall) loop(s byteConvStage, chunks int) {
	x.stage = s
	par.Run(x.c.Threads, chunks, x)
}

// Chunk does one plane of a stage.
func (x *byteConvCall) Chunk(i int) {
	switch x.stage {
	case loadPlanes:
		n := x.c1 - x.c0
		from := i/n*x.ws[1] + x.c0 + i%n
		loadDiff(x.xs[i*x.in:(i+1)*x.in], x.c.In[x.byteConv.x], from*x.in, input(x.c, x.xZero), 0)
	case addPlanes:
		x.add(i)
	case finishPlanes:
		if x.parts != nil {
			x.add(i)
		}
		x.finish(i)
	}
}

// add adds output plane i of the block to the sums.
func (x *byteConvCall) add(i int) {
	sums, part := x.sums[i*x.out:(i+1)*x.out], x.part[i*x.out:(i+1)*x.out]
	if x.c0 == 0 {
		for j, v := range part {
			sums[j] = int32(v)
		}
		return
	}
	for j, v := range part {
		sums[j] += int32(v)
	}
}

// finish stores output plane i: the sums, or the sums scaled and rounded to bytes.
func (x *byteConvCall) finish(i int) {
	y, sums := x.c.Out[0], x.sums[i*x.out:(i+1)*x.out]
	if !x.requantise {
		copy(tensor.Of[int32](y)[i*x.out:], sums)
		return
	}
	channel := i % x.g.OutC
	var bias int32
	if b := input(x.c, x.bias); b != nil {
		bias = tensor.Of[int32](b)[channel]
	}
	scale := scaleAt(x.c.In[x.xScale], 0) * scaleAt(x.c.In[x.wScale], channel) / scaleAt(x.c.In[x.yScale], 0)
	zero := int32(zeroPoint(input(x.c, x.yZero), 0))
	quant.Row(byteBits(y)[i*x.out:(i+1)*x.out], sums, bias, scale, zero, y.DType() == tensor.Int8)
}

// scaleAt returns element i of a float32 scale; a single element stands for any.
func scaleAt(t *tensor.Tensor, i int) float32 {
	s := tensor.Of[float32](t)
	return s[min(i, len(s)-1)]
}
