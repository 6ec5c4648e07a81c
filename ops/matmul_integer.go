package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/tensor"
)

// byteMatMul is a bound product of matrices of bytes: MatMulInteger, QLinearMatMul, and of com.microsoft QGemm,
// MatMulIntegerToFloat and DynamicQuantizeMatMul, whose A are numbers that are quantised here. The fields say which
// input plays which part, -1 for none.
type byteMatMul struct {
	a, b, aZero, bZero     int
	aScale, bScale, yScale int
	yZero                  int
	bias                   int // of sums as int32, or of float32 results
	alpha                  float32
	dynamic                bool           // A is float32
	weights                *quant.Weights // of a constant B less its zero point
	plain                  linear         // how A and B are read
}

// matmulIntegerInfer infers MatMulInteger.
func matmulIntegerInfer(c *InferCtx) error { return byteMatMulInfer(c, 0, 1, tensor.Int32) }

// qlinearMatMulInfer infers QLinearMatMul.
func qlinearMatMulInfer(c *InferCtx) error { return byteMatMulInfer(c, 0, 3, c.Type(7).DType) }

// matmulToFloatInfer infers MatMulIntegerToFloat and DynamicQuantizeMatMul, whose results are like input 2, a scale.
func matmulToFloatInfer(c *InferCtx) error { return byteMatMulInfer(c, 0, 1, c.Type(2).DType) }

func byteMatMulInfer(c *InferCtx, a, b int, d tensor.DType) error {
	return byteProductInfer(c, a, b, d, matmulInfer)
}

// qgemmInfer infers QGemm: bytes like the zero point of the result, or float32 without one.
func qgemmInfer(c *InferCtx) error {
	d := tensor.Float32
	if c.Has(8) {
		d = c.Type(8).DType
	}
	return byteProductInfer(c, 0, 3, d, gemmInfer)
}

// byteProductInfer infers the shape from inputs a and b alone.
func byteProductInfer(c *InferCtx, a, b int, d tensor.DType, infer func(*InferCtx) error) error {
	x, y := c.In[a], c.In[b]
	y.DType = x.DType
	sub := &InferCtx{Attrs: c.Attrs, In: []Value{x, y}, Out: make([]Value, 1), Fresh: c.Fresh}
	if err := infer(sub); err != nil {
		return err
	}
	t := sub.Out[0].Type
	t.DType = d
	c.SetType(0, t)
	return nil
}

func matmulIntegerKernel(k *KernelCtx) (Kernel, error) {
	return bindByteMatMul(k, &byteMatMul{a: 0, b: 1, aZero: 2, bZero: 3, aScale: -1, bScale: -1, bias: -1, yScale: -1, yZero: -1, alpha: 1})
}

func qlinearMatMulKernel(k *KernelCtx) (Kernel, error) {
	if float8.Has(k.DType(0)) || float8.Has(k.DType(3)) || float8.Has(k.OutType(0).DType) {
		return bindFloat8MatMul(k)
	}
	return bindByteMatMul(k, &byteMatMul{a: 0, aScale: 1, aZero: 2, b: 3, bScale: 4, bZero: 5, bias: -1, yScale: 6, yZero: 7, alpha: 1})
}

var matmulToFloatKernel = widened(func(k *KernelCtx) (Kernel, error) {
	return bindByteMatMul(k, &byteMatMul{a: 0, b: 1, aScale: 2, bScale: 3, aZero: 4, bZero: 5, bias: 6, yScale: -1, yZero: -1, alpha: 1})
})

func dynamicMatMulKernel(k *KernelCtx) (Kernel, error) {
	return bindByteMatMul(k, &byteMatMul{a: 0, b: 1, bScale: 2, bZero: 3, bias: 4, aScale: -1, aZero: -1, yScale: -1, yZero: -1, alpha: 1, dynamic: true})
}

