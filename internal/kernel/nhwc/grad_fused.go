package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
)

// One call computes both gradients of all channels for some outputs of a row, whose places in pages of memory differ: loads wait for stores
// to the same place of another page, and share sets of the nearest cache with them.
const (
	gradColumns    = 32
	fewGradColumns = 8 // less than that takes longer to begin than it saves
	pageElems      = 1 << 10
)

// gradsColumns is how many outputs one call takes at most.
func gradsColumns(channels int) int {
	return min(gradColumns, max(fewGradColumns, pageElems/(channels&-channels)))
}

// gradsKernel returns the kernel that computes both gradients of a convolution in one pass, nil if there is none: windows of 3 by 3 that move by
// one position or two, with a line of padding in front.
func gradsKernel(g *conv.Geom) func(a *depthwise.GradsArgs) {
	k, stride := depthwise.Best(), g.Axes[0].Stride
	if g.InC%k.Lanes > 0 || g.InC > callFMAs/(2*9*gradColumns)*k.Lanes || stride > len(k.Grads) {
		return nil
	}
	for _, a := range g.Axes[:g.Rank] {
		if a.Kernel != 3 || a.Stride != stride || a.Dilation != 1 || a.Lo != 1 || a.In < 2 || a.Out != ceilDiv(a.In, stride) {
			return nil
		}
	}
	return k.Grads[stride-1]
}

var gradsArgs = sync.Pool{New: func() any { return new(depthwise.GradsArgs) }}

// fused computes the input's gradient in the planes [from, to), and adds what these contribute to the filter's gradient to sums.
func (t *gradBothTask) fused(from, to int, sums []float32) {
	g := &t.b.toW.g
	h, w, c := &g.Axes[0], &g.Axes[1], g.InC
	a := gradsArgs.Get().(*depthwise.GradsArgs)
	*a = depthwise.GradsArgs{W: t.filter.packed.data, Sums: sums, Channels: c, Pixel: c, XRow: w.In * c, YRow: w.Out * c}
	a.XAhead = h.Stride * a.XRow
	for p := from; p < to; p++ {
		for o := range h.Out {
			a.Rows = min(h.Stride, h.In-o*h.Stride)
			a.Above, a.Below = min(1, o), min(1, h.Out-1-o)
			x, y := (p*h.In+o*h.Stride)*a.XRow, p*h.Out*a.YRow
			for at, size := 0, even(w.Out, gradsColumns(c)); at < w.Out; at += size {
				a.Count = min(size, w.Out-at)
				a.Left, a.Right = min(1, at), min(1, w.Out-at-a.Count)
				a.X, a.Dx = t.w.X[x+at*h.Stride*c:], t.x.Y[x+at*h.Stride*c:]
				first := o*a.YRow + at*c // output in the plane
				a.Half = max(0, h.Stride*(at+a.Count)-w.In)
				if a.Y, a.At, a.YAhead = t.w.Dy[y:], first-a.YRow-c, first+2*a.YRow; h.Stride > 1 {
					a.Y, a.At, a.YAhead = a.Y[first:], 0, 2*a.YRow
				}
				t.b.grads(a)
			}
		}
	}
	*a = depthwise.GradsArgs{}
	gradsArgs.Put(a)
}
