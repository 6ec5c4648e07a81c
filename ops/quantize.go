package ops

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// quantizeInfer infers QuantizeLinear. The type of the result is that of the zero point, or an attribute, or uint8.
func quantizeInfer(c *InferCtx) error {
	d := tensor.Uint8
	if c.Has(2) {
		d = c.Type(2).DType
	} else if v := c.Int("output_dtype"); v != 0 {
		d = tensor.DType(v)
	}
	if !DTypes(quantTypes).Has(d) {
		return Unsupported("quantisation to %v", d)
	}
	return quantShape(c, d)
}

// dequantizeInfer infers DequantizeLinear, whose result has the type of the scale (float32 for one of powers of 2), or that
// of an attribute.
func dequantizeInfer(c *InferCtx) error {
	d := c.Type(1).DType
	if d == tensor.Float8E8M0 {
		d = tensor.Float32
	}
	if v := c.Int("output_dtype"); v != 0 {
		d = tensor.DType(v)
	}
	return quantShape(c, d)
}

func quantShape(c *InferCtx, d tensor.DType) error {
	x, s := c.Type(0), c.Type(1)
	x.DType = d
	c.SetType(0, x)
	if z := c.Type(2); z.Ranked && s.Ranked && len(z.Dims) != len(s.Dims) && !(len(z.Dims) < 2 && len(s.Dims) < 2) {
		return fmt.Errorf("ops: zero point is %v, want the shape of the scale %v", z, s)
	}
	return nil
}

// quantization is a bound QuantizeLinear or DequantizeLinear.
type quantization struct {
	axis, block int
	saturate    bool
	inverse     bool         // dequantise
	rounds      bool         // the result is an integer
	float8      bool         // the result is an 8-bit float
	precision   tensor.DType // of the division
	calls       sync.Pool    // of *quantCall
	tiles       sync.Pool    // of *[quantTile]float32
}

func quantizationOf(inverse bool) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) {
		q := &quantization{axis: k.IntOr("axis", 1), block: k.Int("block_size"), saturate: k.IntOr("saturate", 1) != 0, inverse: inverse}
		out := k.OutType(0).DType
		q.rounds = !inverse && !out.IsFloat()
		q.float8 = float8.Has(out)
		if !inverse {
			if q.precision = tensor.DType(k.Int("precision")); q.precision == 0 {
				q.precision = k.DType(1)
			}
		}
		if inverse && !(f32 | f16 | bf16).Has(out) {
			return Kernel{}, Unsupported("dequantisation to %v", out)
		}
		return Kernel{Run: q.run, Scratch: q.scratch}, nil
	}
}

// scratch returns the room for scales and zero points as float32.
func (q *quantization) scratch(c *Call) int { return 8 * c.In[1].Len() }

// quantCall is the state of one call. The input is seen as [outer, n, inner] around the axis; a chunk is some tiles.
type quantCall struct {
	*quantization
	x, y        *tensor.Tensor
	scale, zero []float32 // zero is nil if there is none
	n, inner    int
	blocks      int // scales along the axis if they are for blocks, else 0
	perTensor   bool
	room        [1]float32
}

func (q *quantization) run(c *Call) error {
	x, _ := q.calls.Get().(*quantCall)
	if x == nil {
		x = new(quantCall)
	}
	x.quantization = q
	err := x.prepare(c)
	if err == nil {
		par.Run(c.Threads, quantChunks(x.x.Len()), x)
	}
	*x = quantCall{}
	q.calls.Put(x)
	return err
}

func (x *quantCall) prepare(c *Call) error {
	x.x, x.y = c.In[0], c.Out[0]
	shape, s := x.x.Shape(), c.In[1].Shape()
	count := c.In[1].Len()
	room := scratchOf[float32](c.Scratch, 2*count)
	x.scale = room[:count]
	if !loadCodes(x.scale, c.In[1], 0) {
		return Unsupported("scale of %v", c.In[1].DType())
	}
	buf := x.buffer()
	x.narrow(x.scale, buf)
	x.tiles.Put(buf)
	if z := input(c, 2); z != nil {
		x.zero = room[count:]
		if z.Len() != count {
			return fmt.Errorf("ops: zero point has shape %v, want %v", z.Shape(), s)
		}
		if !loadCodes(x.zero, z, 0) {
			return Unsupported("zero point of %v", z.DType())
		}
		if x.float8 && !slices.ContainsFunc(x.zero, func(v float32) bool { return v != 0 }) {
			x.zero = nil // a sum with it would lose the sign of zeros
		}
	}
	if x.perTensor = count == 1 && len(s) < 2; x.perTensor {
		return nil
	}
	axis, err := wrapAxis(x.axis, len(shape))
	if err != nil {
		return err
	}
	x.n, x.inner = shape[axis], shape[axis+1:].Len()
	if x.block == 0 {
		if len(s) != 1 || s[0] != x.n {
			return fmt.Errorf("ops: scale has shape %v, want [%d]", s, x.n)
		}
		return nil
	}
	if len(s) != len(shape) || x.block < 0 {
		return fmt.Errorf("ops: scale has shape %v for blocks of %d, want as many axes as %v", s, x.block, shape)
	}
	for i, d := range shape {
		if i == axis {
			d = (d + x.block - 1) / x.block
		}
		if s[i] != d {
			return fmt.Errorf("ops: scale has shape %v for blocks of %d in %v", s, x.block, shape)
		}
	}
	x.blocks = s[axis]
	return nil
}

