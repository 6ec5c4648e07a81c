package conform_test

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// slopes compares gradients of the model by its inputs and weights with those of the graph as it is written.
func (m *blockModel) slopes(model []byte, in []values, seed uint64) (found []string) {
	if m.elem != tensor.Float32 && m.elem != tensor.Float64 {
		return nil
	}
	wrt := &runtime.Gradients{Ones: true, Wrt: m.parameters()}
	if len(wrt.Wrt) == 0 {
		return nil
	}
	want, err := runs(model, runtime.Options{NoOptimize: true, Threads: 1, Gradients: wrt}, in...)
	if err != nil {
		return []string{"no gradient: " + err.Error()}
	}
	bits := make([]values, len(in))
	skip := []string{skipped(seed / 7)}
	for _, o := range []runtime.Options{{Threads: 1}, {Threads: 2}, {Threads: 2, Prepack: true}, {Threads: 2, Skip: skip}} {
		o.Gradients = wrt
		got, err := runs(model, o, in[0], in[1], in[0], in[1])
		if err != nil {
			found = append(found, fmt.Sprintf("gradients %+v: %v", o, err))
			continue
		}
		for i, g := range got {
			k := i % 2
			if err := nearMost(g, want[k]); err != nil {
				found = append(found, fmt.Sprintf("gradients %d threads, skip %v, run %d: %v", o.Threads, o.Skip, i, err))
			}
			if bits[k] == nil {
				bits[k] = g
			}
			if o.Skip != nil {
				continue
			}
			if err := same(g, bits[k]); err != nil {
				found = append(found, fmt.Sprintf("gradients %d threads, prepack %v, run %d: %v", o.Threads, o.Prepack, i, err))
			}
		}
	}
	return found
}

// parameters are the inputs and weights that nodes of the main graph read.
func (m *blockModel) parameters() (names []string) {
	read := map[string]bool{}
	for _, n := range m.main.Nodes {
		for _, name := range n.Inputs {
			read[name] = true
		}
	}
	for _, f := range m.feeds {
		if f.ids == 0 && read[f.name] {
			names = append(names, f.name)
		}
	}
	for _, p := range m.main.Initializers {
		if p.DType() == m.elem && read[p.Name] {
			names = append(names, p.Name)
		}
	}
	return names
}

// nearMost compares the norms of differences: single elements may lie on the other side of a kink, and gradients in front of
// normalisations may cancel, so that little but rounding is left of them.
func nearMost(got, want values) error {
	largest := 0.0
	for _, w := range want {
		for _, v := range tensor.Float64s(w, w.Len()) {
			largest = max(largest, math.Abs(v))
		}
	}
	if math.IsNaN(largest) || largest > 1e12 { // a root of zero, or what is left of such
		return nil
	}
	for name, w := range want {
		g := got[name]
		if g == nil || !g.Shape().Equal(w.Shape()) {
			return fmt.Errorf("output %s is %v, want %v", name, g, w)
		}
		a, b := tensor.Float64s(g, g.Len()), tensor.Float64s(w, w.Len())
		var diff, norm float64
		for i := range b {
			diff += (a[i] - b[i]) * (a[i] - b[i])
			norm += b[i] * b[i]
		}
		of := 2e-2
		if w.DType() == tensor.Float64 {
			of = 1e-6
		}
		if !(math.Sqrt(diff) <= of*math.Sqrt(norm)+of/20*largest+of/20) {
			return fmt.Errorf("output %s %v differs by %v of %v", name, w.Shape(), math.Sqrt(diff), math.Sqrt(norm))
		}
	}
	return nil
}
