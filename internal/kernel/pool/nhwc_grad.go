package pool

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
)

// MaxLastGrad is MaxGrad for x, dx [Planes, In..., channels] and dy [Planes, Out..., channels]: the planes are those of a
// batch.
func MaxLastGrad(g *Geom, channels int, x, dy, dx []float32, threads int) {
	runLastGrad(lastGrad{g: g, channels: channels, x: x, dy: dy, dx: dx}, threads)
}

// AverageLastGrad is AverageGrad for dx [Planes, In..., channels] and dy [Planes, Out..., channels].
func AverageLastGrad(g *Geom, channels int, dy, dx []float32, includePad bool, threads int) {
	runLastGrad(lastGrad{g: g, channels: channels, dy: dy, dx: dx, pad: includePad}, threads)
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
	x, dy, dx        []float32 // x is nil for averages
	pad              bool
}

// largest is where a window has its largest element, for each channel of a chunk.
type largest struct {
	value [gradChannels]float32
	at    [gradChannels]int
}

var larges = sync.Pool{New: func() any { return new(largest) }}

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
	best := larges.Get().(*largest)
	defer larges.Put(best)
	c := newCursor(t.g)
	for o := range out {
		if c.start() {
			up := dy[o*t.channels+from:][:n]
			if t.x == nil {
				t.average(c, dx[from:], up)
			} else {
				t.max(c, t.x[plane*in*t.channels+from:], dx[from:], up, best)
			}
		}
		c.step()
	}
}

// max adds dy where the window of the cursor has its first largest element.
func (t *lastGrad) max(c *cursor, x, dx, dy []float32, best *largest) {
	value, at := best.value[:len(dy)], best.at[:len(dy)]
	for i := range value {
		value[i], at[i] = float32(math.Inf(-1)), -1
	}
	for ok := true; ok; ok = c.next() {
		pos, n, step := c.row()
		for range n {
			here := pos * t.channels
			for i, v := range x[here:][:len(dy)] {
				if v > value[i] || at[i] < 0 && v == v {
					value[i], at[i] = v, here+i
				}
			}
			pos += step
		}
	}
	for i, p := range at {
		if p >= 0 {
			dx[p] += dy[i]
		}
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
			to := dx[pos*t.channels:][:len(dy)]
			for i, v := range dy {
				to[i] += v * part
			}
			pos += step
		}
	}
}
