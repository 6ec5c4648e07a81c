package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/tensor"
)

// scaleCount returns the number of elements of scale i, 1 if there is none.
func scaleCount(c *Call, i int) int {
	if t := part(c.In, i); t != nil {
		return t.Len()
	}
	return 1
}

// scratch returns the room for A, B (unless it is packed), one block's product, the sums, and the scales: those of A for
// each row of the result.
func (l *byteMatMul) scratch(c *Call) int {
	n := c.In[l.a].Len() + 2*c.Out[0].Len() + scaleCount(c, l.bScale)
	if l.weights == nil {
		n += c.In[l.b].Len()
	}
	if k := scaleCount(c, l.aScale); k > 1 {
		n += k + c.Out[0].Len()
	}
	return 4 * n
}

func (l *byteMatMul) run(c *Call) error {
	x := l.plain.call()
	err := l.do(x, c)
	l.plain.calls.Put(x)
	return err
}

func (l *byteMatMul) do(x *linearCall, c *Call) error {
	at, bt, y := c.In[l.a], c.In[l.b], c.Out[0]
	if err := x.plan(&l.plain, l.weights != nil, at.Shape(), bt.Shape(), y.Shape()); err != nil || y.Len() == 0 {
		return err
	}
	room, out := c.Scratch, y.Len()
	a, room := scratchOf[float32](room, at.Len()), room[4*at.Len():]
	products, room := scratchOf[float32](room, out), room[4*out:]
	sums, room := scratchOf[int32](room, out), room[4*out:]
	var dynamic quant.Params
	if l.dynamic {
		dynamic = quant.RangeOf(tensor.Of[float32](at))
		quant.Codes(a, tensor.Of[float32](at), dynamic)
	} else if err := widenBytes(a, at, part(c.In, l.aZero), !l.plain.a.trans); err != nil {
		return err
	}
	args := gemm.Args{M: x.m, N: x.b.cols, K: x.a.cols, A: a, ARS: x.a.rs, ACS: x.a.cs, Threads: c.Threads}
	if len(x.items) > 0 {
		args.Batch = x.items
	}
	if l.weights == nil {
		args.B, args.BRS, args.BCS = scratchOf[float32](room, bt.Len()), x.b.rs, x.b.cs
		room = room[4*bt.Len():]
		if err := widenBytes(args.B, bt, part(c.In, l.bZero), l.plain.b.trans); err != nil {
			return err
		}
	}
	if y.DType() == tensor.Int32 {
		sums = tensor.Of[int32](y)
	}
	quant.Multiply(&args, l.weights, sums, products)
	if y.DType() == tensor.Int32 {
		return nil
	}
	return l.finish(x, c, sums, dynamic.Scale, room)
}

// finish scales the sums, and rounds them to bytes if the result is of bytes. aScale is that of a dynamic A.
func (l *byteMatMul) finish(x *linearCall, c *Call, sums []int32, aScale float32, room []byte) error {
	n, y, bt := x.b.cols, c.Out[0], c.In[l.b]
	r := quant.Result{M: len(sums) / n, N: n, Sums: sums, Div: 1, Signed: y.DType() == tensor.Int8, Threads: c.Threads}
	if err := l.meaning(&r, c); err != nil {
		return err
	}
	nb, na := scaleCount(c, l.bScale), scaleCount(c, l.aScale)
	if nb == 0 || na == 0 {
		return fmt.Errorf("ops: scales of %d and %d elements, want at least one each", na, nb)
	}
	r.Col, room = scratchOf[float32](room, nb), room[4*nb:]
	if !loadCodes(r.Col, c.In[l.bScale], 0) {
		return Unsupported("scale of %v", c.In[l.bScale].DType())
	}
	single := nb == 1 || nb == n
	if !single && nb*x.b.rows != bt.Len() {
		return fmt.Errorf("ops: scale has shape %v for %v", c.In[l.bScale].Shape(), bt.Shape())
	}
	if na > 1 {
		rows := scratchOf[float32](room, na+r.M)
		loadCodes(rows[:na], c.In[l.aScale], 0)
		r.Row = rows[na:]
		if !x.spreadRows(r.Row, rows[:na]) {
			return fmt.Errorf("ops: scale has shape %v for %v", c.In[l.aScale].Shape(), c.In[l.a].Shape())
		}
	} else {
		if !l.dynamic {
			aScale = scaleOf1(c.In[l.aScale])
		}
		for j, f := range r.Col {
			r.Col[j] = float32(l.alpha*aScale) * f / r.Div
		}
	}
	if single {
		storeResult(&r, y, 0)
		return nil
	}
	x.storeEach(&r, y, l.weights != nil)
	return nil
}

// meaning reads the bias and what the bytes of the result stand for.
func (l *byteMatMul) meaning(r *quant.Result, c *Call) error {
	if b := part(c.In, l.bias); b != nil {
		if b.DType() == tensor.Int32 {
			rows, cols, err := biasShape(b, r.M, r.N)
			if err != nil {
				return err
			}
			linearBias(r.Sums, tensor.Of[int32](b), rows, cols, r.M, r.N, 1)
		} else if r.Bias = tensor.Of[float32](b); len(r.Bias) != r.N {
			return fmt.Errorf("ops: bias is %v of shape %v, want [%d]", b.DType(), b.Shape(), r.N)
		}
	}
	if c.Out[0].DType() == tensor.Float32 {
		return nil
	}
	s, z := part(c.In, l.yScale), part(c.In, l.yZero)
	if s == nil || s.Len() != 1 || z == nil || z.Len() != 1 {
		return Unsupported("scale and zero point of the result that are not of one element")
	}
	r.Div, r.Zero = scaleOf1(s), int32(zeroPoint(z, 0))
	return nil
}

// scaleOf1 returns a scale of one element, of any type of floats.
func scaleOf1(t *tensor.Tensor) float32 {
	var v [1]float32
	loadCodes(v[:], t, 0)
	return v[0]
}

// spreadRows sets dst to the scale of each row of the result: scales are those of the rows of one matrix of A or of all.
// It reports whether their number is one of these.
func (x *linearCall) spreadRows(dst, scales []float32) bool {
	for i := range dst {
		at := i
		if x.items != nil {
			at = x.items[i/x.m].A/x.a.cols + i%x.m
		}
		if len(scales) == x.a.rows {
			at %= x.a.rows
		}
		if at >= len(scales) {
			return false
		}
		dst[i] = scales[at]
	}
	return true
}

// storeEach stores products whose columns have scales for each matrix of B.
func (x *linearCall) storeEach(r *quant.Result, y *tensor.Tensor, packed bool) {
	all := *r
	r.M = x.m
	for p := range x.batch {
		b := x.items[p].B
		if !packed {
			b /= x.b.rows * x.b.cols
		}
		at := p * x.m * r.N
		r.Sums, r.Col = all.Sums[at:at+x.m*r.N], all.Col[b*r.N:(b+1)*r.N]
		if all.Row != nil {
			r.Row = all.Row[p*x.m : (p+1)*x.m]
		}
		storeResult(r, y, at)
	}
}

// storeResult writes what becomes of the sums to the elements of y from at on.
func storeResult(r *quant.Result, y *tensor.Tensor, at int) {
	if y.DType() == tensor.Float32 {
		r.Floats(tensor.Of[float32](y)[at:])
	} else {
		r.Bytes(byteBits(y)[at:])
	}
}
