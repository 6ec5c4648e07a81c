package vec

import "math"

import "unsafe"

func addGo(dst, a, b []float32) { AddOf(dst, a, b) }
func subGo(dst, a, b []float32) { SubOf(dst, a, b) }
func mulGo(dst, a, b []float32) { MulOf(dst, a, b) }
func divGo(dst, a, b []float32) { DivOf(dst, a, b) }
func maxGo(dst, a, b []float32) { MaxOf(dst, a, b) }
func minGo(dst, a, b []float32) { MinOf(dst, a, b) }

func addReluGo(dst, a, b []float32) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		v := a[i&ma] + b[i&mb]
		if v < 0 {
			v = 0
		}
		dst[i] = v
	}
}

func addGeluGo(dst, a, b []float32) {
	addGo(dst, a, b)
	geluGo(dst, dst, 0, 0)
}

func addGeluTanhGo(dst, a, b []float32) {
	addGo(dst, a, b)
	geluTanhGo(dst, dst, 0, 0)
}

func mulAccGo(dst, a, b []float32) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		dst[i] += a[i&ma] * b[i&mb]
	}
}

func preluGo(dst, a, b []float32) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		v := a[i&ma]
		if v < 0 {
			v *= b[i&mb]
		}
		dst[i] = v
	}
}

// wordsOf returns lanes as words: a float32 that is loaded and stored may lose the bits of a NaN.
func wordsOf(x []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

func addIntGo(dst, a, b []float32) { AddOf(wordsOf(dst), wordsOf(a), wordsOf(b)) }
func subIntGo(dst, a, b []float32) { SubOf(wordsOf(dst), wordsOf(a), wordsOf(b)) }
func mulIntGo(dst, a, b []float32) { MulOf(wordsOf(dst), wordsOf(a), wordsOf(b)) }

func andBitsGo(dst, a, b []float32) {
	d, x, y := wordsOf(dst), wordsOf(a), wordsOf(b)
	ma, mb := spread(len(x), len(d)), spread(len(y), len(d))
	for i := range d {
		d[i] = x[i&ma] & y[i&mb]
	}
}

func orBitsGo(dst, a, b []float32) {
	d, x, y := wordsOf(dst), wordsOf(a), wordsOf(b)
	ma, mb := spread(len(x), len(d)), spread(len(y), len(d))
	for i := range d {
		d[i] = x[i&ma] | y[i&mb]
	}
}

func xorBitsGo(dst, a, b []float32) {
	d, x, y := wordsOf(dst), wordsOf(a), wordsOf(b)
	ma, mb := spread(len(x), len(d)), spread(len(y), len(d))
	for i := range d {
		d[i] = x[i&ma] ^ y[i&mb]
	}
}

// at returns element i of x, which may be a scalar.
func at(x []float32, i int) float64 { return float64(x[min(i, len(x)-1)]) }

// slopeEnd is where the gradients of Gelu are 0 and 1 in float32.
const slopeEnd = 16

func geluGradGo(dst, a, b []float32) {
	for i := range dst {
		x := min(max(at(a, i), -slopeEnd), slopeEnd)
		dst[i] = float32((0.5*(1+math.Erf(x/math.Sqrt2)) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)) * at(b, i))
	}
}

func geluTanhGradGo(dst, a, b []float32) {
	const slope, cubic = 1.5957691216057308, 0.044715 // 2*sqrt(2/pi)
	for i := range dst {
		x := min(max(at(a, i), -slopeEnd), slopeEnd)
		u := slope * x * (1 + cubic*x*x)
		s := 1 / (1 + math.Exp(-u))
		dst[i] = float32((s + x*s/(1+math.Exp(u))*slope*(1+3*cubic*x*x)) * at(b, i))
	}
}
