package finetune

import "github.com/onnxrun/onnxrun/tensor"

// follow moves the averages of the weights after a step, if there are any.
func (t *Trainer) follow() {
	if t.spec.EMA.Decay <= 0 {
		return
	}
	for _, p := range t.params {
		w := tensor.Of[float32](p.W)
		if p.average == nil {
			p.average = make([]float32, len(w))
			copy(p.average, w)
		}
		t.spec.EMA.Update(p.average, w, t.steps-t.skipped)
	}
}

// averaged calls use while the weights have their average values, if averages are kept.
func (t *Trainer) averaged(use func() error) error {
	t.swap()
	defer t.swap()
	return use()
}

func (t *Trainer) swap() {
	for _, p := range t.params {
		for i, w := range tensor.Of[float32](p.W) {
			if p.average == nil {
				break
			}
			tensor.Of[float32](p.W)[i], p.average[i] = p.average[i], w
		}
	}
}
