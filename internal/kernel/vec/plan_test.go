package vec

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// broadcastCase returns a result shape and n input shapes that broadcast to it.
func broadcastCase(r *rand.Rand, n int) (out []int, in [][]int) {
	rank := r.IntN(5)
	if r.IntN(20) == 0 {
		rank = 12
	}
	out = make([]int, rank)
	for i := range out {
		out[i] = 1 + r.IntN(4)
		if rank == 12 {
			out[i] = 1 + r.IntN(2)
		}
	}
	if rank > 0 && rank < 5 && r.IntN(3) == 0 {
		out[rank-1] = 1 + r.IntN(30)
	}
	for range n {
		s := slices.Clone(out)
		for i := range s {
			if r.IntN(3) == 0 {
				s[i] = 1
			}
		}
		for len(s) > 0 && s[0] == 1 && r.IntN(2) == 0 {
			s = s[1:]
		}
		in = append(in, s)
	}
	return out, in
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// source returns the offset in an input of the given shape of element i of the result.
func source(i int, out, in []int) int {
	off, step := 0, 1
	for k := 1; k <= len(out); k++ {
		at := i % out[len(out)-k]
		i /= out[len(out)-k]
		if j := len(in) - k; j >= 0 {
			if in[j] != 1 {
				off += at * step
			}
			step *= in[j]
		}
	}
	return off
}

func ramp(n, from int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(i + from)
	}
	return x
}

func TestBroadcast(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		out, in := broadcastCase(r, 3)
		n := size(out)
		a, b, c := ramp(size(in[0]), 1), ramp(size(in[1]), 1000), ramp(size(in[2]), 100000)
		var p Plan
		p.Plan3(out, in[0], in[1], in[2])
		got := make([]int32, n)
		sum3 := func(dst, a, b, c []int32) { AddOf(dst, a, b); AddOf(dst, dst, c) }
		Broadcast3(&p, got, a, b, c, sum3, 1)
		parts := make([]int32, n)
		if p.rank == 0 {
			p.push(planDim{n: n}) // what a parallel run never sees
		}
		for lo, step := 0, 1+r.IntN(99); lo < n; lo += step {
			var cur cursor
			var x, y, z spreadBuf[int32]
			cur.start(&p, lo, min(n, lo+step))
			for more := true; more; more = cur.next() {
				dst, a, b, c := resultOf(&cur, parts), stripOf(&cur, 0, a, &x), stripOf(&cur, 1, b, &y), stripOf(&cur, 2, c, &z)
				for i := range cur.count {
					sum3(dst.panel(i), a.panel(i), b.panel(i), c.panel(i))
				}
			}
		}
		for i := range got {
			want := a[source(i, out, in[0])] + b[source(i, out, in[1])] + c[source(i, out, in[2])]
			if got[i] != want || parts[i] != want {
				t.Fatalf("out %v in %v: element %d is %d, in parts %d, want %d", out, in, i, got[i], parts[i], want)
			}
		}
		p.Plan2(out, in[0], in[1])
		Broadcast2(&p, got, a, b, AddOf[int32], 2)
		for i := range got {
			if want := a[source(i, out, in[0])] + b[source(i, out, in[1])]; got[i] != want {
				t.Fatalf("out %v in %v: element %d is %d, want %d", out, in[:2], i, got[i], want)
			}
		}
		p.Plan1(out, in[0])
		Broadcast1(&p, got, a, CopyOf[int32], 2)
		for i := range got {
			if want := a[source(i, out, in[0])]; got[i] != want {
				t.Fatalf("out %v in %v: element %d is %d, want %d", out, in[0], i, got[i], want)
			}
		}
	}
}

func TestBroadcastLarge(t *testing.T) {
	const rows, cols = 70, 1001
	a, b := ramp(rows*cols, 0), ramp(cols, 5)
	var p Plan
	p.Plan2([]int{rows, cols}, []int{rows, cols}, []int{cols})
	one, many := make([]int32, rows*cols), make([]int32, rows*cols)
	Broadcast2(&p, one, a, b, SubOf[int32], 1)
	Broadcast2(&p, many, a, b, SubOf[int32], 2)
	for i := range one {
		if want := a[i] - b[i%cols]; one[i] != want || many[i] != want {
			t.Fatalf("element %d is %d and %d, want %d", i, one[i], many[i], want)
		}
	}
}

func TestEmpty(t *testing.T) {
	var p Plan
	p.Plan2([]int{0, 3}, []int{0, 3}, []int{3})
	Broadcast2(&p, nil, nil, ramp(3, 0), AddOf[int32], 2)
	p.Plan2([]int{4, 0}, []int{4, 1}, []int{0})
	Broadcast2(&p, nil, ramp(4, 0), nil, AddOf[int32], 2)
}

func BenchmarkPlanSame(b *testing.B) {
	x := make([]float32, 12)
	shape := []int{1, 3, 4}
	for b.Loop() {
		var p Plan
		p.Plan2(shape, shape, shape)
		Broadcast2(&p, x, x, x, Add, 1)
	}
}

func BenchmarkPlanRow(b *testing.B) {
	x, y := make([]float32, 12), make([]float32, 4)
	shape, row := []int{1, 3, 4}, []int{4}
	for b.Loop() {
		var p Plan
		p.Plan2(shape, shape, row)
		Broadcast2(&p, x, x, y, Add, 1)
	}
}
