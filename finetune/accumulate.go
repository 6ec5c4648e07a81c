package finetune

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/optim"
)

// An Accumulator gathers the gradients of several small batches into those of a large one.
type Accumulator struct {
	Sum    [][]float32 // weighted sums, then means
	weight float64
}

// NewAccumulator returns an Accumulator for parameters of the given lengths.
func NewAccumulator(lengths ...int) *Accumulator {
	a := &Accumulator{Sum: make([][]float32, len(lengths))}
	for i, n := range lengths {
		a.Sum[i] = make([]float32, n)
	}
	return a
}

// Add takes the gradients of the mean loss of another batch. Its weight is 1, or its number of samples where batches differ.
func (a *Accumulator) Add(grads [][]float32, weight float64) error {
	if len(grads) != len(a.Sum) {
		return fmt.Errorf("finetune: %d gradients to accumulate, want %d", len(grads), len(a.Sum))
	}
	for i, g := range grads {
		if len(g) != len(a.Sum[i]) {
			return fmt.Errorf("finetune: gradient %d to accumulate has %d elements, want %d", i, len(g), len(a.Sum[i]))
		}
	}
	for i, g := range grads {
		optim.AddScaled(a.Sum[i], g, float32(weight))
	}
	a.weight += weight
	return nil
}

// Mean divides the sums by the weights, and returns them: the gradients of the mean loss of all batches together. They
// hold until Reset.
func (a *Accumulator) Mean() [][]float32 {
	if a.weight != 0 && a.weight != 1 {
		for _, s := range a.Sum {
			optim.Scale(s, float32(1/a.weight))
		}
		a.weight = 1
	}
	return a.Sum
}

// Reset starts anew.
func (a *Accumulator) Reset() {
	for _, s := range a.Sum {
		clear(s)
	}
	a.weight = 0
}
