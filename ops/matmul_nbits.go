package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/nbits"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// matmulNBitsInfer infers MatMulNBits and its like: [..., K] times a matrix of N columns.
func matmulNBitsInfer(c *InferCtx) error {
	a := c.Type(0)
	k, n := c.Int("K"), c.Int("N")
	if k < 1 || n < 1 {
		return fmt.Errorf("ops: K is %d and N is %d, want at least 1", k, n)
	}
	if !a.Ranked {
		c.SetType(0, a)
		return nil
	}
	if len(a.Dims) == 0 {
		return fmt.Errorf("ops: input is %v, want at least 1 axis", a)
	}
	if v, ok := a.Dims[len(a.Dims)-1].Const(); ok && v != int64(k) {
		return fmt.Errorf("ops: input is %v, want a last axis of K=%d", a, k)
	}
	c.Set(0, a.DType, append(append([]Dim(nil), a.Dims[:len(a.Dims)-1]...), sym.Const(int64(n)))...)
	return nil
}

// matmulNBits is a bound MatMulNBits.
type matmulNBits struct {
	form   nbits.Matrix // sizes
	packed *gemm.Packed // of small constant weights
	calls  sync.Pool    // of *nbits.Matrix
}

// smallWeights is the number of elements up to which constant weights are kept as float32.
const smallWeights = 1 << 18

var matmulNBitsKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.Int("weight_prepacked") != 0 {
		return Kernel{}, Unsupported("weight_prepacked=%d", k.Int("weight_prepacked"))
	}
	if k.DType(0) != tensor.Float32 || k.DType(2) != tensor.Float32 {
		return Kernel{}, Unsupported("element types %v and %v", k.DType(0), k.DType(2))
	}
	if d := k.DType(3); k.Has(3) && d != tensor.Uint8 && d != tensor.Float32 {
		return Kernel{}, Unsupported("zero points of %v", d)
	}
	l := &matmulNBits{form: nbits.Matrix{N: k.Int("N"), K: k.Int("K"), Bits: k.IntOr("bits", 4), Block: k.Int("block_size")}}
	b := k.Const(1)
	if b == nil || b.Len() == 0 || l.form.N > smallWeights/max(1, l.form.K) {
		return Kernel{Run: l.run}, nil
	}
	for i := 2; i < 5; i++ {
		if k.Has(i) && k.Const(i) == nil {
			return Kernel{Run: l.run}, nil
		}
	}
	m := l.form
	if err := setNBits(&m, b, k.Const(2), k.Const(3), k.Const(4)); err != nil {
		return Kernel{}, err
	}
	l.packed = packNBits(&m)
	return Kernel{Run: l.run}, nil
})

// setNBits sets the parts of m to the given inputs, the last two of which may be nil.
func setNBits(m *nbits.Matrix, codes, scales, zeros, group *tensor.Tensor) error {
	m.Codes, m.Scales = tensor.Of[uint8](codes), tensor.Of[float32](scales)
	m.Zeros, m.Points, m.Group = nil, nil, nil
	if zeros != nil && zeros.DType() == tensor.Uint8 {
		m.Zeros = tensor.Of[uint8](zeros)
	} else if zeros != nil {
		m.Points = tensor.Of[float32](zeros)
	}
	if group != nil {
		m.Group = tensor.Of[int32](group)
	}
	return m.Check()
}

func packNBits(m *nbits.Matrix) *gemm.Packed {
	w := make([]float32, m.N*m.K)
	for n := range m.N {
		m.Row(w[n*m.K:(n+1)*m.K], n, 0)
	}
	return gemm.Pack(m.K, m.N, w, 1, m.K)
}

func (l *matmulNBits) run(c *Call) error {
	n, k := l.form.N, l.form.K
	rows := c.In[0].Len() / k
	if c.In[0].Len() != rows*k || c.Out[0].Len() != rows*n {
		return fmt.Errorf("ops: input has shape %v, want a last axis of %d", c.In[0].Shape(), k)
	}
	var bias []float32
	if b := input(c, 5); b != nil {
		if bias = tensor.Of[float32](b); len(bias) != n {
			return fmt.Errorf("ops: bias has shape %v, want [%d]", b.Shape(), n)
		}
	}
	a, y := tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0])
	if c.In[1].Len() == 0 { // weights that were left out count as zeros
		clear(y)
		for r := range rows {
			copy(y[r*n:(r+1)*n], bias)
		}
		return nil
	}
	if l.packed != nil {
		args := gemm.Args{M: rows, N: n, K: k, A: a, ARS: k, ACS: 1, Packed: l.packed, C: y, LDC: n, Threads: c.Threads}
		args.Epilogue.ColBias = bias
		gemm.Run(&args)
		return nil
	}
	m, _ := l.calls.Get().(*nbits.Matrix)
	if m == nil {
		m = new(nbits.Matrix)
	}
	*m = l.form
	err := setNBits(m, c.In[1], c.In[2], input(c, 3), input(c, 4))
	if err == nil {
		nbits.Mul(y, a, rows, m, bias, c.Threads)
	}
	*m = nbits.Matrix{}
	l.calls.Put(m)
	return err
}
