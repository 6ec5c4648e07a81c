package ops

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// gatherQuantizedInfer infers GatherBlockQuantized: Gather of data whose bytes may hold several codes along the last axis.
func gatherQuantizedInfer(c *InferCtx) error {
	x, index, scale := c.Type(0), c.Type(1), c.Type(2)
	if !x.Ranked || !index.Ranked {
		c.SetType(0, Unranked(scale.DType))
		return nil
	}
	axis, err := wrapAxis(c.Int("gather_axis"), len(x.Dims))
	if err != nil {
		return err
	}
	dims := slices.Clone(x.Dims)
	if x.DType == tensor.Uint8 {
		bits := c.IntOr("bits", 4)
		if bits != 2 && bits != 4 && bits != 8 {
			return fmt.Errorf("ops: bits is %d, want 2, 4 or 8", bits)
		}
		dims[len(dims)-1] = dims[len(dims)-1].Mul(sym.Const(int64(8 / bits)))
	}
	c.Set(0, scale.DType, slices.Concat(dims[:axis], index.Dims, dims[axis+1:])...)
	return nil
}

// gatherQuantized is a bound GatherBlockQuantized.
type gatherQuantized struct {
	gather, quant, block, bits int
	calls                      sync.Pool // of *gatherQuantizedCall
}

var gatherQuantizedKernel = widened(func(k *KernelCtx) (Kernel, error) {
	g := &gatherQuantized{gather: k.Int("gather_axis"), quant: k.IntOr("quantize_axis", 1), block: k.IntOr("block_size", 128), bits: k.IntOr("bits", 4)}
	if k.DType(2) != tensor.Float32 {
		return Kernel{}, Unsupported("scale of %v", k.DType(2))
	}
	if d := k.DType(1); d != tensor.Int32 && d != tensor.Int64 {
		return Kernel{}, Unsupported("indices of %v", d)
	}
	if k.DType(0) != tensor.Uint8 {
		g.bits = 8
	}
	return Kernel{Run: g.run}, nil
})

// gatherQuantizedCall is the state of one call; a chunk is a number of gathered slices.
type gatherQuantizedCall struct {
	*gatherQuantized
	x, zeros   *tensor.Tensor
	scales, y  []float32
	shape      []int // of the codes
	steps      []int // from one scale to the next along each axis
	quantAxis  int
	span       int // codes that share a scale along quantAxis
	index      []int64
	n, inner   int // of the gathered axis, and codes in a slice
	size       int // slices in a chunk
	zeroRow    int // zero points in a row, each row starting on a byte, if zeros are bytes of several
	defaultTo  float32
	zeroColumn int // zero points of a row that count
}

func (g *gatherQuantized) run(c *Call) error {
	x, _ := g.calls.Get().(*gatherQuantizedCall)
	if x == nil {
		x = new(gatherQuantizedCall)
	}
	x.gatherQuantized = g
	err := x.prepare(c)
	if slices := len(x.y) / max(1, x.inner); err == nil && len(x.y) > 0 {
		chunks, size := par.Split(slices, 1+1<<12/x.inner)
		x.size = size
		par.Run(c.Threads, chunks, x)
	}
	*x = gatherQuantizedCall{shape: x.shape[:0], steps: x.steps[:0], index: x.index[:0]}
	g.calls.Put(x)
	return err
}

func (x *gatherQuantizedCall) prepare(c *Call) error {
	x.x, x.scales, x.y, x.zeros = c.In[0], tensor.Of[float32](c.In[2]), tensor.Of[float32](c.Out[0]), input(c, 3)
	x.shape = append(x.shape, x.x.Shape()...)
	rank, per := len(x.shape), 8/x.bits
	s := c.In[2].Shape()
	if rank == 0 || len(s) != rank {
		return fmt.Errorf("ops: data have shape %v and scales %v, want as many axes", x.x.Shape(), s)
	}
	x.shape[rank-1] *= per
	axis, err := wrapAxis(x.gather, rank)
	if err != nil {
		return err
	}
	if x.quantAxis, err = wrapAxis(x.quant, rank); err != nil {
		return err
	}
	if x.span = x.block; x.span == 0 {
		x.span = x.shape[x.quantAxis]
	}
	if x.span < 1 || per > 1 && axis == rank-1 {
		return fmt.Errorf("ops: block_size is %d and gather_axis %d for %d bits", x.block, x.gather, x.bits)
	}
	if err := x.strides(s); err != nil {
		return err
	}
	x.n, x.inner = x.shape[axis], tensor.Shape(x.shape[axis+1:]).Len()
	for i := range c.In[1].Len() {
		if t := tensor.Of[int32](c.In[1]); t != nil {
			x.index = append(x.index, int64(t[i]))
		} else {
			x.index = append(x.index, tensor.Of[int64](c.In[1])[i])
		}
	}
	if want := tensor.Shape(x.shape[:axis]).Len() * len(x.index) * x.inner; len(x.y) != want {
		return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), want)
	}
	x.defaultTo = 0
	if x.x.DType() == tensor.Uint8 {
		x.defaultTo = float32(int(1) << (x.bits - 1))
	}
	return x.zeroPoints(s)
}

