package finetune

import (
	"context"

	"github.com/onnxrun/onnxrun/tensor"
)

// Gradients returns the gradient of the mean loss of a batch.
func (t *Trainer) Gradients(ctx context.Context, b Batch) ([][]float32, error) {
	if _, err := t.backward(ctx, &b, 0, 1, 0); err != nil {
		return nil, err
	}
	return t.sums(), nil
}

// Clipped returns the sum of the clipped gradients of the samples of a batch, the norms, and whether the samples ran one by one.
func (t *Trainer) Clipped(ctx context.Context, b Batch) (sums [][]float32, norms []float64, single bool, err error) {
	t.beginSums(false)
	if _, _, err := t.clippedGradients(ctx, b); err != nil {
		return nil, nil, false, err
	}
	p, err := t.programFor(b.inputShapes(), forPrivacy)
	return t.sums(), t.private.norms, err == nil && p.single, err
}

func (t *Trainer) sums() [][]float32 {
	var out [][]float32
	for _, p := range t.params {
		g := make([]float32, p.W.Len())
		p.sum.addTo(g, 1)
		out = append(out, g)
	}
	return out
}

// Row returns row i of a tensor as a tensor of one row.
func Row(x *tensor.Tensor, i int) *tensor.Tensor { return rowOf(x, i) }

// ByRows returns the parameters whose gradients in the last step were lists of rows.
func (t *Trainer) ByRows() []string {
	var out []string
	for _, p := range t.params {
		if p.sum.dense == nil {
			out = append(out, p.Name)
		}
	}
	return out
}

// Takes reports whether gradients are taken as they come.
func (t *Trainer) Takes() bool {
	for _, p := range t.recent {
		if p.suffix != nil && p.suffix.taken != nil {
			return true
		}
	}
	return false
}
