package nn

import "github.com/onnxrun/onnxrun/tensor"

// Dropout sets elements to zero with probability P and scales the others by 1/(1-P) where finetune.Spec.Dropout says so
// for training. At inference it does nothing.
type Dropout struct {
	P float64 // at least 0 and below 1
}

// Apply adds the node.
func (l Dropout) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("Dropout", "dropout")()
	if !(l.P >= 0 && l.P < 1) {
		return b.fail("P is %v, want at least 0 and below 1", l.P)
	}
	return b.sole("Dropout", nil, x, b.number("ratio", tensor.Float32, l.P))
}

// dropped applies a Dropout unless its probability is 0.
func dropped(x *Value, p float64) *Value {
	if p == 0 {
		return x
	}
	return Dropout{P: p}.Apply(x)
}
