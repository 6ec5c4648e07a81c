package resize

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// direct computes one output of a box from its definition.
func direct(b *Box[float64], in []int, x []float64, o []int, axis, at int) float64 {
	if axis == len(in) {
		return x[at]
	}
	t := &b.Tables[axis]
	if t.Outside != nil && t.Outside[o[axis]] {
		return b.Outside
	}
	sum := 0.0
	for k := range t.Taps {
		w := 1.0
		if t.Weight != nil {
			w = t.Weight[o[axis]*t.Taps+k]
		}
		sum += w * direct(b, in, x, o, axis+1, at*in[axis]+t.Index[o[axis]*t.Taps+k])
	}
	return sum
}

func convert(t []Table[float64]) []Table[float32] {
	var out []Table[float32]
	for _, x := range t {
		y := Table[float32]{In: x.In, Out: x.Out, Taps: x.Taps, Index: x.Index, Outside: x.Outside}
		for _, w := range x.Weight {
			y.Weight = append(y.Weight, float32(w))
		}
		out = append(out, y)
	}
	return out
}

func TestBox(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		var in, out []int
		var tables []Table[float64]
		n, m := 1, 1
		for i := range 4 {
			s := Spec{Mode: Mode(1 + r.IntN(2)), Transform: Transform(r.IntN(7)), Scale: 0.3 + 2*r.Float32(), CubicA: -0.75, End: 1.2,
				Antialias: r.IntN(3) == 0, ExcludeOutside: r.IntN(3) == 0}
			size := 1 + r.IntN(3)
			if i > 1 {
				size += r.IntN(20)
			}
			if i == 0 || r.IntN(4) == 0 {
				s = Spec{Scale: 1}
			}
			o := max(1, int(s.Scale*float32(size)))
			tables = append(tables, NewTable[float64](&s, size, o))
			in, out = append(in, size), append(out, o)
			n, m = n*size, m*o
		}
		b, b32 := NewBox(tables, 7), NewBox(convert(tables), 7)
		x, x32 := make([]float64, n), make([]float32, n)
		for i := range x {
			x32[i] = r.Float32()
			x[i] = float64(x32[i])
		}
		y, y32 := make([]float64, m), make([]float32, m)
		b.Run(1, x, y)
		b32.Run(2, x32, y32)
		for i := range y {
			o := []int{i / (out[1] * out[2] * out[3]), i / (out[2] * out[3]) % out[1], i / out[3] % out[2], i % out[3]}
			want := direct(b, in, x, o, 0, 0)
			if math.Abs(y[i]-want) > 1e-9 || math.Abs(float64(y32[i])-want) > 1e-4 {
				t.Fatalf("%v to %v: element %v is %v and %v, want %v", in, out, o, y[i], y32[i], want)
			}
		}
	}
}

// TestBoxThreads compares threads that share few boxes, with channels in front and behind.
func TestBoxThreads(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for _, shape := range [][]int{{1, 23, 30, 21}, {2, 40, 41, 3}, {1, 3, 60, 70}, {1, 64, 17, 18}} {
		spec, same := Spec{Mode: Linear, Scale: 2.5}, Spec{Scale: 1}
		var tables []Table[float32]
		n, m := 1, 1
		for i, d := range shape {
			s, out := spec, d*5/2
			if i == 0 || d == 21 || d == 3 || d == 64 {
				s, out = same, d
			}
			tables = append(tables, NewTable[float32](&s, d, out))
			n, m = n*d, m*out
		}
		b := NewBox(tables, 0)
		x := make([]float32, n)
		for i := range x {
			x[i] = r.Float32()
		}
		one, three := make([]float32, m), make([]float32, m)
		b.Run(1, x, one)
		b.Run(3, x, three)
		if !slices.Equal(one, three) {
			t.Errorf("%v: three threads give other bits", shape)
		}
	}
}

// TestRowwise compares rows after rows with pass after pass, by bits.
func TestRowwise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	rowwise := 0
	for i := range 200 {
		shape := []int{1 + r.IntN(3), 1 + r.IntN(40), 1 + r.IntN(20), []int{1, 3, 16, 37}[r.IntN(4)]}
		var tables []Table[float32]
		n, m := 1, 1
		for a, d := range shape {
			s := Spec{Scale: 1}
			if a == 1 || a == 2 {
				s = Spec{Mode: Mode(r.IntN(3)), Transform: Transform(r.IntN(7)), Scale: 0.3 + 4*r.Float32(), CubicA: -0.75, Start: -0.1, End: 1.2, Antialias: r.IntN(3) == 0}
			}
			out := max(1, int(s.Scale*float32(d)))
			tables = append(tables, NewTable[float32](&s, d, out))
			n, m = n*d, m*out
		}
		b := NewBox(tables, 7)
		x := make([]float32, n)
		for i := range x {
			x[i] = r.Float32()
		}
		if b.byRows {
			rowwise++
		}
		got, want := make([]float32, m), make([]float32, m)
		b.Run(1+i%2, x, got)
		b.byRows = false
		b.Run(1, x, want)
		if !slices.Equal(got, want) {
			t.Fatalf("%v to %d elements (by rows: %d so far): other bits", shape, m, rowwise)
		}
	}
	if rowwise < 50 {
		t.Errorf("%d of 200 boxes by rows, want 50 or more", rowwise)
	}
}

