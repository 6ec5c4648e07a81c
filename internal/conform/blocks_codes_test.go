package conform_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestBlocksQuantised rounds the models of TestBlocks as programs that quantise do: values in the range that a run shows, between
// QuantizeLinear and DequantizeLinear, and weights to codes. What lies near the middle of two codes may become either, so outputs are
// compared by the norm of differences, in quanta of their range; runs of the optimised graph still have to agree in all bits.
func TestBlocksQuantised(t *testing.T) {
	ran, count := 0, blockCount(2, 10)
	for seed := *blocksFirst; seed < *blocksFirst+uint64(count); seed++ {
		m := newBlockModelOf(seed, tensor.Float32)
		for k := seed; m.opset < 10; {
			k += 1 << 32
			m = newBlockModelOf(k, tensor.Float32)
		}
		if err := m.quantise(seed); err != nil {
			t.Logf("seed %d (%v) does not run before it is quantised: %v", seed, m, err)
			continue
		}
		c, err := newBlockRuns(m, seed, t.TempDir())
		if err != nil {
			t.Errorf("seed %d (%v) does not run as it is written: %v", seed, m, err)
			continue
		}
		ran++
		m.report(t, seed, append(c.compare(), m.slopes(c.model, c.in, seed)...))
	}
	if t.Logf("%d of %d models ran", ran, count); ran < count*8/10 {
		t.Errorf("too few models ran")
	}
}

// A codeRange is what a run showed of a value.
type codeRange struct {
	lo, hi float64
	shape  tensor.Shape
	elem   tensor.DType
}

// quantise puts QuantizeLinear and DequantizeLinear behind nodes and inputs of the main graph, and in the place of weights.
func (m *blockModel) quantise(seed uint64) error {
	seen, err := m.ranges(seed)
	if err != nil {
		return err
	}
	m.codes = seen
	nodes, often := m.main.Nodes, m.one(20, 60, 100)
	m.main.Nodes = nil
	for _, v := range m.main.Inputs {
		if r, ok := seen[v.Name]; ok && m.chance(often) {
			twice := m.pair(v.Name, m.name("d"), r)
			for _, n := range nodes {
				replaceFirst(n.Inputs, v.Name, twice)
			}
		}
	}
	for _, n := range nodes {
		m.codedWeights(n, often)
		m.main.Nodes = append(m.main.Nodes, n)
		for i, out := range n.Outputs {
			if r, ok := seen[out]; ok && m.chance(often) {
				n.Outputs[i] = m.name("raw")
				m.pair(n.Outputs[i], out, r)
			}
		}
	}
	return nil
}

func replaceFirst(names []string, name, by string) {
	if i := slices.Index(names, name); i >= 0 {
		names[i] = by
	}
}

// ranges runs the model with all values in float32 of its main graph as outputs.
func (m *blockModel) ranges(seed uint64) (map[string]codeRange, error) {
	outs := m.main.Outputs
	defer func() { m.main.Outputs = outs }()
	m.main.Outputs = slices.Clone(outs)
	for _, n := range m.main.Nodes {
		for _, name := range n.Outputs {
			if name != "" && n.OpType != "Constant" && !slices.ContainsFunc(outs, func(o *onnx.ValueInfo) bool { return o.Name == name }) {
				m.main.Outputs = append(m.main.Outputs, &onnx.ValueInfo{Name: name})
			}
		}
	}
	in := m.fill(-1, seed)
	got, err := runs(m.encode(), runtime.Options{NoOptimize: true, Threads: 1}, in)
	if err != nil {
		return nil, err
	}
	seen := map[string]codeRange{}
	for _, all := range []values{in, got[0]} {
		for name, x := range all {
			if x.DType() != tensor.Float32 {
				continue
			}
			r := codeRange{shape: x.Shape(), elem: x.DType()}
			for _, v := range tensor.Of[float32](x) {
				r.lo, r.hi = min(r.lo, float64(v)), max(r.hi, float64(v))
			}
			if !(r.hi-r.lo < 1e6) {
				return nil, fmt.Errorf("%s is up to %v", name, r.hi-r.lo)
			}
			seen[name] = r
		}
	}
	return seen, nil
}

