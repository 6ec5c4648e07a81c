package conv

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// NewTransposedGeom resolves a transposed convolution of x [N, C, In...] with w [C, OutC/groups, Kernel...]. In each axis,
// input i and kernel element k contribute to output i*Stride + k*Dilation - Lo. outPad and outShape may be empty.
func NewTransposedGeom(a window.Attrs, groups int, outPad, outShape, x, w []int) (Geom, error) {
	g, err := channels(groups, x, w)
	if err != nil {
		return g, err
	}
	if g.InC%groups != 0 || w[0] != g.InC {
		return g, fmt.Errorf("conv: transposed filter %v does not fit %d channels in %d groups", w, g.InC, groups)
	}
	g.OutC = w[1] * groups
	if err := kernelOf(&a, w); err != nil {
		return g, err
	}
	if len(outPad) != 0 && len(outPad) != g.Rank {
		return g, fmt.Errorf("conv: output_padding has %d values, want %d", len(outPad), g.Rank)
	}
	if n := len(outShape); n > g.Rank {
		outShape = outShape[n-g.Rank:]
	}
	if len(outShape) != 0 && len(outShape) != g.Rank {
		return g, fmt.Errorf("conv: output_shape has %d values, want %d", len(outShape), g.Rank)
	}
	for i := range g.Rank {
		extra, want := 0, -1
		if len(outPad) > 0 {
			extra = outPad[i]
		}
		if len(outShape) > 0 {
			want = outShape[i]
		}
		if g.Axes[i], err = transposedAxis(&a, i, x[2+i], extra, want); err != nil {
			return g, err
		}
	}
	return g, nil
}

// transposedAxis resolves axis i; want is the output length asked for, or -1.
func transposedAxis(a *window.Attrs, i, in, extra, want int) (window.Axis, error) {
	pick := func(s []int, i, def int) int {
		if i < len(s) {
			return s[i]
		}
		return def
	}
	x := window.Axis{In: in, Kernel: a.Kernel[i], Stride: pick(a.Strides, i, 1), Dilation: pick(a.Dilations, i, 1)}
	full := x.Stride*(in-1) + extra + x.Extent()
	if want < 0 && (a.AutoPad == window.SameUpper || a.AutoPad == window.SameLower) {
		want = in * x.Stride
	}
	if want >= 0 {
		total := max(0, full-want)
		x.Out, x.Lo = want, total-total/2
		if a.AutoPad == window.SameUpper {
			x.Lo = total / 2
		}
		x.Hi = total - x.Lo
	} else {
		if a.AutoPad == window.NotSet {
			x.Lo, x.Hi = pick(a.Pads, i, 0), pick(a.Pads, len(a.Kernel)+i, 0)
		}
		x.Out = full - x.Lo - x.Hi
	}
	if x.Out < 1 || x.Out > math.MaxInt32 || extra < 0 {
		return x, fmt.Errorf("conv: transposed axis %d has output length %d with output padding %d, want lengths from 1 to %d and no negative padding",
			i, x.Out, extra, math.MaxInt32)
	}
	return x, nil
}

// ReferenceTransposed computes the transposed convolution with plain loops, for any rank. bias may be nil.
func ReferenceTransposed[T Number](g *Geom, x, w, bias, y []T) {
	in, out, taps := g.InSize(), g.OutSize(), g.Taps()
	icg, ocg := g.InC/g.Groups, g.OutC/g.Groups
	for n := range g.Batch {
		for oc := range g.OutC {
			dst := y[(n*g.OutC+oc)*out:][:out]
			var b T
			if bias != nil {
				b = bias[oc]
			}
			for i := range dst {
				dst[i] = b
			}
			for ic := oc / ocg * icg; ic < (oc/ocg+1)*icg; ic++ {
				src := x[(n*g.InC+ic)*in:][:in]
				k := w[(ic*ocg+oc%ocg)*taps:][:taps]
				var tap [window.MaxRank]int
				for t := range k {
					scatter(g, 0, 0, 0, &tap, src, dst, k[t])
					g.nextTap(&tap)
				}
			}
		}
	}
}

// scatter adds f times src to the shifted dst, for axes from axis on; at and to are positions so far.
func scatter[T Number](g *Geom, axis, at, to int, tap *[window.MaxRank]int, src, dst []T, f T) {
	a := g.Axes[axis]
	for i := range a.In {
		o := i*a.Stride + tap[axis]*a.Dilation - a.Lo
		if o < 0 || o >= a.Out {
			continue
		}
		if axis == g.Rank-1 {
			dst[to*a.Out+o] += f * src[at*a.In+i]
		} else {
			scatter(g, axis+1, at*a.In+i, to*a.Out+o, tap, src, dst, f)
		}
	}
}

// nextTap moves to the next kernel element in row-major order.
func (g *Geom) nextTap(tap *[window.MaxRank]int) {
	for j := g.Rank - 1; j >= 0; j-- {
		if tap[j]++; tap[j] < g.Axes[j].Kernel {
			return
		}
		tap[j] = 0
	}
}
