package conform_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestBlockDifferences compares gradients of models of blocks in float64 with what small changes of inputs and weights together do to the sum
// of the outputs. It goes on as TestBlocks does.
func TestBlockDifferences(t *testing.T) {
	ran, count := 0, blockCount(3, 5)
	for seed := *blocksFirst; seed < *blocksFirst+uint64(count); seed++ {
		m := newBlockModelOf(seed, tensor.Float64)
		in := m.fill(-1, seed)
		out, err := runs(m.encode(), runtime.Options{NoOptimize: true}, in)
		if err != nil || len(m.parameters()) == 0 || !finiteSum(out[0]) {
			t.Logf("seed %d (%v) does not run as it is written: %v", seed, m, err)
			continue
		}
		ran++
		if err := m.differs(in, seed); err != nil {
			t.Errorf("seed %d (%v): %v\n  %s", seed, m, err, strings.Join(m.log, "; "))
		}
	}
	if t.Logf("%d of %d models ran", ran, count); ran < count*2/3 {
		t.Errorf("too few models ran")
	}
}

func finiteSum(out values) bool {
	sum, _ := sumOf(out)
	return !math.IsNaN(sum) && !math.IsInf(sum, 0)
}

// sumOf adds up all outputs, and their magnitudes.
func sumOf(out values) (sum, size float64) {
	for _, y := range out {
		for _, v := range tensor.Float64s(y, y.Len()) {
			sum += v
			size += math.Abs(v)
		}
	}
	return sum, size
}

// differs compares along a few directions, with changes of several sizes: one has to do, as others may round or reach over kinks.
func (m *blockModel) differs(in values, seed uint64) error {
	wrt := m.parameters()
	g, err := runs(m.encode(), runtime.Options{Gradients: &runtime.Gradients{Ones: true, Wrt: wrt}}, in)
	if err != nil {
		return err
	}
	for try := range 3 {
		r := rand.New(rand.NewPCG(seed, 31+uint64(try)))
		way, want, size := map[string][]float64{}, 0.0, 0.0
		for _, name := range wrt {
			slope := g[0]["grad."+name]
			if slope == nil || slope.Len() == 1 {
				continue // no output depends on it; or a bound, where elements may lie on it exactly, or an exponent
			}
			v := make([]float64, slope.Len())
			for i, s := range tensor.Float64s(slope, slope.Len()) {
				if v[i] = r.NormFloat64(); try == 2 && s != 0 {
					v[i] = math.Copysign(r.Float64(), s) // all add up
				}
				want += v[i] * s
				size += v[i] * v[i] * s * s
			}
			way[name] = v
		}
		if math.IsNaN(want) || math.IsInf(size, 0) || size > 1e20 {
			return nil // a root of zero, or what is left of such
		}
		least, at, most := math.Inf(1), 0.0, 2e-4*(math.Abs(want)+math.Sqrt(size))+1e-7
		for _, h := range []float64{1e-5, 1e-6, 1e-4, 1e-7} {
			if least <= most {
				break
			}
			up, total := m.moved(in, way, h)
			down, _ := m.moved(in, way, -h)
			noise := 1e-15 * total / h
			d := (up - down) / (2 * h)
			if off := math.Abs(d-want) - 10*noise; off < least {
				least, at = off, d
			}
		}
		if !(least <= most) {
			return fmt.Errorf("direction %d: the outputs change by %v, gradients say %v (terms of %v)", try, at, want, math.Sqrt(size))
		}
	}
	return nil
}

// moved runs the model with inputs and weights a step in a direction further.
func (m *blockModel) moved(in values, way map[string][]float64, h float64) (sum, size float64) {
	shift := func(x *tensor.Tensor, by []float64) *tensor.Tensor {
		y := x.Clone()
		for i := range tensor.Of[float64](y) {
			tensor.Of[float64](y)[i] += h * by[i]
		}
		return y
	}
	next := values{}
	for name, x := range in {
		if next[name] = x; way[name] != nil {
			next[name] = shift(x, way[name])
		}
	}
	model := *m.model()
	g := *model.Graph
	g.Initializers = nil
	for _, p := range m.main.Initializers {
		if by := way[p.Name]; by != nil {
			x, err := p.Value()
			if err != nil {
				return math.NaN(), 0
			}
			p = tensor.NewProto(p.Name, shift(x, by))
		}
		g.Initializers = append(g.Initializers, p)
	}
	model.Graph = &g
	out, err := runs(onnx.Encode(&model), runtime.Options{NoOptimize: true}, next)
	if err != nil {
		return math.NaN(), 0
	}
	return sumOf(out[0])
}
