package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
	"sync"
)

// sameFloat32 infers float32 in the shape of input 0.
func sameFloat32(c *InferCtx) error {
	t := c.Type(0)
	t.DType = tensor.Float32
	c.SetType(0, t)
	return nil
}

// sameTyped infers the type of input 0.
func sameTyped(c *InferCtx) error {
	c.SetType(0, c.Type(0))
	return nil
}

// featureCount is the number of features of a sample: the second axis, or the only one.
func featureCount(s tensor.Shape) int {
	switch len(s) {
	case 0:
		return 1
	case 1:
		return s[0]
	}
	return s[1]
}

// rowTask is a loop over samples that reads in and writes out; f handles some whole samples.
type rowTask struct {
	in, out     []float32
	width       int
	rows, grain int
	f           func(dst, x []float32)
}

var rowTasks = sync.Pool{New: func() any { return new(rowTask) }}

// Chunk handles a range of samples.
func (t *rowTask) Chunk(i int) {
	lo, hi := par.Range(i, t.grain, t.rows)
	t.f(t.out[lo*t.width:hi*t.width], t.in[lo*t.width:hi*t.width])
}

// eachRow applies f to the samples of input 0 as float32, in ranges of whole samples.
func eachRow(c *Call, f func(dst, x []float32)) error {
	width := max(1, featureCount(c.In[0].Shape()))
	t := rowTasks.Get().(*rowTask)
	t.in, _ = mlInput[float32](c)
	t.out, t.f, t.width = tensor.Of[float32](c.Out[0]), f, width
	if len(t.in) != len(t.out) {
		return fmt.Errorf("ops: output has %d elements for %d", len(t.out), len(t.in))
	}
	t.rows = len(t.in) / width
	chunks := 0
	chunks, t.grain = par.Split(t.rows, max(1, 1<<15/width))
	par.Run(c.Threads, chunks, t)
	*t = rowTask{}
	rowTasks.Put(t)
	return nil
}

// scalerKernel computes (x - offset) * scale, with one pair of numbers or one for every feature.
func scalerKernel(k *KernelCtx) (Kernel, error) {
	scale, offset := k.FloatList("scale"), k.FloatList("offset")
	if len(scale) == 0 {
		scale = []float32{1}
	}
	if len(offset) == 0 {
		offset = []float32{0}
	}
	f := func(dst, x []float32) {
		i, j := 0, 0
		for n, v := range x {
			dst[n] = (v - offset[j]) * scale[i]
			if i++; i == len(scale) {
				i = 0
			}
			if j++; j == len(offset) {
				j = 0
			}
		}
	}
	return Kernel{Scratch: mlInputBytes[float32], Run: func(c *Call) error {
		width := featureCount(c.In[0].Shape())
		if len(scale) != 1 && len(scale) != width || len(offset) != 1 && len(offset) != width {
			return fmt.Errorf("ops: %d scales and %d offsets for %d features", len(scale), len(offset), width)
		}
		return eachRow(c, f)
	}}, nil
}

// normalizerKernel divides every sample by its largest element, the sum of its absolutes or its length. A norm of zero
// leaves the sample as it is.
func normalizerKernel(k *KernelCtx) (Kernel, error) {
	var norm func(x []float32) float32
	switch s := k.Str("norm"); s {
	case "MAX", "":
		norm = func(x []float32) float32 {
			m := x[0]
			for _, v := range x {
				m = max(m, v)
			}
			return m
		}
	case "L1":
		norm = func(x []float32) float32 {
			sum := float32(0)
			for _, v := range x {
				sum += max(v, -v)
			}
			return sum
		}
	case "L2":
		norm = func(x []float32) float32 {
			sum := 0.0
			for _, v := range x {
				sum += float64(v) * float64(v)
			}
			return float32(math.Sqrt(sum))
		}
	default:
		return Kernel{}, fmt.Errorf("ops: norm is %q", s)
	}
	return Kernel{Scratch: mlInputBytes[float32], Run: func(c *Call) error {
		s := c.In[0].Shape()
		if len(s) > 2 {
			return fmt.Errorf("ops: samples have shape %v, want 1 or 2 axes", []int(s))
		}
		return normalizeRows(c, featureCount(s), norm)
	}}, nil
}

func normalizeRows(c *Call, width int, norm func(x []float32) float32) error {
	x, _ := mlInput[float32](c)
	y := tensor.Of[float32](c.Out[0])
	if len(x) != len(y) {
		return fmt.Errorf("ops: output has %d elements for %d", len(y), len(x))
	}
	for i := 0; width > 0 && i+width <= len(x); i += width {
		n := norm(x[i : i+width])
		if n == 0 {
			n = 1
		}
		for j, v := range x[i : i+width] {
			y[i+j] = v / n
		}
	}
	return nil
}

