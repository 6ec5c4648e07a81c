package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// byteBlock is how many products of differences of bytes float32 adds without rounding: 255*255*256 < 1<<24.
const byteBlock = 256

// byteMatMul is a bound MatMulInteger or QLinearMatMul. The products run in float32, in blocks of the inner dimension that
// are exact, whose sums are added up as int32. The fields say which input plays which part, -1 for none.
type byteMatMul struct {
	a, b, aZero, bZero     int
	aScale, bScale, yScale int
	yZero                  int
	requantise             bool
	blocks                 []*gemm.Packed // of a constant B less its zero point, for each block of the inner dimension
	plain                  linear         // how A and B are read
}

// matmulIntegerInfer infers MatMulInteger.
func matmulIntegerInfer(c *InferCtx) error { return byteMatMulInfer(c, 0, 1, tensor.Int32) }

// qlinearMatMulInfer infers QLinearMatMul.
func qlinearMatMulInfer(c *InferCtx) error { return byteMatMulInfer(c, 0, 3, c.Type(7).DType) }

func byteMatMulInfer(c *InferCtx, a, b int, d tensor.DType) error {
	x, y := c.In[a], c.In[b]
	y.DType = x.DType
	sub := &InferCtx{In: []Value{x, y}, Out: make([]Value, 1), Fresh: c.Fresh}
	if err := matmulInfer(sub); err != nil {
		return err
	}
	t := sub.Out[0].Type
	t.DType = d
	c.SetType(0, t)
	return nil
}

func matmulIntegerKernel(k *KernelCtx) (Kernel, error) {
	return bindByteMatMul(k, &byteMatMul{a: 0, b: 1, aZero: 2, bZero: 3, aScale: -1, bScale: -1, yScale: -1, yZero: -1})
}

func qlinearMatMulKernel(k *KernelCtx) (Kernel, error) {
	return bindByteMatMul(k, &byteMatMul{a: 0, aScale: 1, aZero: 2, b: 3, bScale: 4, bZero: 5, yScale: 6, yZero: 7, requantise: true})
}

func bindByteMatMul(k *KernelCtx, l *byteMatMul) (Kernel, error) {
	if !bytes8.Has(k.DType(l.a)) || !bytes8.Has(k.DType(l.b)) {
		return Kernel{}, Unsupported("product of %v and %v", k.DType(l.a), k.DType(l.b))
	}
	if l.requantise && !bytes8.Has(k.OutType(0).DType) {
		return Kernel{}, Unsupported("product of element type %v", k.OutType(0).DType)
	}
	b, zero := k.Const(l.b), k.Const(l.bZero)
	if b == nil || b.Len() == 0 || k.Has(l.bZero) && zero == nil {
		return Kernel{Run: l.run, Scratch: l.scratch}, nil
	}
	if err := l.packConst(k, b, zero); err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: l.run, Scratch: l.scratch}, nil
}

// packConst packs a constant B less its constant zero point.
func (l *byteMatMul) packConst(k *KernelCtx, b, zero *tensor.Tensor) error {
	var m matrices
	if err := m.view(operand{}, b.Shape(), false); err != nil {
		return err
	}
	wide := make([]float32, b.Len())
	if err := widenBytes(wide, b, zero, m.rows, m.cols, false); err != nil {
		return err
	}
	size := m.rows * m.cols
	for lo := 0; lo < m.rows; lo += byteBlock {
		rows := min(byteBlock, m.rows-lo)
		p := gemm.NewPacked(len(wide)/size, rows, m.cols)
		for i := range len(wide) / size {
			p.Set(i, wide[i*size+lo*m.cols:(i+1)*size], m.rs, m.cs)
		}
		l.blocks = append(l.blocks, p)
	}
	return nil
}

