package conv

import "github.com/onnxrun/onnxrun/internal/kernel/window"

// Number is the element type of the plain loops.
type Number interface {
	~int32 | ~int64 | ~float32 | ~float64
}

// Reference computes the convolution with plain loops, for any rank. bias may be nil. It is the oracle of the tests and
// the kernel of types and ranks without a faster one.
func Reference[T Number](g *Geom, x, w, bias, y []T) {
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
			for ic := range icg {
				src := x[(n*g.InC+oc/ocg*icg+ic)*in:][:in]
				accumulate(g, src, w[(oc*icg+ic)*taps:][:taps], dst)
			}
		}
	}
}

// accumulate adds the convolution of one plane with one kernel to dst.
func accumulate[T Number](g *Geom, src, w, dst []T) {
	var tap [window.MaxRank]int
	for t := range w {
		plane(g, 0, 0, 0, &tap, src, dst, w[t])
		g.nextTap(&tap)
	}
}

// plane adds f times the shifted src to dst, for axes from axis on; at and to are positions so far.
func plane[T Number](g *Geom, axis, at, to int, tap *[window.MaxRank]int, src, dst []T, f T) {
	a := g.Axes[axis]
	for o := range a.Out {
		i := o*a.Stride + tap[axis]*a.Dilation - a.Lo
		if i < 0 || i >= a.In {
			continue
		}
		if axis == g.Rank-1 {
			dst[to*a.Out+o] += f * src[at*a.In+i]
		} else {
			plane(g, axis+1, at*a.In+i, to*a.Out+o, tap, src, dst, f)
		}
	}
}