// quantBuffer holds a tile, and room for it in half precision.
type quantBuffer struct {
	v    [quantTile]float32
	f16  [quantTile]tensor.Float16Bits
	bf16 [quantTile]tensor.BFloat16Bits
}

func (q *quantization) buffer() *quantBuffer {
	if buf, _ := q.tiles.Get().(*quantBuffer); buf != nil {
		return buf
	}
	return new(quantBuffer)
}

// quantChunk is the number of elements in one chunk of parallel work.
const quantChunk = 16 * quantTile

func quantChunks(n int) int { return (n + quantChunk - 1) / quantChunk }

// Chunk converts some tiles.
func (x *quantCall) Chunk(i int) {
	lo, hi := par.Range(i, quantChunk, x.x.Len())
	if x.direct() && x.runs(lo, hi-lo) {
		return
	}
	for ; lo < hi; lo += quantTile {
		x.tile(lo)
	}
}

func (x *quantCall) tile(lo int) {
	buf := x.buffer()
	v := buf.v[:min(quantTile, x.x.Len()-lo)]
	loadCodes(v, x.x, lo)
	x.narrow(v, buf)
	for at := 0; at < len(v); {
		n, from, wide := x.segment(lo + at)
		n = min(n, len(v)-at)
		to := from + 1
		if wide {
			to = from + n
		}
		x.apply(v[at:at+n], from, to, buf)
		at += n
	}
	storeCodes(x.y, lo, v, x.saturate)
	x.tiles.Put(buf)
}

// narrow rounds v to the precision of the division.
func (q *quantization) narrow(v []float32, buf *quantBuffer) {
	switch q.precision {
	case tensor.Float16:
		roundThrough(v, buf.f16[:])
	case tensor.BFloat16:
		roundThrough(v, buf.bf16[:])
	}
}

// roundThrough rounds v to values of the type of room.
func roundThrough[T vec.Half](v []float32, room []T) {
	for len(v) > 0 {
		n := min(len(v), len(room))
		vec.Narrow(room[:n], v[:n])
		vec.Widen(v[:n], room[:n])
		v = v[n:]
	}
}

// segment returns how many elements from element i on go with the scale at from; wide says that each of them has its own.
func (x *quantCall) segment(i int) (n, from int, wide bool) {
	if x.perTensor {
		return quantChunk, 0, false
	}
	a, j, o := i/x.inner%x.n, i%x.inner, i/(x.inner*x.n)
	switch {
	case x.blocks > 0 && x.inner == 1:
		b := a / x.block
		return min((b+1)*x.block, x.n) - a, o*x.blocks + b, false
	case x.blocks > 0:
		return x.inner - j, (o*x.blocks+a/x.block)*x.inner + j, true
	case x.inner == 1:
		return x.n - a, a, true
	}
	return x.inner - j, a, false
}

// apply converts the elements of v with scales [from, to), of which there is one or one for each element.
func (x *quantCall) apply(v []float32, from, to int, buf *quantBuffer) {
	scale := x.scale[from:to]
	var zero []float32
	if x.zero != nil {
		zero = x.zero[from:to]
	}
	if x.inverse {
		if zero != nil {
			vec.Sub(v, v, zero)
		}
		vec.Mul(v, v, scale)
		return
	}
	vec.Div(v, v, scale)
	x.narrow(v, buf)
	if x.rounds {
		vec.Round(v, v)
	}
	if zero != nil {
		vec.Add(v, v, zero)
	}
}

// dynamicQuantizeInfer infers DynamicQuantizeLinear.
func dynamicQuantizeInfer(c *InferCtx) error {
	x := c.Type(0)
	x.DType = tensor.Uint8
	c.SetType(0, x)
	c.Set(1, tensor.Float32)
	c.Set(2, tensor.Uint8)
	return nil
}

// dynamicQuantizeKernel binds DynamicQuantizeLinear: the range of the input, with 0 in it, becomes 0 to 255.
func dynamicQuantizeKernel(*KernelCtx) (Kernel, error) {
	q := &quantization{rounds: true, saturate: true}
	return Kernel{Run: q.dynamic}, nil
}

func (q *quantization) dynamic(c *Call) error {
	v := tensor.Of[float32](c.In[0])
	lo, hi := vec.Extent(v)
	lo, hi = min(lo, 0), max(hi, 0)
	scale := (hi - lo) / 255
	if scale == 0 {
		scale = 1
	}
	var zero [1]float32
	zero[0] = -lo / scale
	vec.Round(zero[:], zero[:])
	zero[0] = min(max(zero[0], 0), 255)
	tensor.Of[float32](c.Out[1])[0] = scale
	tensor.Of[uint8](c.Out[2])[0] = uint8(zero[0])
	x, _ := q.calls.Get().(*quantCall)
	if x == nil {
		x = new(quantCall)
	}
	*x = quantCall{quantization: q, x: c.In[0], y: c.Out[0], perTensor: true}
	x.scale, x.zero = tensor.Of[float32](c.Out[1]), append(x.room[:0], zero[0])
	par.Run(c.Threads, quantChunks(len(v)), x)
	*x = quantCall{}
	q.calls.Put(x)
	return nil
}
