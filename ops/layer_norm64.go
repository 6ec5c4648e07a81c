package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// run64 is run32 in float64, for the operators without a skip connection.
func (l *layerNorm) run64(c *Call) error {
	if l.skip >= 0 {
		return Unsupported("skip connection of float64")
	}
	_, cols, _, err := l.rows(c)
	if err != nil || c.In[0].Len() == 0 {
		return err
	}
	x, y := tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0])
	if len(y) != len(x) {
		return fmt.Errorf("ops: output has shape %v, want %v", c.Out[0].Shape(), c.In[0].Shape())
	}
	for at := 0; at < len(x); at += cols {
		m, v := moments64(x[at:at+cols], l.rms)
		inv := 1 / math.Sqrt(v+float64(l.eps))
		for i, e := range x[at : at+cols] {
			y[at+i] = (e - m) * inv
		}
		putStat(part(c.Out, l.mean), at/cols, m)
		putStat(part(c.Out, l.inv), at/cols, inv)
	}
	if err := normBroadcast(c, part(c.In, l.scale), vec.MulOf[float64]); err != nil {
		return err
	}
	return normBroadcast(c, part(c.In, l.bias), vec.AddOf[float64])
}

// moments64 returns mean and variance of x, or zero and the mean square if about zero.
func moments64(x []float64, zero bool) (mean, variance float64) {
	n := float64(len(x))
	if !zero {
		for _, v := range x {
			mean += v
		}
		mean /= n
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / n
}

// putStat sets element i of an output that may be missing.
func putStat(t *tensor.Tensor, i int, v float64) {
	switch {
	case t == nil:
	case t.DType() == tensor.Float32:
		tensor.Of[float32](t)[i] = float32(v)
	case t.DType() == tensor.Float64:
		tensor.Of[float64](t)[i] = v
	}
}
