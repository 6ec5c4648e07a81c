package vec

// PlaneSums returns the sums of x-m, of its squares, of y, and of the products of x-m and y.
func PlaneSums(x, y []float32, m float32) (sum, square, sumY, dot float64) {
	y = y[:len(x)]
	for len(x) > 0 {
		n := min(len(x), foldBlock)
		a, b, c, d := active.planeSums(x[:n], y[:n], m)
		sum, square, sumY, dot = sum+float64(a), square+float64(b), sumY+float64(c), dot+float64(d)
		x, y = x[n:], y[n:]
	}
	return sum, square, sumY, dot
}

// PlaneGrad sets dst[i] = y[i]*a + (x[i]-m)*b + c. dst may be x or y.
func PlaneGrad(dst, x, y []float32, m, a, b, c float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	for len(dst) > 0 {
		n := min(len(dst), block)
		active.planeGrad(dst[:n], x[:n], y[:n], m, a, b, c)
		dst, x, y = dst[n:], x[n:], y[n:]
	}
}

func planeSumsGo(x, y []float32, m float32) (sum, square, sumY, dot float32) {
	for i, v := range x {
		d := v - m
		sum += d
		square += d * d
		sumY += y[i]
		dot += d * y[i]
	}
	return sum, square, sumY, dot
}

func planeGradGo(dst, x, y []float32, m, a, b, c float32) {
	for i := range dst {
		dst[i] = y[i]*a + (x[i]-m)*b + c
	}
}
