package reduce

import "github.com/onnxrun/onnxrun/internal/kernel/vec"

// CumSum sets dst to the running sums along the middle axis of src, seen as [outer, n, inner]: without the
// element itself if exclusive, from the end if reverse. dst must not overlap src.
func CumSum[T vec.Number](dst, src []T, outer, n, inner int, exclusive, reverse bool) {
	if inner == 1 {
		r := 0
		for ; r+4 <= outer; r += 4 {
			runRows4(dst[r*n:(r+4)*n], src[r*n:(r+4)*n], n, exclusive, reverse)
		}
		for ; r < outer; r++ {
			runRow(dst[r*n:(r+1)*n], src[r*n:(r+1)*n], exclusive, reverse)
		}
		return
	}
	for o := range outer {
		runColumns(dst[o*n*inner:(o+1)*n*inner], src[o*n*inner:(o+1)*n*inner], n, inner, exclusive, reverse)
	}
}

// runColumns runs down all columns at once.
func runColumns[T vec.Number](y, x []T, n, inner int, exclusive, reverse bool) {
	for i := range n {
		at, prev := i, i-1
		if reverse {
			at, prev = n-1-i, n-i
		}
		row := y[at*inner : (at+1)*inner]
		switch {
		case i == 0 && exclusive:
			clear(row)
		case i == 0:
			copy(row, x[at*inner:])
		case exclusive:
			add(row, y[prev*inner:(prev+1)*inner], x[prev*inner:(prev+1)*inner])
		default:
			add(row, y[prev*inner:(prev+1)*inner], x[at*inner:(at+1)*inner])
		}
	}
}

func add[T vec.Number](dst, a, b []T) {
	if d, ok := any(dst).([]float32); ok {
		vec.Add(d, any(a).([]float32), any(b).([]float32))
		return
	}
	vec.AddOf(dst, a, b)
}

func runRow[T vec.Number](y, x []T, exclusive, reverse bool) {
	var s T
	at, step := 0, 1
	if reverse {
		at, step = len(x)-1, -1
	}
	for range x {
		v := x[at]
		if exclusive {
			y[at] = s
			s += v
		} else {
			s += v
			y[at] = s
		}
		at += step
	}
}

// runRows4 does four rows side by side, since each sum waits for the one before it.
func runRows4[T vec.Number](y, x []T, n int, exclusive, reverse bool) {
	x0, x1, x2, x3 := x[:n], x[n:2*n], x[2*n:3*n], x[3*n:4*n]
	y0, y1, y2, y3 := y[:n], y[n:2*n], y[2*n:3*n], y[3*n:4*n]
	var s0, s1, s2, s3 T
	if !reverse && !exclusive { // the common case, without checks of bounds
		for i := range n {
			s0, s1, s2, s3 = s0+x0[i], s1+x1[i], s2+x2[i], s3+x3[i]
			y0[i], y1[i], y2[i], y3[i] = s0, s1, s2, s3
		}
		return
	}
	at, step := 0, 1
	if reverse {
		at, step = n-1, -1
	}
	for range n {
		t0, t1, t2, t3 := s0+x0[at], s1+x1[at], s2+x2[at], s3+x3[at]
		if exclusive {
			y0[at], y1[at], y2[at], y3[at] = s0, s1, s2, s3
		} else {
			y0[at], y1[at], y2[at], y3[at] = t0, t1, t2, t3
		}
		s0, s1, s2, s3 = t0, t1, t2, t3
		at += step
	}
}
