package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// A PlaneNormGrad is the gradient of GroupNorm over [Batch, Channels, Plane].
type PlaneNormGrad struct {
	X, DY                          []float32 // what was normalised, and the gradient of the result
	Batch, Channels, Plane, Groups int
	Scale                          []float32 // of each channel, or of each group
	Eps                            float64
	DX                             []float32 // of the shape of X
	DScale, DShift                 []float32 // of that of Scale
	Scratch                        []float32 // PlaneNormGradScratch elements

	size int // groups of a chunk
}

// PlaneNormGradScratch is the number of elements of scratch memory: two sums for each channel of a batch.
func PlaneNormGradScratch(batch, channels int) int { return 2 * batch * channels }

// Run computes the gradients: two passes over each group, which stays in a near cache meanwhile, then the sums over the batch in its
// order.
func (a *PlaneNormGrad) Run(threads int) {
	clear(a.DScale)
	clear(a.DShift)
	if len(a.X) == 0 {
		return
	}
	var chunks int
	chunks, a.size = par.Split(a.Batch*a.Groups, 1+(grain-1)/(len(a.X)/(a.Batch*a.Groups)))
	par.Run(threads, chunks, a)
	each := a.Channels / len(a.Scale) // channels of an element of Scale
	for i := range a.Batch * a.Channels {
		c := i % a.Channels / each
		a.DScale[c] += a.Scratch[2*i]
		a.DShift[c] += a.Scratch[2*i+1]
	}
}

// Chunk does some groups.
func (a *PlaneNormGrad) Chunk(i int) {
	lo, hi := par.Range(i, a.size, a.Batch*a.Groups)
	for g := lo; g < hi; g++ {
		a.group(g)
	}
}

// Where the mean is further than nearShift standard deviations from what is subtracted in front of the sums, these are taken once
// more: the variance, a difference, had lost digits.
const nearShift = 4

// group does a group of channels of one element of the batch: one pass for the sums, and one for the gradient.
func (a *PlaneNormGrad) group(g int) {
	per := a.Channels / a.Groups
	size := per * a.Plane
	n, x := float64(size), a.X[g*size:(g+1)*size]
	shift := x[0]
	s := a.sums(g, shift)
	if d := s.x / n; !(d*d <= nearShift*nearShift*s.variance(n)) {
		shift += float32(d)
		s = a.sums(g, shift)
	}
	inv := 1 / math.Sqrt(s.variance(n)+a.Eps)
	mean := s.x / n // less the shift, like x from here on
	for i := range per {
		at := 2 * (g*per + i)
		a.Scratch[at] = float32((float64(a.Scratch[at]) - mean*float64(a.Scratch[at+1])) * inv)
	}
	ofX := -(s.dot - mean*s.dy) / n * inv * inv * inv
	fixed := -s.dy/n*inv - mean*ofX
	scale, step := a.scales(g)
	for i := range per {
		from, to := g*size+i*a.Plane, g*size+(i+1)*a.Plane
		vec.PlaneGrad(a.DX[from:to], a.X[from:to], a.DY[from:to], shift, float32(float64(scale[i*step])*inv), float32(ofX), float32(fixed))
	}
}

// groupSums are sums over a group: of x less the shift, of its squares, of dy*scale, and of the products of both.
type groupSums struct{ x, square, dy, dot float64 }

func (s *groupSums) variance(n float64) float64 { return max(0, s.square/n-s.x/n*s.x/n) }

// sums returns those of a group, and puts for each of its channels the products of dy with x less the shift, and the sum of dy, into
// Scratch.
func (a *PlaneNormGrad) sums(g int, shift float32) (s groupSums) {
	per := a.Channels / a.Groups
	scale, step := a.scales(g)
	for i := range per {
		from, to := (g*per+i)*a.Plane, (g*per+i+1)*a.Plane
		sum, square, dy, dot := vec.PlaneSums(a.X[from:to], a.DY[from:to], shift)
		f := float64(scale[i*step])
		s.x, s.square, s.dy, s.dot = s.x+sum, s.square+square, s.dy+f*dy, s.dot+f*dot
		at := 2 * (g*per + i)
		a.Scratch[at], a.Scratch[at+1] = float32(dot), float32(dy)
	}
	return s
}

// scales returns where the scales of the channels of a group begin, and how many elements one lies behind the other.
func (a *PlaneNormGrad) scales(g int) (list []float32, step int) {
	g %= a.Groups
	if len(a.Scale) == a.Channels {
		return a.Scale[g*(a.Channels/a.Groups):], 1
	}
	return a.Scale[g:], 0
}
