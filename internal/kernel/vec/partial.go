package vec

import (
	"math"
	"sync"
)

// A partialFunc computes elements in order until it meets operands that it leaves to another loop, and returns
// how many it did. All slices have one length.
type partialFunc func(dst, a, b []float32) int

const (
	partialBlock = 1024 // elements at a time where an input is a scalar
	partialStep  = 16   // elements that the other loop takes at a time
)

var partialBuffers = sync.Pool{New: func() any { return new([partialBlock]float32) }}

// partly runs a kernel that leaves some elements to the generic loop. An input may have length 1.
func partly(kernel, rest partialFunc, dst, a, b []float32) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	step := block
	if (ma == 0 || mb == 0) && len(dst) > 1 {
		step = partialBlock
		buf := partialBuffers.Get().(*[partialBlock]float32)
		defer partialBuffers.Put(buf)
		scalar := buf[:min(step, len(dst))]
		if ma == 0 {
			Fill(scalar, a[0])
			a = scalar
		} else {
			Fill(scalar, b[0])
			b = scalar
		}
	}
	for lo := 0; lo < len(dst); lo += step {
		n := min(step, len(dst)-lo)
		x, y := a, b
		if ma != 0 {
			x = a[lo:]
		}
		if mb != 0 {
			y = b[lo:]
		}
		alternate(kernel, rest, dst[lo:lo+n], x[:n], y[:n])
	}
}

func alternate(kernel, rest partialFunc, dst, a, b []float32) {
	for len(dst) > 0 {
		n := kernel(dst, a, b)
		dst, a, b = dst[n:], a[n:], b[n:]
		n = min(partialStep, len(dst))
		rest(dst[:n], a[:n], b[:n])
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}

// Fmod sets dst[i] to the remainder of a[i] by b[i] with the sign of a[i], as C's fmod: always exact.
func Fmod(dst, a, b []float32) { partly(active.fmod, fmodGo, dst, a, b) }

func fmodGo(dst, a, b []float32) int {
	for i := range dst {
		dst[i] = float32(math.Mod(float64(a[i]), float64(b[i])))
	}
	return len(dst)
}
