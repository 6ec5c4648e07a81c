package pool

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// AverageLastGrad is AverageGrad for dx [Planes, In..., channels] and dy [Planes, Out..., channels].
func AverageLastGrad(g *Geom, channels int, dy, dx []float32, includePad bool, threads int) {
	count, one := sameDivisor(g, includePad)
	if one && g.OutSize() > 0 && channels > 0 {
		t := sightGrads.Get().(*sightGrad)
		t.factors, t.ones = t.factors[:0], t.ones[:0]
		for range g.Axes[g.Rank-1].In {
			t.factors = append(t.factors, 1/float32(max(count, 1)))
		}
		for range channels {
			t.ones = append(t.ones, 1)
		}
		t.run(g, channels, dy, dx, threads)
		return
	}
	runLastGrad(lastGrad{g: g, channels: channels, dy: dy, dx: dx, pad: includePad}, threads)
}

// sameDivisor returns by what averages divide, false if not all divide by the same.
func sameDivisor(g *Geom, includePad bool) (count int, ok bool) {
	count = 1
	for _, a := range g.Axes[:g.Rank] {
		first := divisor(a, 0, includePad)
		for o := range a.Out {
			if divisor(a, o, includePad) != first {
				return 0, false
			}
		}
		count *= first
	}
	return count, true
}

// gradChannels is the number of channels that a chunk takes.
const gradChannels = 64

var lastGrads = sync.Pool{New: func() any { return new(lastGrad) }}

func runLastGrad(job lastGrad, threads int) {
	t := lastGrads.Get().(*lastGrad)
	*t = job
	t.groups = (t.channels + gradChannels - 1) / gradChannels
	par.Run(threads, t.g.Planes*t.groups, t)
	*t = lastGrad{}
	lastGrads.Put(t)
}

// lastGrad is a gradient at work. Windows may overlap, so a chunk does some channels of a whole plane.
type lastGrad struct {
	g                *Geom
	channels, groups int
	dy, dx           []float32
	pad              bool
}

// Chunk does a group of channels of one plane.
func (t *lastGrad) Chunk(i int) {
	plane, from := i/t.groups, i%t.groups*gradChannels
	n := min(gradChannels, t.channels-from)
	in, out := t.g.InSize(), t.g.OutSize()
	dx := t.dx[plane*in*t.channels:][:in*t.channels]
	for p := range in {
		clear(dx[p*t.channels+from:][:n])
	}
	dy := t.dy[plane*out*t.channels:][:out*t.channels]
	c := newCursor(t.g)
	for o := range out {
		if c.start() {
			t.average(c, dx[from:], dy[o*t.channels+from:][:n])
		}
		c.step()
	}
}

// average adds to all elements of the window of the cursor.
func (t *lastGrad) average(c *cursor, dx, dy []float32) {
	count := 1
	for i, a := range t.g.Axes[:t.g.Rank] {
		count *= divisor(a, c.out[i], t.pad)
	}
	part := 1 / float32(max(count, 1))
	for ok := true; ok; ok = c.next() {
		pos, n, step := c.row()
		for range n {
			vec.Axpy(dx[pos*t.channels:][:len(dy)], part, dy)
			pos += step
		}
	}
}
