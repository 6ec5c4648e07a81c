package reduce

// shortRow is the length up to which a row is reduced element by element: 3 to 4 ns a row of two elements and 9 to 13 of eight, where the
// call of a kernel takes 12 to 40 (BenchmarkShortRows, Ice Lake).
const shortRow = 8

// foldShort reduces each row of n elements of x, at least one, to an element of dst.
func foldShort(op Op, dst, x []float32, n int) {
	switch op {
	case Max:
		joinShort(dst, x, n, func(a, b float32) float32 { return max(a, b) })
	case Min:
		joinShort(dst, x, n, func(a, b float32) float32 { return min(a, b) })
	case Prod:
		joinShort(dst, x, n, func(a, b float32) float32 { return a * b })
	case SumSquare:
		for i := range dst {
			s := float32(0)
			for _, v := range x[i*n : (i+1)*n] {
				s += float32(v * v)
			}
			dst[i] = s
		}
	case L1:
		for i := range dst {
			s := float32(0)
			for _, v := range x[i*n : (i+1)*n] {
				s += max(v, -v)
			}
			dst[i] = s
		}
	default:
		for i := range dst {
			s := float32(0)
			for _, v := range x[i*n : (i+1)*n] {
				s += v
			}
			dst[i] = s
		}
	}
}

// joinShort sets each element of dst to a row's elements, joined from the first to the last.
func joinShort(dst, x []float32, n int, join func(a, b float32) float32) {
	for i := range dst {
		row := x[i*n : (i+1)*n]
		v := row[0]
		for _, w := range row[1:] {
			v = join(v, w)
		}
		dst[i] = v
	}
}
