package window

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestPlanes compares the kernels of planes with the generic ones: every border, tail, dilation and padding, and NaN around
// the plane, which nobody reads.
func TestPlanes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for cols := 1; cols < 90; cols += 1 + cols/20 {
			for stride := 1; stride <= 2; stride++ {
				checkPlane(t, r, k, cols, PlaneRows+r.IntN(12), stride)
			}
		}
	})
}

func checkPlane(t *testing.T, r *rand.Rand, k *Kernels, cols, rows, stride int) {
	t.Helper()
	d := 1
	if stride == 1 {
		d += r.IntN(3)
	}
	lo, top := r.IntN(2*d+1), r.IntN(3)
	w := Axis{Out: cols, Kernel: 3, Stride: stride, Dilation: d, Lo: lo, In: max(1, (cols-1)*stride+2*d+1-lo-r.IntN(3*d))}
	a := PlaneArgs{Rows: rows, Top: top, InRows: max(1, (rows-1)*stride+3-top-r.IntN(4)), SrcStep: w.In, DstStep: cols + 3, W: random(r, 9), Bias: 0.5, Lo: -1, High: 1}
	a.SetAxis(k, w)
	const margin = 40
	x := random(r, a.InRows*w.In)
	a.Src = make([]float32, len(x)+2*margin)
	for i := range a.Src {
		a.Src[i] = float32(math.NaN())
	}
	copy(a.Src[margin:], x)
	a.At = margin - top*w.In - lo
	b := a
	a.Dst, b.Dst = guarded(rows*a.DstStep), guarded(rows*a.DstStep)
	k.Plane3[stride-1](&a)
	planeGeneric(&b, stride)
	compare(t, fmt.Sprintf("%s: %d rows, %+v", k.Name, rows, w), a.Dst, b.Dst)
}
