package autodiff_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// randomGraphs is the number of graphs that TestRandomGraphs draws.
const randomGraphs = 60

// TestRandomGraphs draws graphs in float64 and holds their gradients to central differences, and to what must hold for
// any gradient: it is linear in the gradients of the outputs, sums over uses, is the same optimised and not, and has
// the same bits on one and two threads.
func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(randomGraphs) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			b := newRandomGraph(seed, 5+int(seed%16))
			p := &randomProbe{b: b, model: onnx.Encode(&onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 23}}, Graph: b.g})}
			y := p.forward(t)
			if !finite(y) {
				t.Fatal("the graph overflows")
			}
			p.check(t, y)
		})
	}
}

type randomProbe struct {
	b     *randomGraph
	model []byte
	dy    map[string]*tensor.Tensor
}

// forward runs the graph without gradients.
func (p *randomProbe) forward(t *testing.T) map[string]*tensor.Tensor {
	t.Helper()
	s, err := runtime.OpenBytes(p.model, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), p.b.inputs)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (p *randomProbe) check(t *testing.T, y map[string]*tensor.Tensor) {
	r := rand.New(rand.NewPCG(1, 2))
	p.dy = map[string]*tensor.Tensor{}
	for _, o := range p.b.g.Outputs {
		x := make([]float64, y[o.Name].Len())
		for i := range x {
			x[i] = r.NormFloat64()
		}
		p.dy["dy."+o.Name], _ = tensor.FromFloat64s(tensor.Float64, y[o.Name].Shape(), x)
	}
	got := p.gradients(t, p.dy, &runtime.Options{Threads: 1})
	plain := p.gradients(t, p.dy, &runtime.Options{NoOptimize: true})
	for name, want := range p.differences(t) {
		g := tensor.Float64s(got[name], len(want))
		compare(t, name, g, want, 5e-6)
		compare(t, name+" without optimisation", tensor.Float64s(plain[name], len(want)), g, 1e-11)
	}
	for name, two := range p.gradients(t, p.dy, &runtime.Options{Threads: 2}) {
		if !bytes.Equal(two.Bytes(), got[name].Bytes()) {
			t.Errorf("%s: two threads give other bits than one", name)
		}
	}
	four := p.gradients(t, p.scaled(4), &runtime.Options{})
	for name, g := range got {
		for i, v := range tensor.Float64s(four[name], g.Len()) {
			if w := 4 * tensor.Float64s(g, g.Len())[i]; v != w { // a power of two changes no digit
				t.Fatalf("%s: element %d is %v for four times the gradients of the outputs, want %v", name, i, v, w)
			}
		}
	}
	p.checkSum(t, got)
}

// checkSum differentiates each output alone: what is used by both gets the sum.
func (p *randomProbe) checkSum(t *testing.T, got map[string]*tensor.Tensor) {
	t.Helper()
	sum := map[string][]float64{}
	for _, o := range p.b.g.Outputs {
		alone := p.scaled(0)
		alone["dy."+o.Name] = p.dy["dy."+o.Name]
		for name, g := range p.gradients(t, alone, &runtime.Options{}) {
			if sum[name] == nil {
				sum[name] = make([]float64, g.Len())
			}
			for i, v := range tensor.Float64s(g, g.Len()) {
				sum[name][i] += v
			}
		}
	}
	for name, want := range sum {
		compare(t, name+" as a sum", tensor.Float64s(got[name], len(want)), want, 1e-11)
	}
}

// scaled returns the gradients of the outputs times a number.
func (p *randomProbe) scaled(by float64) map[string]*tensor.Tensor {
	out := map[string]*tensor.Tensor{}
	for name, dy := range p.dy {
		x := append([]float64(nil), tensor.Float64s(dy, dy.Len())...)
		for i := range x {
			x[i] *= by
		}
		out[name], _ = tensor.FromFloat64s(tensor.Float64, dy.Shape(), x)
	}
	return out
}

func (p *randomProbe) gradients(t *testing.T, dy map[string]*tensor.Tensor, o *runtime.Options) map[string]*tensor.Tensor {
	t.Helper()
	o.Gradients = &runtime.Gradients{}
	s, err := runtime.OpenBytes(p.model, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in := map[string]*tensor.Tensor{}
	for _, info := range s.Inputs() {
		if in[info.Name] = p.b.inputs[info.Name]; strings.HasPrefix(info.Name, "dy.") {
			in[info.Name] = dy[info.Name]
		}
	}
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, y := range p.b.g.Outputs {
		delete(out, y.Name)
	}
	return out
}

// differences returns central differences of the sum of dy*y by each element of each input.
func (p *randomProbe) differences(t *testing.T) map[string][]float64 {
	t.Helper()
	s, err := runtime.OpenBytes(p.model, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in := map[string]*tensor.Tensor{}
	for name, v := range p.b.inputs {
		in[name] = v
	}
	loss := func() float64 {
		out, err := s.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for name, y := range out {
			dy := tensor.Float64s(p.dy["dy."+name], y.Len())
			for i, v := range tensor.Float64s(y, y.Len()) {
				sum += dy[i] * v
			}
		}
		return sum
	}
	want := map[string][]float64{}
	for name, v := range p.b.inputs {
		x := tensor.Float64s(v, v.Len())
		g := make([]float64, len(x))
		for i := range x {
			at := func(by float64) float64 {
				moved := append([]float64(nil), x...)
				moved[i] += by
				in[name], _ = tensor.FromFloat64s(tensor.Float64, v.Shape(), moved)
				return loss()
			}
			h := 1e-5 * max(1, math.Abs(x[i]))
			g[i] = (8*(at(h)-at(-h)) - at(2*h) + at(-2*h)) / (12 * h) // of fourth order
		}
		in[name], want["grad."+name] = v, g
	}
	return want
}
