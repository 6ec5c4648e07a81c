package finetune

import (
	"context"
	"math"
	"math/rand"

	"github.com/onnxrun/onnxrun/tensor"
)

type Schedule interface{ Factor(step, total int) float64 }

func (t *Trainer) rate() float64 { return t.spec.Rate }
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
