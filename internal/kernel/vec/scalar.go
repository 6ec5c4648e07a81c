package vec

// MapOf sets dst[i] = f(x[i]) for functions without a kernel of their own, such as the trigonometric ones.
// x may have length 1.
func MapOf[T Float](dst, x []T, f func(float64) float64) {
	m := spread(len(x), len(dst))
	for i := range dst {
		dst[i] = T(f(float64(x[i&m])))
	}
}

// fillHead is how many elements Fill sets one by one; copies of them, which go by vectors, are the rest.
const fillHead = 512

// Fill sets all of dst to v.
func Fill[T any](dst []T, v T) {
	head := dst[:min(len(dst), fillHead)]
	x := head
	for len(x) >= 8 {
		d := (*[8]T)(x)
		d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7] = v, v, v, v, v, v, v, v
		x = x[8:]
	}
	for i := range x {
		x[i] = v
	}
	for dst = dst[len(head):]; len(dst) > 0; {
		dst = dst[copy(dst, head):]
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
