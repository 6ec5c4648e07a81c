package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// float8MatMul is a bound QLinearMatMul some of whose types are 8-bit floats: the product of the dequantised matrices in
// float32, quantised. Inputs: a, its scale and zero point, b likewise, scale and zero point of the result.
type float8MatMul struct {
	product Kernel // of float32
	rounds  bool
}

func bindFloat8MatMul(k *KernelCtx) (Kernel, error) {
	const codes = bytes8 | float8&^(1<<tensor.Float8E8M0)
	out := k.OutType(0)
	if !codes.Has(k.DType(0)) || !codes.Has(k.DType(3)) || !codes.Has(out.DType) {
		return Kernel{}, Unsupported("product of %v and %v to %v", k.DType(0), k.DType(3), out.DType)
	}
	r := &float8MatMul{rounds: bytes8.Has(out.DType)}
	inner := &KernelCtx{In: []Value{{Type: k.Type(0)}, {Type: k.Type(3)}}, Out: []Value{{Type: out}}, Weights: noWeights{}}
	inner.In[0].DType, inner.In[1].DType, inner.Out[0].DType = tensor.Float32, tensor.Float32, tensor.Float32
	var err error
	r.product, err = matmulKernel(inner)
	return Kernel{Run: r.run, Scratch: r.scratch}, err
}

// scratch returns the room for both matrices and the product in float32, and what the product wants.
func (r *float8MatMul) scratch(c *Call) int {
	n := carveBytes(c.In[0].Len(), 4) + carveBytes(c.In[3].Len(), 4) + carveBytes(c.Out[0].Len(), 4)
	if r.product.Scratch != nil {
		n += r.product.Scratch(&Call{In: []*tensor.Tensor{c.In[0], c.In[3]}, Out: c.Out, Threads: c.Threads})
	}
	return n
}

func (r *float8MatMul) run(c *Call) error {
	a, room := carve[float32](c.Scratch, c.In[0].Len())
	b, room := carve[float32](room, c.In[3].Len())
	y, room := carve[float32](room, c.Out[0].Len())
	if err := dequantizeMatrices(a, c.In[0], c.In[1], c.In[2], true); err != nil {
		return err
	}
	if err := dequantizeMatrices(b, c.In[3], c.In[4], c.In[5], false); err != nil {
		return err
	}
	var at, bt, yt tensor.Tensor
	at.Reset(tensor.Float32, c.In[0].Shape(), move.Bytes(a))
	bt.Reset(tensor.Float32, c.In[3].Shape(), move.Bytes(b))
	yt.Reset(tensor.Float32, c.Out[0].Shape(), move.Bytes(y))
	inner := *c
	inner.In, inner.Out, inner.Scratch = []*tensor.Tensor{&at, &bt}, []*tensor.Tensor{&yt}, room
	if err := r.product.Run(&inner); err != nil {
		return err
	}
	scale, zero := c.In[6], c.In[7]
	if scale.Len() != 1 || zero.Len() != 1 {
		return fmt.Errorf("ops: scale and zero point of the result have shapes %v and %v, want one element", scale.Shape(), zero.Shape())
	}
	var s [1]float32
	loadCodes(s[:], scale, 0)
	for i, v := range y {
		y[i] = v / s[0]
	}
	if r.rounds {
		vec.Round(y, y)
	}
	vec.ScaleShift(y, y, 1, zeroPoint(zero, 0))
	storeCodes(c.Out[0], 0, y, true)
	return nil
}

// dequantizeMatrices sets dst to the elements of matrices less their zero points times their scales: those of the whole
// tensor, of each row (perRow) or of each column.
func dequantizeMatrices(dst []float32, t, scale, zero *tensor.Tensor, perRow bool) error {
	if err := widenBytes(dst, t, zero, perRow); err != nil || len(dst) == 0 {
		return err
	}
	rows, cols := storedRows(t.Shape(), perRow)
	n, want := scale.Len(), cols
	if perRow {
		want = rows
	}
	if n != 1 && n != want && n != want*(len(dst)/(rows*cols)) {
		return fmt.Errorf("ops: scale has shape %v for %v", scale.Shape(), t.Shape())
	}
	var s [1]float32
	for i := range dst {
		at := 0
		switch {
		case n == 1:
		case perRow:
			at = i / cols % n
		default:
			at = (i/(rows*cols)*cols + i%cols) % n
		}
		loadCodes(s[:], scale, at)
		dst[i] *= s[0]
	}
	return nil
}
