package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/tensor"
)

// matmulKernel binds MatMul.
var matmulKernel = widened(func(k *KernelCtx) (Kernel, error) {
	return bindLinear(k, &linear{alpha: 1, beta: 1})
})

// gemmKernel binds Gemm.
var gemmKernel = widened(func(k *KernelCtx) (Kernel, error) { return bindLinear(k, linearAttrs(k.Attrs)) })

// fusedMatMulKernel binds FusedMatMul of both domains; the attributes that one of them lacks are zero.
var fusedMatMulKernel = widened(func(k *KernelCtx) (Kernel, error) {
	l := linearAttrs(k.Attrs)
	l.beta = 1
	l.a.transBatch, l.b.transBatch = k.Bool("transBatchA"), k.Bool("transBatchB")
	act, err := fusedActivation(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	l.act = act
	return bindLinear(k, l)
})

// fusedGemmKernel binds com.microsoft FusedGemm.
var fusedGemmKernel = widened(func(k *KernelCtx) (Kernel, error) {
	l := linearAttrs(k.Attrs)
	act, err := fusedActivation(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	l.act = act
	return bindLinear(k, l)
})

// linearAttrs reads the attributes of Gemm.
func linearAttrs(a Attrs) *linear {
	l := &linear{alpha: 1, beta: 1}
	l.a.trans, l.b.trans = a.Bool("transA"), a.Bool("transB")
	if a.HasAttr("alpha") {
		l.alpha = a.Float("alpha")
	}
	if a.HasAttr("beta") {
		l.beta = a.Float("beta")
	}
	return l
}

// bindLinear chooses the kernel for the element type and packs a constant B.
func bindLinear(k *KernelCtx, l *linear) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Float32:
		if err := l.prepare(k); err != nil {
			return Kernel{}, err
		}
		b := Kernel{Run: l.run32, Scratch: l.scratch, Work: l.work}
		if l.weight != nil {
			b.Keep = l.weight.keep
		}
		return b, nil
	case tensor.Float64:
		return linearKernel[float64](l)
	case tensor.Int32:
		return linearKernel[int32](l)
	case tensor.Int64:
		return linearKernel[int64](l)
	case tensor.Uint32:
		return linearKernel[uint32](l)
	case tensor.Uint64:
		return linearKernel[uint64](l)
	}
	return Kernel{}, Unsupported("matrix product of %v", k.DType(0))
}

// prepare sees to it that a constant B is packed, unless it is to be read where it lies, and scales a constant bias.
func (l *linear) prepare(k *KernelCtx) error {
	inPlace := k.Attrs.Bool("unpacked") || k.Lean && l.rows(k) >= leanRows
	if b := k.Const(1); b != nil && b.Len() > 0 && b.DType() == tensor.Float32 && !inPlace {
		w := &constMatrices{t: b, format: fmt.Sprintf("gemm.B trans=%v", l.b.trans), weights: k.Weights}
		if err := w.view(l.b, b.Shape(), false); err != nil {
			return err
		}
		if !l.b.transBatch || len(w.batch) == 0 {
			l.weight = w
			k.Unread(1)
		}
	}
	if z := k.Const(2); z != nil && l.beta != 1 && z.DType() == tensor.Float32 {
		l.bias, _ = k.Packed(2, fmt.Sprintf("scaled %x", math.Float32bits(l.beta)), func(*Room) any {
			v := make([]float32, z.Len())
			for i, f := range tensor.Of[float32](z) {
				v[i] = f * l.beta
			}
			return v
		}).([]float32)
	}
	return nil
}

// leanRows is a number of rows of A whose products take many times as long as packing B.
const leanRows = 128

// rows returns the number of rows that each product of a matrix of B has, 0 if it is not known.
func (l *linear) rows(k *KernelCtx) int {
	a, ok := k.Type(0).Static()
	b, okB := k.Type(1).Static()
	if !ok || !okB || len(a) < 2 || a.Len() == 0 {
		return 0
	}
	n := a.Len() / a[len(a)-1]
	if l.a.trans || l.a.transBatch {
		n = a[len(a)-1]
	}
	if len(b) > 2 {
		n = n * b[len(b)-1] * b[len(b)-2] / b.Len()
	}
	return n
}

