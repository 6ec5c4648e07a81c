package nhwc

import (
	"fmt"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
)

// TestEmpty runs convolutions and their gradients for no image, and for images without pixels: gradients of filters are zero.
func TestEmpty(t *testing.T) {
	for _, p := range problems() {
		g := p.geom()
		g.Batch = 0
		t.Run(fmt.Sprintf("no image/%v", p), func(t *testing.T) { runEmpty(t, g) })
	}
	for _, pad := range []int{1, 2, 3} { // from where on there are outputs, of the bias alone
		for _, groups := range []int{1, 16} {
			for stride := 1; stride < 3; stride++ {
				p := problem{2, groups, 16, 16, [][6]int{{0, 3, stride, 1, pad, pad}, {9, 3, stride, 1, 1, 1}}}
				t.Run(fmt.Sprintf("no pixels/%v", p), func(t *testing.T) { runEmpty(t, p.geom()) })
			}
		}
	}
}

func runEmpty(t *testing.T, g conv.Geom) {
	w := slices.Repeat([]float32{2}, g.OutC*g.InC/g.Groups*g.Taps())
	bias := slices.Repeat([]float32{0.5}, g.OutC)
	if y := run(NewPlan(g), w, Args{Bias: bias}, 2); slices.ContainsFunc(y, func(v float32) bool { return v != 0.5 }) {
		t.Errorf("of the bias alone: %v", y)
	}
	run(NewGradXPlan(g), w, Args{X: make([]float32, g.Batch*g.OutC*g.OutSize())}, 2)
	dw := runGradW(NewGradW(g), nil, make([]float32, g.Batch*g.OutC*g.OutSize()), 2)
	if slices.ContainsFunc(dw, func(v float32) bool { return v != 0 }) {
		t.Errorf("the gradient of the filter is %v", dw)
	}
	if b := NewGradBoth(g); b != nil {
		t.Errorf("both gradients in one pass")
	}
}
