package nn

import (
	"fmt"
)

// Recurrent says what LSTM, GRU and RNN layers have in common. They take [batch, sequence, width] and return
// [batch, sequence, Hidden], or with Last [batch, Hidden]: the state after the last step. Bidirectional ones return
// 2 * Hidden numbers, first those of the forward direction; Last is the state after each direction's last step.
type Recurrent struct {
	Hidden        int
	Layers        int // on top of each other; 0 stands for 1
	Bidirectional bool
	Last          bool
	Dropout       float64 // between the layers
}

// LSTM is a stack of long short-term memory layers.
//
// Weights of layer l, in ONNX's layout, with d directions: weight_ih_l<l> [d, 4*Hidden, width], weight_hh_l<l>
// [d, 4*Hidden, Hidden] and bias_l<l> [d, 8*Hidden], that of the input and that of the state one after the other; gates in
// the order input, output, forget, cell. All are uniform within 1/sqrt(Hidden), as PyTorch's are.
type LSTM Recurrent

// Apply adds the nodes and weights.
func (l LSTM) Apply(x *Value) *Value {
	return recurrent{Recurrent: Recurrent(l), op: "LSTM", gates: 4}.apply(x)
}

// GRU is a stack of gated recurrent units, whose reset gate acts on the product of state and weights, as PyTorch's does.
//
// Weights of layer l, in ONNX's layout, with d directions: weight_ih_l<l> [d, 3*Hidden, width], weight_hh_l<l>
// [d, 3*Hidden, Hidden] and bias_l<l> [d, 6*Hidden], that of the input and that of the state one after the other; gates in
// the order update, reset, hidden. All are uniform within 1/sqrt(Hidden), as PyTorch's are.
type GRU Recurrent

// Apply adds the nodes and weights.
func (l GRU) Apply(x *Value) *Value {
	return recurrent{Recurrent: Recurrent(l), op: "GRU", gates: 3, attrs: Attrs{"linear_before_reset": 1}}.apply(x)
}

// RNN is a stack of Elman layers, h = tanh(W x + R h + b).
//
// Weights of layer l, in ONNX's layout, with d directions: weight_ih_l<l> [d, Hidden, width], weight_hh_l<l>
// [d, Hidden, Hidden] and bias_l<l> [d, 2*Hidden], that of the input and that of the state one after the other. All are
// uniform within 1/sqrt(Hidden), as PyTorch's are.
type RNN Recurrent

// Apply adds the nodes and weights.
func (l RNN) Apply(x *Value) *Value {
	return recurrent{Recurrent: Recurrent(l), op: "RNN", gates: 1}.apply(x)
}

// recurrent is a Recurrent of one operator.
type recurrent struct {
	Recurrent
	op    string
	gates int
	attrs Attrs
}

func (l recurrent) apply(x *Value) *Value {
	b := x.b
	defer b.enter(l.op, prefixOf(l.op))()
	layers := orDefault(l.Layers, 1)
	if !b.ranked(x, 3, 3) || !b.positive("Hidden", l.Hidden) || !b.positive("Layers", layers) {
		return b.none()
	}
	x = b.Op("Transpose", Attrs{"perm": []int{1, 0, 2}}, x)
	for i := range layers {
		if i > 0 {
			x = dropped(x, l.Dropout)
		}
		x = l.layer(x, i, l.Last && i == layers-1)
	}
	if l.Last {
		return x
	}
	return b.Op("Transpose", Attrs{"perm": []int{1, 0, 2}}, x)
}

// layer adds layer i for a sequence [sequence, batch, width], and returns [sequence, batch, directions * Hidden] or, of the
// last step, [batch, directions * Hidden].
func (l recurrent) layer(x *Value, i int, last bool) *Value {
	b := x.b
	width, ok := b.sized(x, 2)
	if !ok {
		return b.none()
	}
	directions, direction := 1, "forward"
	if l.Bidirectional {
		directions, direction = 2, "bidirectional"
	}
	attrs := Attrs{"hidden_size": l.Hidden, "direction": direction}
	for name, v := range l.attrs {
		attrs[name] = v
	}
	rows, init := l.gates*l.Hidden, within(l.Hidden)
	weight := func(name string, shape ...int) *Value {
		return b.Weight(fmt.Sprintf("%s_l%d", name, i), init, x.DType(), shape...)
	}
	out := b.Node("", l.op, attrs, 2, x, weight("weight_ih", directions, rows, width),
		weight("weight_hh", directions, rows, l.Hidden), weight("bias", directions, 2*rows))
	merged := []int{0, 0, directions * l.Hidden}
	y := out[0] // [sequence, directions, batch, Hidden]
	perm := []int{0, 2, 1, 3}
	if last {
		y, perm, merged = out[1], []int{1, 0, 2}, []int{0, directions * l.Hidden}
	}
	return b.Op("Reshape", nil, b.Op("Transpose", Attrs{"perm": perm}, y), b.integers("merged", merged...))
}