// codeTypes are the types of codes of an opset, with their least and largest.
func (m *blockModel) codeType() (d tensor.DType, lo, hi int) {
	k := m.r.IntN(16)
	switch {
	case k == 0 && m.opset >= 21:
		return tensor.Int16, -32768, 32767
	case k == 1 && m.opset >= 21:
		return tensor.Uint16, 0, 65535
	case k%2 == 0:
		return tensor.Int8, -128, 127
	}
	return tensor.Uint8, 0, 255
}

// pair adds the nodes that round a value to codes and make numbers of them, and returns the name of these: out, or what another
// DequantizeLinear makes of the same codes.
func (m *blockModel) pair(in, out string, r codeRange) string {
	d, least, most := m.codeType()
	axis, n := -1, 1
	if m.opset >= 13 && m.dynamic == 0 && len(r.shape) > 1 && m.chance(10) {
		axis = m.r.IntN(len(r.shape))
		if n = r.shape[axis]; n == 0 {
			axis, n = -1, 1
		}
	}
	span := max(r.hi-r.lo, 1e-2) / float64(most-least)
	if m.chance(15) { // some are cut off
		span *= 0.7
	}
	if m.chance(30) {
		span = math.Exp2(math.Round(math.Log2(span)))
	}
	zero := float64(least) - math.Round(r.lo/span)
	if d == tensor.Int8 && m.chance(40) {
		span, zero = max(r.hi, -r.lo, 1e-2)/127, 0
	}
	scales, zeros := make([]float32, n), make([]float64, n)
	for i := range scales {
		scales[i] = float32(span)
		if axis >= 0 {
			scales[i] *= float32(1 + 0.5*m.r.Float64())
		}
		zeros[i] = min(max(zero, float64(least)), float64(most))
	}
	ins, attrs := m.scaleAndZero(d, scales, zeros, axis)
	q := m.name("q")
	m.node("QuantizeLinear", attrs, []string{q}, append([]string{in}, ins...)...)
	m.node("DequantizeLinear", attrs, []string{out}, append([]string{q}, ins...)...)
	if !m.chance(25) {
		return out
	}
	again := m.name("d")
	m.node("DequantizeLinear", attrs, []string{again}, append([]string{q}, ins...)...)
	return again
}

// scaleAndZero returns the inputs that say what codes stand for, and the attribute of their axis, below zero for none. The zero
// point is left out where it may be.
func (m *blockModel) scaleAndZero(d tensor.DType, scales []float32, zeros []float64, axis int) (ins []string, attrs string) {
	shape := ones(m.r.IntN(2))
	if axis >= 0 {
		shape, attrs = []int{len(scales)}, fmt.Sprintf("axis=%d", axis)
	}
	ins = []string{m.constant(tensor.FromSlice(scales, shape...))}
	if d == tensor.Uint8 && !slices.ContainsFunc(zeros, func(z float64) bool { return z != 0 }) && m.chance(50) {
		return ins, attrs
	}
	z, err := tensor.FromFloat64s(d, shape, zeros)
	if err != nil {
		panic(err)
	}
	return append(ins, m.constant(z)), attrs
}

// codedNear compares the norms of differences, in quanta of 8 bits of what a run has shown.
func (m *blockModel) codedNear(got, want values) error {
	for name, w := range want {
		g := got[name]
		if g == nil || !g.Shape().Equal(w.Shape()) || g.DType() != w.DType() {
			return fmt.Errorf("output %s is %v, want %v", name, g, w)
		}
		a, b := tensor.Float64s(g, g.Len()), tensor.Float64s(w, w.Len())
		diff, top := 0.0, max(m.codes[name].hi, -m.codes[name].lo)
		for i := range b {
			diff += (a[i] - b[i]) * (a[i] - b[i])
			top = max(top, math.Abs(b[i]))
		}
		if quanta := math.Sqrt(diff) * 64 / max(top, 1e-2); !(quanta <= 3+0.2*math.Sqrt(float64(len(b)))) {
			return fmt.Errorf("output %s %v differs by %.3g quanta", name, w.Shape(), quanta)
		}
	}
	return nil
}
