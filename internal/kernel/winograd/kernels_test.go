package winograd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

const guard = float32(-12345)

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()*2 - 1
	}
	return x
}

func guarded(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = guard
	}
	return x
}

// aligned returns scratch memory full of NaN on a cache line.
func aligned() []float32 {
	x := make([]float32, ScratchLen+16)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	off := int(-uintptr(unsafe.Pointer(&x[0]))%64) / 4
	return x[off:][:ScratchLen]
}

func compare(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 2e-5) && got[i] != want[i] && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// sizes are those of tiles, with the plain loops.
var sizes = []struct {
	Size
	edges
}{{Four, four}, {Two, two}, {Pair, pair}}

// eachRow runs f once for every set of kernels in assembly, and names those that need what the machine lacks.
func eachRow(t *testing.T, f func(t *testing.T, k *Kernels)) {
	for i := range rows[1:] {
		k := &rows[i+1]
		t.Run(k.Name, func(t *testing.T) {
			if !cpu.Has(k.Needs) {
				t.Skipf("kernel set %s needs %v: this machine offers %v", k.Name, k.Needs, cpu.Features())
			}
			f(t, k)
		})
	}
}

// TestInput compares all kernels with the plain loops: channels, borders, and no byte written beside the elements.
func TestInput(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for _, s := range sizes {
			for c := 8; c <= 72; c += 8 {
				for range 12 {
					checkInput(t, r, fmt.Sprint("input ", s.Size, " ", c), s.edges, c, k.Of(s.Size).Input)
				}
			}
		}
	})
}

// TestSpread does so for the transforms of gradients of outputs.
func TestSpread(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for c := 8; c <= 72; c += 8 {
			for range 12 {
				checkInput(t, r, fmt.Sprint("spread of pairs ", c), spread, c, k.Of(Pair).Spread)
				checkInput(t, r, fmt.Sprint("spread ", c), spread4, c, k.Of(Four).Spread)
			}
		}
	})
}

// checkInput compares a kernel with the plain loops on random tiles.
func checkInput(t *testing.T, r *rand.Rand, what string, s edges, c int, kernel func(*InputArgs)) {
	tiles := 1 + r.IntN(3)
	a := InputArgs{ColStep: c + r.IntN(3), Tiles: tiles, C: c, TileRoom: c + r.IntN(2)*8, Tmp: aligned()}
	a.ElemStep = tiles*a.TileRoom + r.IntN(5)
	a.RowStep = (s.in+tiles*s.m)*a.ColStep + r.IntN(9)
	a.TileStep = s.m * a.ColStep
	all := uint64(1)<<s.in - 1
	i0, j0, i1, j1 := r.IntN(3), r.IntN(3), r.IntN(2), r.IntN(2)
	a.Rows, a.Cols = all>>i1&^(1<<i0-1), all>>j1&^(1<<j0-1)
	a.At = -i0*a.RowStep - j0*a.ColStep
	// The image ends with the last channel of the last pixel that may be read.
	a.X = random(r, max(1, a.At+(s.in-1-i1)*a.RowStep+(s.in-1-j1)*a.ColStep+(tiles-1)*a.TileStep+c))
	b := a
	n := s.n * s.n * a.ElemStep
	a.V, b.V = guarded(n), guarded(n)
	kernel(&a)
	s.input(&b)
	compare(t, what, a.V, b.V)
}

func TestOutput(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for _, s := range sizes {
			for c := 8; c <= 72; c += 8 {
				for round := range 12 {
					a := randomOutput(r, s.edges, c)
					if round%3 == 0 {
						a.Clip, a.Lo, a.Hi = 1, 0, float32(math.Inf(1))
						a.M[r.IntN(len(a.M))] = float32(math.NaN())
						a.M[r.IntN(len(a.M))] = float32(math.Inf(1))
					}
					n := (a.Rows-1)*a.RowStep + (a.Cols-1)*a.ColStep + (a.Tiles-1)*a.TileStep + c + a.At
					if round%2 == 0 {
						a.Residual = random(r, n)
					}
					b := a
					a.Y, b.Y = guarded(n), guarded(n)
					if a.Residual != nil && round%4 == 0 { // in place
						a.Y, b.Residual = a.Residual, append([]float32(nil), a.Residual...)
						copy(b.Y, a.Y)
					}
					k.Of(s.Size).Output(&a)
					s.output(&b)
					compare(t, fmt.Sprint(k.Name, " output ", s.m, " ", c), a.Y, b.Y)
				}
			}
		}
	})
}

func randomOutput(r *rand.Rand, s edges, c int) OutputArgs {
	a := OutputArgs{C: c, Rows: 1 + r.IntN(s.m), Cols: 1 + r.IntN(s.m), ColStep: c + r.IntN(3), Tiles: 1, At: r.IntN(7), Bias: random(r, c), Tmp: aligned()}
	if a.Rows == s.m && a.Cols == s.m {
		a.Tiles = 1 + r.IntN(3)
	}
	a.TileStep = s.m * a.ColStep
	a.RowStep = a.Tiles*a.TileStep + r.IntN(9)
	a.ElemStep = a.Tiles*c + r.IntN(5)
	a.M = random(r, s.n*s.n*a.ElemStep)
	return a
}

func TestFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for _, s := range sizes {
			for _, n := range [][2]int{{1, 16}, {3, 32}, {5, 80}, {filterPart/16 + 3, 16}, {4, 8}} {
				groups := s.Groups()
				for group, first := range groups[:len(groups)-1] {
					elements := groups[group+1] - first
					a := FilterArgs{C: n[0], Width: n[1], Plane: n[0]*n[1] + 3, Group: group}
					size := a.C * a.Width
					a.W = random(r, s.Taps*s.Taps*size)
					b := a
					a.U, b.U = guarded((elements-1)*a.Plane+size), guarded((elements-1)*a.Plane+size)
					k.Filter(s.Size, &a)
					rows[0].Filter(s.Size, &b)
					compare(t, fmt.Sprint(k.Name, " filter ", s.m, " ", n), a.U, b.U)
				}
			}
		}
	})
}

// TestWindow compares the transforms to gradients of windows with the plain loops.
func TestWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for _, size := range []Size{Four, Pair} {
			for width := 8; width <= 72; width += 8 {
				for round := range 12 {
					checkWindow(t, r, k, size, width, round%2)
				}
			}
		}
	})
}

// checkWindow compares a kernel with the plain loops on random gradients.
func checkWindow(t *testing.T, r *rand.Rand, k *Kernels, size Size, width, add int) {
	a := WindowArgs{Width: width, C: 1 + r.IntN(3), ColStep: width + r.IntN(9), Rows: 1 + r.IntN(size.Taps), Cols: 1 + r.IntN(size.Taps), Add: add}
	a.RowStep = size.Taps*a.ColStep + r.IntN(9)
	a.Step, a.Plane = size.Taps*a.RowStep, a.C*width+r.IntN(5)
	a.U = random(r, (size.Elements()*size.Elements()-1)*a.Plane+a.C*width)
	n := (a.C-1)*a.Step + (a.Rows-1)*a.RowStep + (a.Cols-1)*a.ColStep + width
	b := a
	if a.W, b.W = guarded(n), guarded(n); a.Add != 0 {
		a.W = random(r, n)
		b.W = append([]float32(nil), a.W...)
	}
	k.Of(size).Window(&a)
	rows[0].Of(size).Window(&b)
	compare(t, fmt.Sprint("window of ", size, " ", width), a.W, b.W)
}

// TestIdentity holds the three transforms together: they give the convolution of one tile in one channel.
func TestIdentity(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	k := &rows[0]
	for _, s := range sizes {
		window := s.Taps * s.Taps
		x, w := random(r, s.n*s.n), random(r, window)
		e := s.n * s.n
		v, u, y := make([]float32, e), make([]float32, e), make([]float32, s.m*s.m)
		s.input(&InputArgs{X: x, RowStep: s.n, ColStep: 1, Rows: 63, Cols: 63, Tiles: 1, C: 1, V: v, ElemStep: 1})
		groups := s.Groups()
		for i, first := range groups[:len(groups)-1] {
			k.Filter(s.Size, &FilterArgs{W: w, C: 1, Width: 1, U: u[first:], Plane: 1, Group: i})
		}
		for i := range v {
			v[i] *= u[i]
		}
		s.output(&OutputArgs{M: v, ElemStep: 1, C: 1, Tiles: 1, Y: y, RowStep: s.m, ColStep: 1, Rows: s.m, Cols: s.m, Bias: []float32{0}})
		want := make([]float32, len(y))
		for i := range s.m {
			for j := range s.m {
				for p := range window {
					want[i*s.m+j] += x[(i+p/s.Taps)*s.n+j+p%s.Taps] * w[p]
				}
			}
		}
		compare(t, fmt.Sprint("identity ", s.Size), y, want)
	}
}

// TestGradientIdentity holds the transforms of gradients together: they give that of one window.
func TestGradientIdentity(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 8))
	for _, s := range []Size{Four, Pair} {
		k, n := rows[0].Of(s), s.Elements()
		x, dy := random(r, n*n), random(r, 16)
		v, m, w := make([]float32, n*n), make([]float32, n*n), make([]float32, s.Taps*s.Taps)
		k.Input(&InputArgs{X: x, RowStep: n, ColStep: 1, Rows: 63, Cols: 63, Tiles: 1, C: 1, V: v, ElemStep: 1})
		k.Spread(&InputArgs{X: dy, RowStep: 4, ColStep: 1, Rows: 15, Cols: 15, Tiles: 1, C: 1, V: m, ElemStep: 1})
		for i := range v {
			v[i] *= m[i]
		}
		k.Window(&WindowArgs{U: v, Plane: 1, Width: 1, C: 1, W: w, RowStep: s.Taps, ColStep: 1, Rows: s.Taps, Cols: s.Taps})
		want := make([]float32, len(w))
		for p := range want {
			for i := range 16 {
				want[p] += x[(i/4+p/s.Taps)*n+i%4+p%s.Taps] * dy[i]
			}
		}
		compare(t, fmt.Sprint("identity of gradients ", s), w, want)
	}
}
