package finetune

import (
	"context"
	"math"
	"math/rand"

	"github.com/onnxrun/onnxrun/tensor"
)

type Group struct{}

func (g Group) adjust(u *Update) {}

func groupOf(g []Group, name string) int { return -1 }

type Schedule interface{ Factor(step, total int) float64 }

type AdamW struct{}

func (AdamW) Name() string { return "adamw" }
func (AdamW) Slots() int   { return 2 }
func (AdamW) Update(u Update) {
	c1, c2 := 1-math.Pow(.9, float64(u.Step)), 1-math.Pow(.999, float64(u.Step))
	for i, g := range u.G {
		u.W[i] -= u.W[i] * float32(u.Rate*u.Decay)
		m := u.State[0][i]*.9 + .1*g
		v := u.State[1][i]*.999 + .001*g*g
		u.State[0][i], u.State[1][i] = m, v
		u.W[i] -= float32(u.Rate * float64(m) / c1 / (math.Sqrt(float64(v)/c2) + 1e-8))
	}
}
func DefaultRate(Optimizer) float64 { return 1e-3 }
func (t *Trainer) rate() float64    { return t.spec.Rate }
func (t *Trainer) feed(name string) *tensor.Tensor {
	return nil
}
func (t *Trainer) clip(norm float64) {}
func (t *Trainer) norm() float64 {
	s := 0.0
	for _, p := range t.params {
		for _, g := range p.sum {
			s += float64(g) * float64(g)
		}
	}
	return math.Sqrt(s)
}

func Permutation(seed uint64, epoch, n int) []int {
	return rand.New(rand.NewSource(int64(seed)*1000 + int64(epoch))).Perm(n)
}
func (f *fitter) rateAt(step int) float64                       { return f.spec.Rate }
func (f *fitter) plateau(e *EpochEvent)                         {}
func (f *fitter) rebatch(ctx context.Context, ds Dataset) error { return nil }