// strides tells how scales of shape s lie, with steps of 0 along axes on which one holds for all.
func (x *gatherQuantizedCall) strides(s tensor.Shape) error {
	x.steps = append(x.steps, s...)
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		want := x.shape[i]
		if i == x.quantAxis {
			want = (want + x.span - 1) / x.span
		}
		if s[i] != want && s[i] != 1 {
			return fmt.Errorf("ops: scales have shape %v for codes %v in blocks of %d", s, x.shape, x.span)
		}
		if x.steps[i] = step; s[i] != want {
			x.steps[i] = 0
		}
		step *= s[i]
	}
	return nil
}

// zeroPoints checks the zero points, which lie like scales of shape s, in packed rows if the codes do.
func (x *gatherQuantizedCall) zeroPoints(s tensor.Shape) error {
	if x.zeros == nil {
		return nil
	}
	x.zeroColumn = max(1, s[len(s)-1])
	x.zeroRow = (x.zeroColumn*x.bits + 7) / 8 * 8 / x.bits
	want := s.Len()
	if x.x.DType() == tensor.Uint8 {
		want = want / x.zeroColumn * x.zeroRow * x.bits / 8
	}
	if x.zeros.DType() != x.x.DType() || x.zeros.Len() != want {
		return fmt.Errorf("ops: zero points are %v of shape %v, want %d elements", x.zeros.DType(), x.zeros.Shape(), want)
	}
	return nil
}

// Chunk gathers some slices. Those that no index names are zero.
func (x *gatherQuantizedCall) Chunk(i int) {
	lo, hi := par.Range(i, x.size, len(x.y)/x.inner)
	for at := lo; at < hi; at++ {
		dst := x.y[at*x.inner : (at+1)*x.inner]
		id := x.index[at%len(x.index)]
		if id < 0 {
			id += int64(x.n)
		}
		if id < 0 || id >= int64(x.n) {
			clear(dst)
			continue
		}
		from := (at/len(x.index)*x.n + int(id)) * x.inner
		x.codes(dst, from)
		for done := 0; done < len(dst); {
			done += x.scale(dst[done:], from+done)
		}
	}
}

// codes sets dst to the values of codes from number lo on.
func (x *gatherQuantizedCall) codes(dst []float32, lo int) {
	if x.bits == 8 {
		loadCodes(dst, x.x, lo)
		return
	}
	loadBits(dst, tensor.Of[uint8](x.x), lo, x.bits)
}

// scale turns the first codes of v, number at of all, into numbers, and returns how many had one scale.
func (x *gatherQuantizedCall) scale(v []float32, at int) int {
	index, rest, run := 0, at, 1
	for i := len(x.shape) - 1; i >= 0; i-- {
		p := rest % x.shape[i]
		rest /= x.shape[i]
		if i == x.quantAxis {
			if i == len(x.shape)-1 {
				run = min(len(v), x.shape[i]-p, x.span-p%x.span)
			}
			p /= x.span
		}
		index += p * x.steps[i]
	}
	zero, scale := x.defaultTo, x.scales[index]
	switch {
	case x.zeros == nil:
	case x.bits == 8:
		var z [1]float32
		loadCodes(z[:], x.zeros, index)
		zero = z[0]
	default:
		var z [1]float32
		loadBits(z[:], tensor.Of[uint8](x.zeros), index/x.zeroColumn*x.zeroRow+index%x.zeroColumn, x.bits)
		zero = z[0]
	}
	for i, c := range v[:run] {
		v[i] = (c - zero) * scale
	}
	return run
}

// loadBits sets dst to codes of 2 or 4 bits from number lo on, the low bits of a byte first.
func loadBits(dst []float32, codes []uint8, lo, bits int) {
	for i := range dst {
		at := (lo + i) * bits
		dst[i] = float32(codes[at/8] >> (at % 8) & (1<<bits - 1))
	}
}
