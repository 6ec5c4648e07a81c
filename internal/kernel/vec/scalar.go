package vec

// MapOf sets dst[i] = f(x[i]) for functions without a kernel of their own, such as the trigonometric ones.
// x may have length 1.
func MapOf[T Float](dst, x []T, f func(float64) float64) {
	m := spread(len(x), len(dst))
	for i := range dst {
		dst[i] = T(f(float64(x[i&m])))
	}
}

// Fill sets all of dst to v.
func Fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

// CopyOf copies x, or spreads its one element, to dst.
func CopyOf[T any](dst, x []T) {
	if len(x) == 1 {
		Fill(dst, x[0])
		return
	}
	copy(dst, x[:len(dst)])
}
