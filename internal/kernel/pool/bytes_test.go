package pool

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// byteGeoms are windows of one to three axes.
func byteGeoms(t *testing.T) []Geom {
	var list []Geom
	for _, a := range []window.Attrs{
		{Kernel: []int{3}, Pads: []int{1, 2}},
		{Kernel: []int{2, 3}, Strides: []int{2, 1}, Pads: []int{0, 1, 1, 2}},
		{Kernel: []int{3, 2}, Dilations: []int{2, 3}, Ceil: true, Strides: []int{2, 2}},
		{Kernel: []int{2, 2, 3}, Strides: []int{1, 2, 3}, Pads: []int{1, 0, 1, 0, 1, 1}},
	} {
		g := Geom{Planes: 5, Rank: len(a.Kernel)}
		for i := range a.Kernel {
			var err error
			if g.Axes[i], err = a.Axis(i, 7+i); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, g)
	}
	return list
}

// bandedGeom has windows of five, over planes that take several bands.
func bandedGeom(t *testing.T) Geom {
	g := Geom{Planes: 2, Rank: 2}
	for i, stride := range []int{1, 3} {
		a := window.Attrs{Kernel: []int{5}, Strides: []int{stride}, Pads: []int{2, 1}}
		var err error
		if g.Axes[i], err = a.Axis(0, 120+50*i); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// TestMaxBytes compares with the generic loop.
func TestMaxBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for i, g := range append(byteGeoms(t), bandedGeom(t)) {
		x := make([]int8, g.Planes*g.InSize())
		for j := range x {
			x[j] = int8(r.IntN(256))
		}
		want := make([]int8, g.Planes*g.OutSize())
		Max(&g, x, want, nil, false, -128)
		for _, threads := range []int{1, 2} {
			got := make([]int8, len(want))
			MaxBytes(threads, &g, x, got, -128)
			if !slices.Equal(got, want) {
				t.Errorf("geometry %d, %d threads: %v, want %v", i, threads, got, want)
			}
		}
	}
}

// TestInner compares windows over tensors whose last axis is not pooled with those over its parts.
func TestInner(t *testing.T) {
	const inner = 3
	r := rand.New(rand.NewPCG(9, 10))
	for i, g := range byteGeoms(t) {
		in, out := g.Planes*g.InSize(), g.Planes*g.OutSize()
		x, y, sums := make([]uint8, in*inner), make([]uint8, out*inner), make([]int32, inner)
		for j := range x {
			x[j] = uint8(r.IntN(256))
		}
		MaxInner(&g, inner, x, y, 0)
		for _, pad := range []bool{false, true} {
			var means [][inner]float64
			SumInner(&g, inner, x, 5, pad, sums, func(n int) {
				means = append(means, [inner]float64{float64(sums[0]) / float64(n), float64(sums[1]) / float64(n), float64(sums[2]) / float64(n)})
			})
			for c := range inner {
				t.Run(fmt.Sprint(i, pad, c), func(t *testing.T) {
					bytes, wide, largest, mean := make([]uint8, in), make([]float64, in), make([]uint8, out), make([]float64, out)
					for j := range bytes {
						bytes[j] = x[j*inner+c]
						wide[j] = float64(bytes[j]) - 5
					}
					Max(&g, bytes, largest, nil, false, 0)
					Average(&g, wide, mean, pad)
					for j := range out {
						if y[j*inner+c] != largest[j] || means[j][c] != mean[j] {
							t.Fatalf("output %d: maximum %d and mean %v, want %d and %v", j, y[j*inner+c], means[j][c], largest[j], mean[j])
						}
					}
				})
			}
		}
	}
}