// widenBytes sets dst to the elements of matrices less their zero point: of the whole tensor, of each row (perRow) or of
// each column.
func widenBytes(dst []float32, t, zero *tensor.Tensor, rows, cols int, perRow bool) error {
	loadCodes(dst, t, 0)
	if zero == nil || len(dst) == 0 {
		return nil
	}
	value := func(i int) float32 {
		if zero.DType() == tensor.Int8 {
			return float32(tensor.Of[int8](zero)[i])
		}
		return float32(tensor.Of[uint8](zero)[i])
	}
	n := zero.Len()
	matrices := len(dst) / (rows * cols)
	want := cols
	if perRow {
		want = rows
	}
	if n != 1 && n != want && n != want*matrices {
		return fmt.Errorf("ops: zero point has shape %v for %v", zero.Shape(), t.Shape())
	}
	if zero.DType() != t.DType() {
		return fmt.Errorf("ops: zero point is %v, want %v", zero.DType(), t.DType())
	}
	for i := range len(dst) / cols {
		row := dst[i*cols : (i+1)*cols]
		switch {
		case n == 1:
			vec.ScaleShift(row, row, 1, -value(0))
		case perRow:
			vec.ScaleShift(row, row, 1, -value(i%n))
		default:
			base := i / rows * cols % n
			for j := range row {
				row[j] -= value(base + j)
			}
		}
	}
	return nil
}

// scratch returns the room for A, B (unless it is packed), one block's product and the sums.
func (l *byteMatMul) scratch(c *Call) int {
	n := c.In[l.a].Len() + 2*c.Out[0].Len()
	if l.blocks == nil {
		n += c.In[l.b].Len()
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
	at, bt := c.In[l.a], c.In[l.b]
	if err := x.plan(&l.plain, l.blocks != nil, at.Shape(), bt.Shape(), c.Out[0].Shape()); err != nil || c.Out[0].Len() == 0 {
		return err
	}
	room := c.Scratch
	a, room := scratchOf[float32](room, at.Len()), room[4*at.Len():]
	out := c.Out[0].Len()
	part, room := scratchOf[float32](room, out), room[4*out:]
	sums, room := scratchOf[int32](room, out), room[4*out:]
	if err := widenBytes(a, at, input(c, l.aZero), x.a.rows, x.a.cols, true); err != nil {
		return err
	}
	args := gemm.Args{M: x.m, N: x.b.cols, A: a, ARS: x.a.rs, ACS: x.a.cs, C: part, LDC: x.b.cols, Threads: c.Threads}
	if len(x.items) > 0 {
		args.Batch = x.items
	}
	var b []float32
	if l.blocks == nil {
		b = scratchOf[float32](room, bt.Len())
		if err := widenBytes(b, bt, input(c, l.bZero), x.b.rows, x.b.cols, false); err != nil {
			return err
		}
		args.BRS, args.BCS = x.b.rs, x.b.cs
	}
	clear(sums)
	for lo := 0; lo < x.a.cols; lo += byteBlock {
		args.K = min(byteBlock, x.a.cols-lo)
		args.A = a[lo*x.a.cs:]
		if l.blocks != nil {
			args.Packed = l.blocks[lo/byteBlock]
		} else {
			args.B = b[lo*x.b.rs:]
		}
		gemm.Run(&args)
		for i, v := range part {
			sums[i] += int32(v)
		}
	}
	if !l.requantise {
		copy(tensor.Of[int32](c.Out[0]), sums)
		return nil
	}
	return l.finish(x, c, sums, part)
}

// finish scales the sums and rounds them to bytes.
func (l *byteMatMul) finish(x *linearCall, c *Call, sums []int32, v []float32) error {
	sa, sb, sy, zero := c.In[l.aScale], c.In[l.bScale], c.In[l.yScale], c.In[l.yZero]
	n := x.b.cols
	if na, nb := sa.Len(), sb.Len(); sy.Len() != 1 || zero.Len() != 1 || na != 1 && na != len(sums)/n || nb != 1 && nb != n {
		return Unsupported("QLinearMatMul with scales of shapes %v, %v and %v", sa.Shape(), sb.Shape(), sy.Shape())
	}
	var z [1]float32
	loadCodes(z[:], zero, 0)
	toY := 1 / oneScale(sy, 0)
	factor := oneScale(sa, 0) * oneScale(sb, 0) * toY
	same := sa.Len() == 1 && sb.Len() == 1
	for i, s := range sums {
		if !same {
			factor = oneScale(sa, i/n) * oneScale(sb, i%n) * toY
		}
		v[i] = float32(math.RoundToEven(float64(s)*factor)) + z[0]
	}
	storeCodes(c.Out[0], 0, v, true)
	return nil
}

// oneScale returns element i of a scale; a single element stands for any.
func oneScale(t *tensor.Tensor, i int) float64 {
	if t.Len() == 1 {
		i = 0
	}
	var v [1]float32
	loadCodes(v[:], t, i)
	return float64(v[0])
}
