package conform_test

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

type values = map[string]*tensor.Tensor

// runs opens a model and runs it on inputs one after the other.
func runs(model []byte, o runtime.Options, inputs ...values) (outs []values, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	s, err := runtime.OpenBytes(model, &o)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer s.Close()
	for _, in := range inputs {
		out, err := s.Run(context.Background(), in)
		if err != nil {
			return outs, err
		}
		outs = append(outs, out)
	}
	return outs, nil
}

// near compares values with those of the graph as it is written; infinities and what is no number have to be the same.
func near(got, want values, tol float64) error {
	for name, w := range want {
		g := got[name]
		if g == nil || !g.Shape().Equal(w.Shape()) || g.DType() != w.DType() {
			return fmt.Errorf("output %s is %v, want %v", name, g, w)
		}
		a, b := tensor.Float64s(g, g.Len()), tensor.Float64s(w, w.Len())
		top := 0.0
		for i := range b {
			if !math.IsNaN(b[i]) && !math.IsInf(b[i], 0) {
				top = max(top, math.Abs(b[i]))
			}
		}
		for i := range b {
			if w.DType() == tensor.Float16 && (math.IsNaN(b[i]) || math.IsInf(b[i], 0)) {
				continue // what stays in float32 between merged nodes does not overflow
			}
			if d := math.Abs(a[i] - b[i]); d > tol*top+least(g.DType()) || math.IsNaN(a[i]) != math.IsNaN(b[i]) || math.IsInf(a[i], 0) != math.IsInf(b[i], 0) {
				return fmt.Errorf("output %s %v: element %d of %d is %v, want %v (largest %v)", name, w.Shape(), i, len(b), a[i], b[i], top)
			}
		}
	}
	return nil
}

// tolerance is what values may differ by, in parts of the largest of an output.
func tolerance(d tensor.DType) float64 {
	switch d {
	case tensor.Float16:
		return 0.1
	case tensor.BFloat16:
		return 0.3
	case tensor.Float64:
		return 1e-7
	}
	return 2e-3
}

// least is what values may differ by whatever their size: they may be left of larger ones.
func least(d tensor.DType) float64 {
	switch d {
	case tensor.Float16:
		return 2e-2
	case tensor.BFloat16:
		return 0.2
	case tensor.Float64:
		return 1e-10
	}
	return 2e-6
}

// same compares to the last bit.
func same(got, want values) error {
	for name, w := range want {
		if g := got[name]; g == nil || !g.Shape().Equal(w.Shape()) || !bytes.Equal(g.Bytes(), w.Bytes()) {
			return fmt.Errorf("output %s has other bits: %v", name, near(values{name: got[name]}, values{name: w}, 0))
		}
	}
	return nil
}
