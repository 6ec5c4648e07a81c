package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// signalDType is the element type that attribute output_datatype asks for.
func signalDType(a Attrs) (tensor.DType, error) {
	d := a.IntOr("output_datatype", int(tensor.Float32))
	if d < 1 || d >= int(tensor.NumDTypes) || !num.Has(tensor.DType(d)) {
		return 0, fmt.Errorf("ops: output_datatype is %d, want a number type", d)
	}
	return tensor.DType(d), nil
}

// maxSignal bounds the sizes of windows and filter banks that inputs ask for.
const maxSignal = 1<<31 - 1

// windowFuncInfer infers one axis, as long as input 0 says.
func windowFuncInfer(c *InferCtx) error {
	d, err := signalDType(c.Attrs)
	if err != nil {
		return err
	}
	n := c.Fresh()
	if e, ok := c.Exprs(0); ok && len(e) == 1 && e[0].Err() == nil {
		if v, known := e[0].Const(); known && (v < 0 || v > maxSignal) {
			return fmt.Errorf("ops: window of size %d", v)
		}
		n = e[0]
	}
	c.Set(0, d, n)
	return nil
}

// windowFuncKernel makes windows that are a constant and two cosines.
func windowFuncKernel(a0, a1, a2 float64) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) {
		d, err := signalDType(k.Attrs)
		if err != nil {
			return Kernel{}, err
		}
		periodic := k.IntOr("periodic", 1) != 0
		return Kernel{Run: func(c *Call) error {
			size, err := signalInt(c, 0)
			if err != nil {
				return err
			}
			if size < 0 || size > maxSignal {
				return fmt.Errorf("ops: window of size %d", size)
			}
			span := size
			if !periodic {
				span--
			}
			v := make([]float64, size)
			for i := range v { // a symmetric window of one element is 0/0, as in ONNX's definition
				w := 2 * math.Pi * float64(i) / float64(span)
				v[i] = a0 - a1*math.Cos(w) + a2*math.Cos(2*w)
			}
			return putNumbers(c, d, v, size)
		}}, nil
	}
}

// putNumbers writes numbers to output 0 in any element type; integers are cut off.
func putNumbers(c *Call, d tensor.DType, v []float64, dims ...int) error {
	if d.IsInt() {
		for i, x := range v {
			v[i] = math.Trunc(x)
		}
	}
	t, err := tensor.FromFloat64s(d, dims, v)
	if err != nil {
		return err
	}
	y, err := c.Alloc(0, d, dims...)
	if err == nil {
		copy(y.Bytes(), t.Bytes())
	}
	return err
}

// signalInt reads a scalar integer input.
func signalInt(c *Call, i int) (int, error) {
	v := tensor.Ints(c.In[i])
	if len(v) != 1 || int64(int(v[0])) != v[0] {
		return 0, fmt.Errorf("ops: input %d has %d elements, want one integer", i, c.In[i].Len())
	}
	return int(v[0]), nil
}

func melInfer(c *InferCtx) error {
	d, err := signalDType(c.Attrs)
	if err != nil {
		return err
	}
	bins, rows := c.Fresh(), c.Fresh()
	if e, ok := c.Exprs(0); ok && len(e) == 1 && e[0].Err() == nil {
		bins = e[0]
	}
	if e, ok := c.Exprs(1); ok && len(e) == 1 {
		if n := e[0].Div(sym.Const(2)).Add(sym.Const(1)); n.Err() == nil {
			rows = n
		}
	}
	c.Set(0, d, rows, bins)
	return nil
}

// melKernel makes the matrix that takes a linear spectrum to triangular bands, evenly spaced in mel.
func melKernel(k *KernelCtx) (Kernel, error) {
	d, err := signalDType(k.Attrs)
	return Kernel{Run: func(c *Call) error {
		var size [3]int
		for i := range size {
			if size[i], err = signalInt(c, i); err != nil {
				return err
			}
		}
		lo, hi := tensor.Float64s(c.In[3], 1), tensor.Float64s(c.In[4], 1)
		bands, length, rate := size[0], size[1], size[2]
		if len(lo) != 1 || len(hi) != 1 || bands < 0 || bands > 1<<20 || length < 0 || length > 1<<24 || rate < 1 {
			return fmt.Errorf("ops: %d mel bands of %d samples at %d Hz", bands, length, rate)
		}
		rows := length/2 + 1
		if bands > 0 && rows > 1<<30/bands {
			return fmt.Errorf("ops: %d mel bands of %d samples", bands, length)
		}
		v, err := melWeights(bands, rows, length, rate, lo[0], hi[0])
		if err != nil {
			return err
		}
		return putNumbers(c, d, v, rows, bands)
	}}, err
}

func melWeights(bands, rows, length, rate int, lo, hi float64) ([]float64, error) {
	mel := func(hz float64) float64 { return 2595 * math.Log10(1+hz/700) }
	low := mel(lo)
	step := (mel(hi) - low) / float64(bands+2)
	edge := make([]int, bands+2)
	for i := range edge {
		hz := 700 * (math.Pow(10, (low+step*float64(i))/2595) - 1)
		at := math.Floor(float64(length+1) * hz / float64(rate))
		if !(at >= 0 && at < float64(rows)) {
			return nil, fmt.Errorf("ops: mel band at %v Hz is outside of the spectrum of a signal at %d Hz", hz, rate)
		}
		edge[i] = int(at)
	}
	v := make([]float64, rows*bands)
	for b := range bands {
		l, m, h := edge[b], edge[b+1], edge[b+2]
		if l == m {
			v[m*bands+b] = 1
		}
		for j := l; j <= m && l < m; j++ {
			v[j*bands+b] = float64(j-l) / float64(m-l)
		}
		for j := m; j < h; j++ {
			v[j*bands+b] = float64(h-j) / float64(h-m)
		}
	}
	return v, nil
}