func linearKernel[T float64 | int32 | int64 | uint32 | uint64](l *linear) (Kernel, error) {
	if l.act.Kind > gemm.Tanh {
		return Kernel{}, Unsupported("fused activation %d of %v", l.act.Kind, tensor.DTypeOf[T]())
	}
	return Kernel{Run: func(c *Call) error {
		x := l.call()
		err := linearRun[T](l, x, c)
		l.calls.Put(x)
		return err
	}}, nil
}

// linearRun is do32 for the other element types, without packing.
func linearRun[T float64 | int32 | int64 | uint32 | uint64](l *linear, x *linearCall, c *Call) error {
	if err := x.plan(l, false, c.In[0].Shape(), c.In[1].Shape(), c.Out[0].Shape()); err != nil || x.batch == 0 {
		return err
	}
	a := gemm.ArgsOf[T]{
		M: x.m, N: x.b.cols, K: x.a.cols,
		A: tensor.Of[T](c.In[0]), ARS: x.a.rs, ACS: x.a.cs,
		B: tensor.Of[T](c.In[1]), BRS: x.b.rs, BCS: x.b.cs,
		C: tensor.Of[T](c.Out[0]), LDC: x.b.cols, Threads: c.Threads,
	}
	if len(x.items) > 0 {
		a.Batch = x.items
	}
	gemm.RunOf(&a)
	if l.alpha != 1 {
		scaleOf(a.C, l.alpha)
	}
	if z := input(c, 2); z != nil && l.beta != 0 {
		rows, cols, err := biasShape(z, a.M, a.N)
		if err != nil {
			return err
		}
		linearBias(a.C, tensor.Of[T](z), rows, cols, a.M, a.N, l.beta)
	}
	if r := input(c, 3); r != nil {
		if r.Len() != len(a.C) {
			return fmt.Errorf("ops: residual has shape %v, want %v", r.Shape(), c.Out[0].Shape())
		}
		for i, v := range tensor.Of[T](r) {
			a.C[i] += v
		}
	}
	linearActivate(a.C, l.act)
	return nil
}

func scaleOf[T float64 | int32 | int64 | uint32 | uint64](x []T, f float32) {
	for i, v := range x {
		x[i] = T(float64(v) * float64(f))
	}
}

// linearBias adds beta times a bias to matrices of m rows and n columns.
func linearBias[T float64 | int32 | int64 | uint32 | uint64](y, z []T, rows, cols, m, n int, beta float32) {
	for i := range y {
		r, c := i/n%m, i%n
		if rows == 1 {
			r = 0
		}
		if cols == 1 {
			c = 0
		}
		v := z[r*cols+c]
		if beta != 1 {
			v = T(float64(v) * float64(beta))
		}
		y[i] += v
	}
}

// linearActivate applies one of the first activations of package gemm.
func linearActivate[T float64 | int32 | int64 | uint32 | uint64](y []T, act gemm.Activation) {
	switch act.Kind {
	case gemm.Relu:
		for i, v := range y {
			y[i] = max(v, 0)
		}
	case gemm.Clip, gemm.LeakyRelu, gemm.Sigmoid, gemm.Tanh:
		for i, v := range y {
			y[i] = T(activate64(float64(v), act))
		}
	}
}

func activate64(v float64, act gemm.Activation) float64 {
	switch act.Kind {
	case gemm.Clip:
		return min(max(v, float64(act.Alpha)), float64(act.Beta))
	case gemm.LeakyRelu:
		if v < 0 {
			return v * float64(act.Alpha)
		}
		return v
	case gemm.Sigmoid:
		return 1 / (1 + math.Exp(-v))
	}
	return math.Tanh(v)
}

// mulInts are the integers that matrix products are defined for.
const mulInts = DTypes(1<<tensor.Int32 | 1<<tensor.Int64 | 1<<tensor.Uint32 | 1<<tensor.Uint64)
