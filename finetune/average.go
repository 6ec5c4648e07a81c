package finetune

import "github.com/onnxrun/onnxrun/tensor"

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
