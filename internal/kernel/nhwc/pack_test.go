package nhwc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
)

// forms calls f with every kernel set in use that this machine has.
func forms(t *testing.T, f func(t *testing.T)) {
	for name, features := range map[string]cpu.Feature{"generic": 0, "avx2": cpu.AVX2, "avx512": cpu.AVX512 | cpu.AVX2} {
		if cpu.Detected()&features != features {
			t.Logf("%s: not on this machine", name)
			continue
		}
		undo := cpu.Set(features)
		t.Run(name, f)
		undo()
	}
}

// TestPackedFilters compares the packed forms of direct convolutions and of products with loops over their elements.
func TestPackedFilters(t *testing.T) {
	forms(t, func(t *testing.T) {
		for _, p := range problems() {
			g := p.geom()
			w := randoms(rand.New(rand.NewPCG(3, 4)), g.OutC*g.InC/g.Groups*g.Taps())
			icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
			at := func(oc, c, tap int) float32 { return w[(oc*icg+c)*taps+tap] }
			if d, ok := newDirect(g).(*directConv); ok {
				var want []float32
				for unit := 0; unit < g.OutC; unit += d.out {
					for first := 0; first < d.out; first += d.panel.lanes {
						for tap := range taps {
							for c := range icg {
								for oc := first; oc < min(first+d.panel.lanes, d.padded); oc++ {
									if oc < d.out {
										want = append(want, at(unit+oc, c, tap))
									} else {
										want = append(want, 0)
									}
								}
							}
						}
					}
				}
				var got packed
				if d.pack(&got, w, nil); !slices.Equal(got.data, want) {
					t.Errorf("%v: wrong panels of %s", p, d.format())
				}
			}
			d, ok := newDense(g).(*dense)
			if !ok {
				continue
			}
			var got packed
			d.pack(&got, w, nil)
			data, width := got.matrices.Panels()
			for i := range data {
				k := i / width % (icg * taps)
				j := i/(width*icg*taps)%ceilDiv(ocg, width)*width + i%width
				want := float32(0)
				if j < ocg {
					want = at(i/(len(data)/g.Groups)*ocg+j, k%icg, k/icg)
				}
				if data[i] != want {
					t.Fatalf("%v: element %d of the panels is %v, want %v", p, i, data[i], want)
				}
			}
		}
	})
}

// TestPackedPhases compares the filters of phases with those made by way of an ordinary convolution's.
func TestPackedPhases(t *testing.T) {
	forms(t, func(t *testing.T) {
		for _, p := range transposedProblems() {
			g := p.geom(t)
			a, ok := newTransposedPhases(g).(*transposedPhases)
			if !ok {
				continue
			}
			w := randoms(rand.New(rand.NewPCG(3, 4)), g.OutC*g.InC/g.Groups*g.Taps())
			var got packed
			a.pack(&got, w, nil)
			sum := 0
			for i := range a.phases {
				var want packed
				a.packPhase(&a.phases[i], &want, w, nil)
				sum += want.bytes()
				if !slices.Equal(elements(&got.phases[i]), elements(&want)) {
					t.Errorf("%v: wrong filter of phase %d", p, i)
				}
			}
			if got.bytes() != sum {
				t.Errorf("%v: %d bytes, want %d", p, got.bytes(), sum)
			}
		}
	})
}

// elements returns what a packed filter holds, as far as it lies in panels.
func elements(f *packed) []float32 {
	if f.data != nil {
		return f.data
	}
	data, _ := f.matrices.Panels()
	return data
}

// TestPackInto looks for allocations where filters are packed in every run.
func TestPackInto(t *testing.T) {
	check := func(p *Plan) {
		g := p.Geom()
		w, f := randoms(rand.New(rand.NewPCG(3, 5)), g.OutC*g.InC/g.Groups*g.Taps()), new(Filter)
		room := make([]float32, p.FilterLen())
		if n := allocations(20, func() { p.PackInto(f, w, room, 1) }); n > 0 && !raceEnabled {
			t.Errorf("%s of %+v: %v allocations", p.Algorithm(), g, n)
		}
	}
	for _, p := range problems() {
		for _, c := range choices {
			if plan := newPlan(p.geom(), c.name); plan != nil {
				check(plan)
			}
		}
		check(NewGradXPlan(p.geom()))
	}
	for _, p := range transposedProblems() {
		check(NewTransposedPlan(p.geom(t)))
	}
}

// BenchmarkFilter reports GB/s of filters read while they are packed into fresh memory, in the shortest round.
func BenchmarkFilter(b *testing.B) {
	report := func(b *testing.B, p *Plan) {
		g := p.Geom()
		w := make([]float32, g.OutC*g.InC/g.Groups*g.Taps())
		least := time.Duration(math.MaxInt64)
		for b.Loop() {
			begin := time.Now()
			p.Pack(w)
			least = min(least, time.Since(begin))
		}
		b.ReportMetric(float64(4*len(w))/float64(least.Nanoseconds()), "GB/s")
	}
	for _, c := range benchmarks {
		p := NewPlan(c.p.geom())
		b.Run(fmt.Sprintf("float32/%s/%s", c.name, p.Algorithm()), func(b *testing.B) { report(b, p) })
	}
	for _, c := range transposedBenchmarks {
		g, err := conv.NewTransposedGeom(c.attrs, 1, nil, nil, c.x, c.w)
		if err != nil {
			b.Fatal(err)
		}
		p := NewTransposedPlan(g)
		b.Run(fmt.Sprintf("float32/%v/%s", c.w, p.Algorithm()), func(b *testing.B) { report(b, p) })
	}
}