func TestNearest(t *testing.T) {
	src := []uint16{1, 2, 3, 4, 5, 6}
	dst := make([]uint16, 4*3*2)
	Nearest(1, dst, src, []int{3, 1, 2}, [][]int{{0, 0, 2, 1}, {0, 0, 0}, {0, 1}})
	for i, v := range dst {
		if want := src[[]int{0, 0, 2, 1}[i/6]*2+i%2]; v != want {
			t.Errorf("element %d is %d, want %d", i, v, want)
		}
	}
}

// TestNearestPlanes resamples planes of several elements, more than a chunk of them, and compares each element.
func TestNearestPlanes(t *testing.T) {
	twice := func(n int) (index []int) {
		for i := range 2 * n {
			index = append(index, i/2)
		}
		return index
	}
	keep := func(n int) (index []int) {
		for i := range n {
			index = append(index, i)
		}
		return index
	}
	for _, c := range []struct {
		in    []int
		index [][]int
	}{
		{[]int{3, 5, 40, 50}, [][]int{keep(3), keep(5), twice(40), twice(50)}},
		{[]int{1, 7, 60, 30}, [][]int{keep(1), keep(7), {0, 5, 5, 59, 3}, twice(30)}},
		{[]int{30, 2, 30, 40}, [][]int{keep(30), {1, 0, 0}, twice(30), keep(40)}},
		{[]int{2, 60, 90}, [][]int{{1}, twice(60), twice(90)}},
		{[]int{6, 50}, [][]int{keep(6), keep(50)}},
		{[]int{0, 5, 4}, [][]int{nil, twice(5), twice(4)}},
	} {
		for _, threads := range []int{1, 2} {
			nearestOf[uint8](t, threads, c.in, c.index)
			nearestOf[uint32](t, threads, c.in, c.index)
			nearestOf[complex128](t, threads, c.in, c.index)
			nearestOf[string](t, threads, c.in, c.index)
		}
	}
}

func nearestOf[T comparable](t *testing.T, threads int, in []int, index [][]int) {
	t.Helper()
	n, m := 1, 1
	for a, d := range in {
		n, m = n*d, m*len(index[a])
	}
	src, dst := make([]T, n), make([]T, m)
	for i := range src {
		switch v := any(&src[i]).(type) {
		case *uint8:
			*v = uint8(i * 7)
		case *uint32:
			*v = uint32(i * 7)
		case *complex128:
			*v = complex(float64(i), 1)
		case *string:
			*v = string(rune(i))
		}
	}
	Nearest(threads, dst, src, in, index)
	for i, v := range dst {
		from, size, rest := 0, 1, i
		for a := len(in) - 1; a >= 0; a-- {
			from += index[a][rest%len(index[a])] * size
			size, rest = size*in[a], rest/len(index[a])
		}
		if v != src[from] {
			t.Fatalf("%T, %v, %d threads: element %d is %v, want %v", v, in, threads, i, v, src[from])
		}
	}
}

func TestDoubled(t *testing.T) {
	for n := 1; n < 40; n++ {
		src, dst := make([]uint32, 2*n), make([]uint32, 2*2*2*n)
		index := make([]int, 2*n)
		for i := range src {
			src[i] = 0x7f800001 + uint32(i) // not-a-number patterns must survive
		}
		for i := range index {
			index[i] = i / 2
		}
		Nearest(2, dst, src, []int{2, n}, [][]int{{0, 0, 1, 1}, index})
		for i, v := range dst {
			if want := src[i/(4*n)*n+i%(2*n)/2]; v != want {
				t.Fatalf("%d columns: element %d is %x, want %x", n, i, v, want)
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	s := Spec{Mode: Linear, Scale: 2}
	b := NewBox([]Table[float32]{IdentityTable[float32](3), NewTable[float32](&s, 20, 40), NewTable[float32](&s, 30, 60)}, 0)
	x, y := make([]float32, 3*20*30), make([]float32, 3*40*60)
	if n := testing.AllocsPerRun(20, func() { b.Run(1, x, y) }); n >= 1 {
		t.Errorf("%v allocations per run, want 0", n)
	}
	in, index := []int{3, 20, 30}, [][]int{{0, 1, 2}, {3, 3, 9}, {0, 0, 2, 4}}
	if n := testing.AllocsPerRun(20, func() { Nearest(1, y[:3*3*4], x, in, index) }); n >= 1 {
		t.Errorf("%v allocations of the nearest, want 0", n)
	}
	b = NewBox([]Table[float32]{NewTable[float32](&s, 20, 40), NewTable[float32](&s, 30, 60), IdentityTable[float32](3)}, 0)
	if n := testing.AllocsPerRun(20, func() { b.Run(1, x, y) }); n >= 1 || !b.byRows {
		t.Errorf("%v allocations per run by rows (%v), want 0", n, b.byRows)
	}
}
