package conv

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Flipped returns the geometry of the transposed convolution that takes the outputs of g, a convolution, to its
// inputs, or of the convolution for a transposed one: the gradient of the other. The filter is the same.
func (g Geom) Flipped() Geom {
	g.InC, g.OutC = g.OutC, g.InC
	for i, a := range g.Axes[:g.Rank] {
		a.In, a.Out = a.Out, a.In
		g.Axes[i] = a
	}
	return g
}

// Convolution completes a flipped transposed geometry: padding behind the input follows from the lengths, and is
// negative where the last inputs are not read.
func (g Geom) Convolution() Geom {
	for i, a := range g.Axes[:g.Rank] {
		g.Axes[i].Hi = (a.Out-1)*a.Stride + a.Extent() - a.In - a.Lo
	}
	return g
}

// gradBlock bounds the elements of the columns that the gradient of a filter is computed from at a time.
const gradBlock = 1 << 20

// GradW sets dw, shaped like the filter of the convolution g, to its gradient, from the input x and the gradient dy
// of the output: for each group one product of dy with the columns of x, summed over the batch.
func GradW[T float32 | float64](g *Geom, x, dy, dw []T, threads int) {
	in, out, taps := g.InSize(), g.OutSize(), g.Taps()
	icg, ocg := g.InC/g.Groups, g.OutC/g.Groups
	if icg == 1 && ocg <= 4 {
		par.Run(threads, g.OutC, &gradTaps[T]{g, x, dy, dw})
		return
	}
	clear(dw)
	if out == 0 {
		return
	}
	rows := icg * taps
	block := min(out, max(gradBlock/rows, 64))
	c := &gradColumns[T]{g: g, taps: taps, buf: getColumns[T](rows * block)}
	for n := range g.Batch {
		for group := range g.Groups {
			c.x = x[(n*g.InC+group*icg)*in:][:icg*in]
			for c.from = 0; c.from < out; c.from += block {
				c.n = min(block, out-c.from)
				par.Run(threads, rows, c)
				multiply(ocg, rows, c.n, dy[(n*g.OutC+group*ocg)*out+c.from:], out, *c.buf, dw[group*ocg*rows:][:ocg*rows], threads)
			}
		}
	}
	putColumns(c.buf)
}

// multiply adds a [m, k] times the transpose of b [n, k] to c [m, n].
func multiply[T float32 | float64](m, n, k int, a []T, stride int, b, c []T, threads int) {
	switch a := any(a).(type) {
	case []float32:
		gemm.Run(&gemm.Args{M: m, N: n, K: k, A: a, ARS: stride, ACS: 1, B: any(b).([]float32), BRS: 1, BCS: k,
			C: any(c).([]float32), LDC: n, Accumulate: true, Threads: threads})
	case []float64:
		gemm.RunOf(&gemm.ArgsOf[float64]{M: m, N: n, K: k, A: a, ARS: stride, ACS: 1, B: any(b).([]float64), BRS: 1, BCS: k,
			C: any(c).([]float64), LDC: n, Accumulate: true, Threads: threads})
	}
}

var columns32, columns64 sync.Pool // of *[]float32 and *[]float64

func columnPool[T float32 | float64]() *sync.Pool {
	var zero T
	if _, ok := any(zero).(float32); ok {
		return &columns32
	}
	return &columns64
}

func getColumns[T float32 | float64](n int) *[]T {
	b, _ := columnPool[T]().Get().(*[]T)
	if b == nil {
		b = new([]T)
	}
	if cap(*b) < n {
		*b = make([]T, n)
	}
	*b = (*b)[:n]
	return b
}

func putColumns[T float32 | float64](b *[]T) { columnPool[T]().Put(b) }

// gradColumns fills rows of a matrix: row (channel, tap) holds what the outputs [from, from+n) read there.
type gradColumns[T float32 | float64] struct {
	g       *Geom
	x       []T
	taps    int
	from, n int
	buf     *[]T
}

// Chunk fills one row.
func (c *gradColumns[T]) Chunk(row int) {
	in := c.g.InSize()
	Gather(c.g, c.x[row/c.taps*in:][:in], (*c.buf)[row*c.n:][:c.n], row%c.taps, c.from)
}

// Gather sets dst to the elements of a plane that kernel element tap of the outputs from from on reads; zero for
// those outside.
func Gather[T float32 | float64](g *Geom, src, dst []T, tap, from int) {
	var k, o [window.MaxRank]int
	last := g.Rank - 1
	for i := last; i >= 0; i-- {
		k[i], tap = tap%g.Axes[i].Kernel, tap/g.Axes[i].Kernel
		o[i], from = from%g.Axes[i].Out, from/g.Axes[i].Out
	}
	a := g.Axes[last]
	for len(dst) > 0 {
		n := min(a.Out-o[last], len(dst))
		base, inside := 0, true
		for i, b := range g.Axes[:last] {
			at := o[i]*b.Stride + k[i]*b.Dilation - b.Lo
			inside = inside && at >= 0 && at < b.In
			base = base*b.In + at
		}
		row := dst[:n]
		if !inside {
			clear(row)
		} else {
			gatherRow(row, src[base*a.In:][:a.In], o[last]*a.Stride+k[last]*a.Dilation-a.Lo, a.Stride)
		}
		dst, o[last] = dst[n:], 0
		for i := last - 1; i >= 0; i-- {
			if o[i]++; o[i] < g.Axes[i].Out {
				break
			}
			o[i] = 0
		}
	}
}

// gatherRow copies every step-th element from position at on, which may begin before src and end behind it.
func gatherRow[T float32 | float64](dst, src []T, at, step int) {
	for i := range dst {
		if at >= 0 && at < len(src) {
			dst[i] = src[at]
		} else {
			dst[i] = 0
		}
		at += step
	}
}

// gradTaps computes the gradients of filters of one input channel: sums of products for each kernel element.
type gradTaps[T float32 | float64] struct {
	g         *Geom
	x, dy, dw []T
}

// Chunk does one output channel.
func (t *gradTaps[T]) Chunk(oc int) {
	g := t.g
	in, out, taps := g.InSize(), g.OutSize(), g.Taps()
	ic := oc / (g.OutC / g.Groups)
	buf := getColumns[T](out)
	for tap := range taps {
		sum := 0.0
		for n := range g.Batch {
			Gather(g, t.x[(n*g.InC+ic)*in:][:in], *buf, tap, 0)
			for i, v := range t.dy[(n*g.OutC+oc)*out:][:out] {
				sum += float64(v) * float64((*buf)[i])
			}
		}
		t.dw[oc*taps+tap] = T(sum)
	}
	putColumns(buf)
}
