package nn

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/finetune"
)

// Elements is an Initializer that gives a weight these elements, in row-major order: there must be as many as it has.
type Elements []float32

// Name implements finetune.Initializer.
func (Elements) Name() string { return "elements" }

// Fill implements finetune.Initializer.
func (e Elements) Fill(w []float32, f finetune.Fan, _ finetune.Random) error {
	if len(e) != len(w) {
		return fmt.Errorf("%d elements for the shape %v, want %d", len(e), []int(f.Shape), len(w))
	}
	copy(w, e)
	return nil
}

// The initialisers of layers that have no other.
var (
	zeros   = finetune.ConstantInit{}
	ones    = finetune.ConstantInit{Value: 1}
	kaiming = finetune.KaimingInit{} // uniform within 1/sqrt(inputs)
)

// within draws evenly within 1/sqrt(n) of zero.
func within(n int) finetune.Initializer { return between(1 / math.Sqrt(float64(n))) }

// between draws evenly within bound of zero.
func between(bound float64) finetune.Initializer {
	return finetune.UniformInit{Low: -bound, High: bound}
}

func orInit(init, def finetune.Initializer) finetune.Initializer {
	if init == nil {
		return def
	}
	return init
}
