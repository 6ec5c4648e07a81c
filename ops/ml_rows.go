package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// mlTypes are the element types that the estimators of ai.onnx.ml take.
const mlTypes = f32 | f64 | i64 | i32

// mlRows reads the shape of a table of samples: one row for a vector.
func mlRows(s tensor.Shape) (rows, cols int, err error) {
	switch len(s) {
	case 1:
		return 1, s[0], nil
	case 2:
		return s[0], s[1], nil
	}
	return 0, 0, fmt.Errorf("ops: samples have shape %v, want 1 or 2 axes", []int(s))
}

// mlRowDim infers the number of samples of input 0.
func mlRowDim(c *InferCtx) (Dim, error) {
	x := c.Type(0)
	if !x.Ranked {
		return c.Fresh(), nil
	}
	switch len(x.Dims) {
	case 1:
		return sym.Const(1), nil
	case 2:
		return x.Dims[0], nil
	}
	return Dim{}, fmt.Errorf("ops: samples have shape %v, want 1 or 2 axes", x)
}

// mlScores infers one row of n float32 scores per sample as output 0.
func mlScores(c *InferCtx, n int) error {
	rows, err := mlRowDim(c)
	if err != nil {
		return err
	}
	c.Set(0, tensor.Float32, rows, sym.Const(int64(n)))
	return nil
}

// mlClassified infers a label and a row of n scores per sample.
func mlClassified(c *InferCtx, strings bool, n int) error {
	rows, err := mlRowDim(c)
	if err != nil {
		return err
	}
	label := tensor.Int64
	if strings {
		label = tensor.String
	}
	c.Set(0, label, rows)
	c.Set(1, tensor.Float32, rows, sym.Const(int64(n)))
	return nil
}

// mlInputBytes is the scratch that mlInput wants for input 0.
func mlInputBytes[T float32 | float64](c *Call) int {
	if tensor.DTypeOf[T]() == c.In[0].DType() {
		return 0
	}
	return carveBytes(c.In[0].Len(), tensor.DTypeOf[T]().Size())
}

// mlInput returns the elements of input 0 as T, converted into scratch memory where they are of another type.
func mlInput[T float32 | float64](c *Call) (x []T, rest []byte) {
	t := c.In[0]
	if tensor.DTypeOf[T]() == t.DType() {
		return tensor.Of[T](t), c.Scratch
	}
	x, rest = carve[T](c.Scratch, t.Len())
	switch t.DType() {
	case tensor.Float32:
		vec.Convert(x, tensor.Of[float32](t))
	case tensor.Float64:
		vec.Convert(x, tensor.Of[float64](t))
	case tensor.Int64:
		vec.Convert(x, tensor.Of[int64](t))
	case tensor.Int32:
		vec.Convert(x, tensor.Of[int32](t))
	}
	return x, rest
}

// mlOut prepares output i: a vector if cols is negative, else a table. It allocates nothing if the output is ready.
func mlOut(c *Call, i int, d tensor.DType, rows, cols int) (*tensor.Tensor, error) {
	if t := c.Out[i]; t.Kind() == tensor.KindTensor && t.DType() == d && d != tensor.String && t.Len() == rows*max(cols, -cols) {
		return t, nil
	}
	if cols < 0 {
		return c.Alloc(i, d, rows)
	}
	return c.Alloc(i, d, rows, cols)
}

// mlLabels are the class labels of a classifier.
type mlLabels struct {
	ints []int64
	strs []string
}

// mlClassLabels reads labels from the attributes of the given names.
func mlClassLabels(a Attrs, ints, strs string) mlLabels {
	return mlLabels{ints: a.IntList(ints), strs: a.StrList(strs)}
}

func (l *mlLabels) len() int { return max(len(l.ints), len(l.strs)) }

// check reports an error unless there are n labels.
func (l *mlLabels) check(n int) error {
	if l.len() < n || n < 1 {
		return fmt.Errorf("ops: %d class labels for %d classes", l.len(), n)
	}
	return nil
}

// mlLabelSink writes labels to an output tensor by class number.
type mlLabelSink struct {
	*mlLabels
	outInts []int64
	outStrs []string
}

// open prepares output i for n labels.
func (l *mlLabels) open(c *Call, i, n int) (mlLabelSink, error) {
	s := mlLabelSink{mlLabels: l}
	if len(c.Out) <= i || c.Out[i] == nil {
		return s, nil
	}
	d := tensor.Int64
	if len(l.strs) > 0 {
		d = tensor.String
	}
	t, err := mlOut(c, i, d, n, -1)
	if err != nil {
		return s, err
	}
	s.outInts, s.outStrs = tensor.Of[int64](t), tensor.Of[string](t)
	return s, nil
}

// put gives sample i the label of a class.
func (s *mlLabelSink) put(i, class int) {
	if s.outStrs != nil {
		s.outStrs[i] = s.strs[class]
	} else if s.outInts != nil {
		s.outInts[i] = s.ints[class]
	}
}
