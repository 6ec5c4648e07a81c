// Package batchnorm computes the statistics of batch normalization and its gradient, float32, for tensors [outer, channels,
// inner] of any inner length; with inner 1 channels are the last axis, and there are assembly kernels (Ioffe and Szegedy,
// Batch Normalization, 2015).
//
// Work is cut into blocks of rows by size alone, and what the blocks sum up is added in their order in float64: results are
// equal to the last bit for every number of threads. It imports internal/cpu, internal/par and what these import.
package batchnorm

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
)

// A Shape sees a tensor as [Outer, Channels, Inner].
type Shape struct{ Outer, Channels, Inner int }

// Len returns the number of elements.
func (s Shape) Len() int { return s.Outer * s.Channels * s.Inner }

// Statistics sets mean and variance (of the elements, not an estimate of where they come from) for each channel.
func Statistics(s Shape, x, mean, variance []float32, threads int) {
	j := take(s, threads)
	defer j.release()
	j.x, j.mean = x, mean
	for c := range mean {
		if mean[c] = 0; s.Len() > 0 {
			mean[c] = x[c*s.Inner] // a shift that is among the elements keeps the squares small
		}
	}
	j.reduce(momentsOf)
	n := float64(s.Outer * s.Inner)
	for c, m := range mean {
		sum, square := j.totals(c)
		d := sum / n
		mean[c] = float32(float64(m) + d)
		variance[c] = float32(max(square/n-d*d, 0))
	}
}

// A Gate is what a piecewise linear activation behind the normalization does to the gradient: it passes where the
// activation's input x*Scale + Bias, of the standardized x, lies between Low and High, and is multiplied by Slope elsewhere.
type Gate struct{ Low, High, Slope float32 }

// Open is the gate of no activation.
var Open = Gate{Low: float32(math.Inf(-1)), High: float32(math.Inf(1)), Slope: 1}

// Grad are the operands of a gradient: DY [shape] with respect to the result (x-Mean)*Inv*Scale + Bias, or to that of the
// activation behind it; vectors have an element for each channel. Bias is needed where there is a gate.
type Grad struct {
	X, DY                  []float32
	Mean, Inv, Scale, Bias []float32
	Gate                   Gate
	DX, DScale, DBias      []float32 // results; DX may be DY
}

// Gradient computes the gradients of x, scale and bias.
func Gradient(s Shape, g *Grad, threads int) {
	j := take(s, threads)
	defer j.release()
	j.x, j.dy, j.dx, j.mean, j.bias, j.gate = g.X, g.DY, g.DX, g.Mean, g.Bias, g.Gate
	j.gated = g.Gate != Open
	j.room(4 * s.Channels)
	j.scale, j.ofDY, j.ofX, j.fixed = j.vector(0), j.vector(1), j.vector(2), j.vector(3)
	for c := range j.scale {
		j.scale[c] = g.Inv[c] * g.Scale[c]
	}
	j.reduce(productsOf)
	n := float64(s.Outer * s.Inner)
	for c := range j.scale {
		sum, dot := j.totals(c)
		inv := float64(g.Inv[c])
		g.DBias[c], g.DScale[c] = float32(sum), float32(dot*inv)
		f := float64(g.Scale[c]) * inv
		j.ofDY[c], j.ofX[c], j.fixed[c] = float32(f), float32(-f*inv*inv*dot/n), float32(-f*sum/n)
	}
	par.Run(threads, j.blocks, (*combining)(j))
}

// A Normalization are the operands of one behind which an activation bounds the results: Y = min(max((X-Mean)*Inv*Scale + Bias + Residual,
// Low), High), with channels last; vectors have an element for each channel.
type Normalization struct {
	X, Residual            []float32 // Residual may be empty
	Mean, Inv, Scale, Bias []float32
	Low, High              float32
	Y                      []float32 // may be X or Residual
}

// Normalize computes Y for [rows, channels]. It begins with the last rows: those that were read last, by Statistics, are in a near cache.
func Normalize(rows int, n *Normalization, threads int) {
	s := Shape{rows, len(n.Mean), 1}
	j := take(s, threads)
	defer j.release()
	j.kind, j.x, j.dy, j.dx, j.mean, j.bias = resultsOf, n.X, n.Residual, n.Y, n.Mean, n.Bias
	j.gate.Low, j.gate.High = n.Low, n.High
	j.room(s.Channels)
	j.scale = j.vector(0)
	for c := range j.scale {
		j.scale[c] = n.Inv[c] * n.Scale[c]
	}
	if s.Len() > 0 {
		par.Run(threads, j.blocks, (*combining)(j))
	}
}

// job is a call at work.
type job struct {
	Shape
	threads int
	blocks  int // the outer axis, or each channel, is cut into
	rows    int // of a block, channels last
	x, dy   []float32
	dx      []float32
	gated   bool
	gate    Gate

	mean, bias              []float32
	scale, ofDY, ofX, fixed []float32
	buffer                  []float32 // of those
	kind                    work
	partial                 []float64 // of the blocks: channels sums, then channels products
}

// work says what is computed.
type work uint8

const (
	momentsOf work = iota
	productsOf
	resultsOf
)

const (
	blockLen  = 1 << 15 // elements of a block of rows, at least
	maxBlocks = 1 << 6
	stretch   = 1 << 7 // rows that are summed up in float32, at most
)

var jobs = sync.Pool{New: func() any { return new(job) }}

func take(s Shape, threads int) *job {
	j := jobs.Get().(*job)
	j.Shape, j.threads = s, threads
	if j.rows = 0; s.Inner == 1 {
		j.blocks = min(max(s.Len()/blockLen, 1), (s.Outer+stretch-1)/stretch, maxBlocks)
		if j.rows = 1; j.blocks > 0 {
			j.rows = (s.Outer + j.blocks - 1) / j.blocks
			j.blocks = (s.Outer + j.rows - 1) / j.rows
		}
	} else {
		j.blocks = s.Channels
	}
	return j
}

func (j *job) release() {
	j.x, j.dy, j.dx, j.mean, j.bias = nil, nil, nil, nil, nil
	j.gated = false
	jobs.Put(j)
}

func (j *job) room(n int) {
	if cap(j.buffer) < n {
		j.buffer = make([]float32, n)
	}
	j.buffer = j.buffer[:n]
}

func (j *job) vector(i int) []float32 { return j.buffer[i*j.Channels:][:j.Channels] }

// reduce computes the sums of all blocks.
func (j *job) reduce(kind work) {
	j.kind = kind
	n := 2 * j.Channels
	if j.rows > 0 {
		n *= j.blocks
	}
	if cap(j.partial) < n {
		j.partial = make([]float64, n)
	}
	j.partial = j.partial[:n]
	clear(j.partial)
	par.Run(j.threads, j.blocks, (*summing)(j))
}

// totals returns the two sums of a channel over all blocks.
func (j *job) totals(c int) (sum, dot float64) {
	if j.rows == 0 {
		return j.partial[c], j.partial[j.Channels+c]
	}
	for b := range j.blocks {
		part := j.partial[2*b*j.Channels:]
		sum, dot = sum+part[c], dot+part[j.Channels+c]
	}
	return sum, dot
}
