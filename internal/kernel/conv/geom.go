// Package conv holds the convolution kernels: forward, depthwise and transposed, over one to window.MaxRank spatial axes.
//
// Slices in, slices out, NCHW. Dense convolutions are matrix products of the filter with columns that are packed on
// the fly from frames (package window); depthwise ones apply tap kernels to frames. Splits into chunks depend on the
// problem alone. It imports internal/cpu, internal/par, internal/kernel/window and internal/kernel/gemm.
package conv

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// Geom is the shape of a convolution: x [Batch, InC, In...], w [OutC, InC/Groups, Kernel...], y [Batch, OutC, Out...].
type Geom struct {
	Batch, Groups int
	InC, OutC     int
	Rank          int
	Axes          [window.MaxRank]window.Axis
}

// NewGeom resolves a convolution of x with w (shapes in ONNX order). An empty Kernel is taken from w.
func NewGeom(a window.Attrs, groups int, x, w []int) (Geom, error) {
	g, err := channels(groups, x, w)
	if err != nil {
		return g, err
	}
	if g.OutC = w[0]; g.OutC%groups != 0 || w[1]*groups != g.InC {
		return g, fmt.Errorf("conv: filter %v does not fit %d channels in %d groups", w, g.InC, groups)
	}
	if err := kernelOf(&a, w); err != nil {
		return g, err
	}
	for i := range g.Rank {
		if g.Axes[i], err = a.Axis(i, x[2+i]); err != nil {
			return g, err
		}
	}
	return g, nil
}

func channels(groups int, x, w []int) (Geom, error) {
	var g Geom
	if len(x) < 3 || len(x) != len(w) {
		return g, fmt.Errorf("conv: input and filter have one rank of at least 3, got shapes %v and %v", x, w)
	}
	g = Geom{Batch: x[0], InC: x[1], Groups: groups, Rank: len(x) - 2}
	if groups < 1 || w[0] < 1 || w[1] < 1 {
		return g, fmt.Errorf("conv: groups and filter channels are at least 1, got %d and filter %v", groups, w)
	}
	return g, nil
}

// kernelOf completes and checks the kernel shape by the filter's.
func kernelOf(a *window.Attrs, w []int) error {
	if len(a.Kernel) == 0 {
		a.Kernel = w[2:]
	}
	if err := a.Check(len(w) - 2); err != nil {
		return err
	}
	for i, k := range a.Kernel {
		if k != w[2+i] {
			return fmt.Errorf("conv: kernel_shape %v does not fit filter %v", a.Kernel, w)
		}
	}
	return nil
}

// InSize is the number of elements of one input plane.
func (g *Geom) InSize() int { return g.product(func(a window.Axis) int { return a.In }) }

// OutSize is the number of elements of one output plane.
func (g *Geom) OutSize() int { return g.product(func(a window.Axis) int { return a.Out }) }

// Taps is the number of kernel elements per channel.
func (g *Geom) Taps() int { return g.product(func(a window.Axis) int { return a.Kernel }) }

// Depthwise tells whether every group reads a single channel.
func (g *Geom) Depthwise() bool { return g.Groups == g.InC && g.Groups > 1 }

func (g *Geom) product(f func(window.Axis) int) int {
	n := 1
	for _, a := range g.Axes[:g.Rank] {
		n *= f(a)
	}
	return n
}

// axes returns the last three axes; the ones the problem lacks have length 1. The rank must be at most 3.
func (g *Geom) axes() (d, h, w window.Axis) {
	list := [3]window.Axis{window.One, window.One, window.One}
	copy(list[3-g.Rank:], g.Axes[:g.Rank])
	return list[0], list[1], list[2]
}
