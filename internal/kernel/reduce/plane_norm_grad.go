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

// Run computes the gradients: one pass over the groups, each of which stays in a near cache meanwhile, then the sums over the batch
// in its order.
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

// group does a group of channels of one element of the batch.
func (a *PlaneNormGrad) group(g int) {
	per := a.Channels / a.Groups
	n := per * a.Plane
	x, dy, dx := a.X[g*n:(g+1)*n], a.DY[g*n:(g+1)*n], a.DX[g*n:(g+1)*n]
	mean, variance := moments(x)
	inv := 1 / math.Sqrt(float64(variance)+a.Eps)
	if math.Abs(float64(mean))*inv > farMean {
		vec.ScaleShift(dx, x, 1, -mean)
		x, mean = dx, 0
	}
	var sum, dot float64 // of dy*scale, and of its products with x-mean
	for i := range per {
		y := dy[i*a.Plane:][:a.Plane]
		s := float64(vec.Sum(y))
		d := float64(vec.Dot(y, x[i*a.Plane:])) - float64(mean)*s
		at := 2 * (g*per + i)
		a.Scratch[at], a.Scratch[at+1] = float32(d*inv), float32(s)
		f := float64(a.scale(g, i))
		sum, dot = sum+f*s, dot+f*d
	}
	ofX := -dot / float64(n) * inv * inv * inv
	vec.ScaleShift(dx, x, float32(ofX), float32(-sum/float64(n)*inv-float64(mean)*ofX))
	for i := range per {
		vec.Axpy(dx[i*a.Plane:][:a.Plane], float32(float64(a.scale(g, i))*inv), dy[i*a.Plane:])
	}
}

// scale is that of channel i of a group.
func (a *PlaneNormGrad) scale(g, i int) float32 {
	per := a.Channels / a.Groups
	return a.Scale[(g%a.Groups*per+i)*len(a.Scale)/a.Channels]
}
