package vec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestWide compares kernels for rows with those for one row after the other, to the last bit, and sees that nothing between rows
// is written to.
func TestWide(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	variants(t, func(t *testing.T, k *kernels) {
		for _, c := range unaryCases {
			f := k.wide[c.op]
			if f == nil {
				continue
			}
			for n := 1; n < 3*64+17; n++ {
				rows, step := 1+r.IntN(5), n+r.IntN(20)
				x := randomWide(r, rows*step+9)
				want := slices.Clone(x)
				for i := range rows {
					row := want[i*step:][:n]
					k.unary[c.op](row, slices.Clone(row), c.a, c.b)
				}
				f(x[:(rows-1)*step+n], n, rows, step, c.a, c.b)
				sameBits(t, c.name, n, x, want)
			}
		}
		if k.addWide == nil {
			return
		}
		for n := 1; n < 100; n++ {
			rows, step, other := 1+r.IntN(5), n+r.IntN(20), n+r.IntN(20)
			x, y := randomWide(r, rows*step+9), randomWide(r, rows*other)
			want := slices.Clone(x)
			for i := range rows {
				for j := range n {
					want[i*step+j] += y[i*other+j]
				}
			}
			k.addWide(x[:(rows-1)*step+n], y, n, rows, step, other)
			sameBits(t, "add", n, x, want)
		}
	})
}

// TestScaleWide compares with the plain loop, to the last bit, and sees that nothing between rows is written to.
func TestScaleWide(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 9))
	variants(t, func(t *testing.T, k *kernels) {
		defer func(old func(dst, scale, shift []float32, n, rows, dstStep int)) { active.scaleWide = old }(active.scaleWide)
		for n := 1; n < 100; n++ {
			rows, step := 1+r.IntN(5), n+r.IntN(20)
			x, scale, shift := randomWide(r, rows*step+9), randomWide(r, n), randomWide(r, n)
			want := slices.Clone(x)
			for i := range rows {
				for j := range n {
					want[i*step+j] = float32(want[i*step+j]*scale[j]) + shift[j]
				}
			}
			active.scaleWide = k.scaleWide
			Wide{X: x, N: n, Rows: rows, Step: step}.Scale(scale, shift)
			sameBits(t, "scale", n, x, want)
		}
	})
}

func randomWide(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		if x[i] = float32(r.NormFloat64() * 5); r.IntN(50) == 0 {
			x[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[r.IntN(3)]
		}
	}
	return x
}

func sameBits(t *testing.T, name string, n int, got, want []float32) {
	t.Helper()
	for i, v := range want {
		if math.Float32bits(got[i]) != math.Float32bits(v) {
			t.Fatalf("%s of rows of %d: element %d is %v, want %v", name, n, i, got[i], v)
		}
	}
}

// TestWideCalls compares the calls with those for one row after the other, for rows that take one and several blocks.
func TestWideCalls(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	for _, s := range [][3]int{{7, 3, 9}, {24, 3000, 40}, {block + 5, 2, block + 9}, {0, 4, 3}, {5, 0, 8}} {
		x := randomWide(r, s[1]*s[2]+s[0])
		y := randomWide(r, len(x)+2*s[1])
		want := slices.Clone(x)
		for i := range s[1] {
			row := want[i*s[2]:][:s[0]]
			Silu(row, row)
			Add(row, row, y[i*(s[2]+2):][:s[0]])
		}
		w := Wide{x, s[0], s[1], s[2]}
		w.Swish(1)
		w.Add(y, s[2]+2)
		for i, v := range want {
			if x[i] != v && (x[i] == x[i] || v == v) {
				t.Fatalf("%v: element %d is %v, want %v", s, i, x[i], v)
			}
		}
	}
}