// binarizerKernel puts out 1 for elements above the threshold, else 0.
func binarizerKernel(k *KernelCtx) (Kernel, error) {
	t := k.Float("threshold")
	switch k.DType(0) {
	case tensor.Float32:
		return binarizer(t), nil
	case tensor.Float64:
		return binarizer(float64(t)), nil
	case tensor.Int64:
		return binarizer(int64(math.Floor(float64(t)))), nil
	case tensor.Int32:
		return binarizer(int32(math.Floor(float64(t)))), nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
}

func binarizer[T float32 | float64 | int64 | int32](threshold T) Kernel {
	return Kernel{Run: func(c *Call) error {
		y := tensor.Of[T](c.Out[0])
		for i, v := range tensor.Of[T](c.In[0])[:len(y)] {
			y[i] = 0
			if v > threshold {
				y[i] = 1
			}
		}
		return nil
	}}
}

// imputerKernel replaces one value, often NaN, by that of the feature.
func imputerKernel(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Float32:
		return imputer(k.FloatList("imputed_value_floats"), k.Float("replaced_value_float"))
	case tensor.Float64:
		var by []float64
		for _, v := range k.FloatList("imputed_value_floats") {
			by = append(by, float64(v))
		}
		return imputer(by, float64(k.Float("replaced_value_float")))
	case tensor.Int64:
		return imputer(k.IntList("imputed_value_int64s"), int64(k.Int("replaced_value_int64")))
	case tensor.Int32:
		var by []int32
		for _, v := range k.IntList("imputed_value_int64s") {
			by = append(by, int32(v))
		}
		return imputer(by, int32(k.Int("replaced_value_int64")))
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
}

func imputer[T float32 | float64 | int64 | int32](by []T, replaced T) (Kernel, error) {
	if len(by) == 0 {
		return Kernel{}, fmt.Errorf("ops: no imputed values for this element type")
	}
	nan := replaced != replaced
	return Kernel{Run: func(c *Call) error {
		x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
		if n := featureCount(c.In[0].Shape()); len(by) != 1 && len(by) != n || len(x) != len(y) {
			return fmt.Errorf("ops: %d imputed values for %d features", len(by), n)
		}
		j := 0
		for i, v := range x {
			if v == replaced || nan && v != v {
				v = by[j]
			}
			y[i] = v
			if j++; j == len(by) {
				j = 0
			}
		}
		return nil
	}}, nil
}

// featureVectorizerInfer infers the samples of all inputs side by side.
func featureVectorizerInfer(c *InferCtx) error {
	total := int64(0)
	for _, n := range c.IntList("inputdimensions") {
		if n < 0 || n > math.MaxInt32 {
			return fmt.Errorf("ops: inputdimensions are %v", c.IntList("inputdimensions"))
		}
		total += n
	}
	rows := sym.Const(1)
	switch x := c.Type(0); {
	case !x.Ranked:
		rows = c.Fresh()
	case len(x.Dims) > 1:
		rows = x.Dims[0]
	}
	c.Set(0, tensor.Float32, rows, sym.Const(total))
	return nil
}

// featureVectorizerKernel joins samples, each of which is flattened; features beyond an input's dimension are cut off, missing ones zero.
func featureVectorizerKernel(k *KernelCtx) (Kernel, error) {
	dims := ints(k.IntList("inputdimensions"))
	if len(dims) != len(k.In) {
		return Kernel{}, fmt.Errorf("ops: %d inputdimensions for %d inputs", len(dims), len(k.In))
	}
	total := 0
	for _, d := range dims {
		total += d
	}
	return Kernel{Run: func(c *Call) error {
		y := tensor.Of[float32](c.Out[0])
		clear(y)
		at := 0
		for i, t := range c.In {
			rows, width := 1, t.Len()
			if t.Rank() > 1 {
				rows, width = t.Shape()[0], t.Shape()[1:].Len()
			}
			if rows*total != len(y) {
				return fmt.Errorf("ops: input %d has shape %v for an output of shape %v", i, []int(t.Shape()), []int(c.Out[0].Shape()))
			}
			if err := copyFeatures(y, t, rows, width, at, dims[i], total); err != nil {
				return err
			}
			at += dims[i]
		}
		return nil
	}}, nil
}

// copyFeatures writes the first n features of every sample at a column of y.
func copyFeatures(y []float32, t *tensor.Tensor, rows, width, at, n, total int) error {
	switch t.DType() {
	case tensor.Float32:
		copyFeaturesOf(y, tensor.Of[float32](t), rows, width, at, n, total)
	case tensor.Float64:
		copyFeaturesOf(y, tensor.Of[float64](t), rows, width, at, n, total)
	case tensor.Int64:
		copyFeaturesOf(y, tensor.Of[int64](t), rows, width, at, n, total)
	case tensor.Int32:
		copyFeaturesOf(y, tensor.Of[int32](t), rows, width, at, n, total)
	default:
		return Unsupported("element type %v", t.DType())
	}
	return nil
}

func copyFeaturesOf[T float32 | float64 | int64 | int32](y []float32, x []T, rows, width, at, n, total int) {
	for r := range rows {
		for j, v := range x[r*width:][:min(n, width)] {
			y[r*total+at+j] = float32(v)
		}
	}
}