func qgemmKernel(k *KernelCtx) (Kernel, error) {
	l := &byteMatMul{a: 0, aScale: 1, aZero: 2, b: 3, bScale: 4, bZero: 5, bias: 6, yScale: 7, yZero: 8}
	l.plain.a.trans, l.plain.b.trans = k.Bool("transA"), k.Bool("transB")
	l.alpha = k.Float("alpha")
	return bindByteMatMul(k, l)
}

// bindByteMatMul binds l, whose fields that name inputs are set.
func bindByteMatMul(k *KernelCtx, l *byteMatMul) (Kernel, error) {
	if l.dynamic && k.DType(l.a) != tensor.Float32 || !l.dynamic && !bytes8.Has(k.DType(l.a)) || !bytes8.Has(k.DType(l.b)) {
		return Kernel{}, Unsupported("product of %v and %v", k.DType(l.a), k.DType(l.b))
	}
	if d := k.OutType(0).DType; !(bytes8 | f32 | i32).Has(d) {
		return Kernel{}, Unsupported("product of bytes of element type %v", d)
	}
	b, zero := k.Const(l.b), k.Const(l.bZero)
	if b == nil || b.Len() == 0 || k.Has(l.bZero) && zero == nil {
		return Kernel{Run: l.run, Scratch: l.scratch}, nil
	}
	var err error
	format := fmt.Sprintf("quant.B trans=%v", l.plain.b.trans)
	if zero != nil {
		format += fmt.Sprintf(" less %v %x", zero.Shape(), zero.Bytes())
	}
	l.weights, _ = k.Packed(l.b, format, func(room *Room) any {
		var w *quant.Weights
		w, err = packBytes(room, b, zero, l.plain.b)
		return w
	}).(*quant.Weights)
	return Kernel{Run: l.run, Scratch: l.scratch}, err
}

// packBytes packs a constant right-hand side less its zero point, with elements that come from room.
func packBytes(room *Room, b, zero *tensor.Tensor, o operand) (*quant.Weights, error) {
	var m matrices
	if err := m.view(o, b.Shape(), false); err != nil {
		return nil, err
	}
	var err error
	read := func() []float32 {
		wide := make([]float32, b.Len())
		err = widenBytes(wide, b, zero, o.trans)
		return wide
	}
	w := quant.PackIn(room, read, b.Len()/(m.rows*m.cols), m.rows, m.cols, m.rs, m.cs)
	return w, err
}

// widenBytes sets dst to the elements of matrices less their zero point: of the whole tensor, of each row (perRow) or of
// each column. A tensor of one axis is a row if perRow is set, else a column.
func widenBytes(dst []float32, t, zero *tensor.Tensor, perRow bool) error {
	loadCodes(dst, t, 0)
	if zero == nil || len(dst) == 0 {
		return nil
	}
	if zero.DType() != t.DType() {
		return fmt.Errorf("ops: zero point is %v, want %v", zero.DType(), t.DType())
	}
	rows, cols := storedRows(t.Shape(), perRow)
	n, want := zero.Len(), cols
	if perRow {
		want = rows
	}
	if n != 1 && n != want && n != want*(len(dst)/(rows*cols)) {
		return fmt.Errorf("ops: zero point has shape %v for %v", zero.Shape(), t.Shape())
	}
	for i := range len(dst) / cols {
		row := dst[i*cols : (i+1)*cols]
		if n == 1 || perRow {
			z := zeroPoint(zero, i%n)
			for j := range row {
				row[j] -= z
			}
			continue
		}
		base := i / rows * cols % n
		for j := range row {
			row[j] -= zeroPoint(zero, base+j)
		}
	}
	return nil
}

// storedRows returns the rows and columns of the matrices that a tensor holds.
func storedRows(s tensor.Shape, perRow bool) (rows, cols int) {
	n := len(s)
	switch {
	case n == 1 && perRow:
		return 1, s[0]
	case n == 1:
		return s[0], 1
	}
	return s[n-2], s[n-1]
}
