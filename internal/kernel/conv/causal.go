package conv

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Causal is a depthwise convolution along the last axis of X [Planes, Length] that sees no later positions:
// Y[p, i] = Bias + sum over j of W[p, j] * padded[p, i+j], where padded is Past [Planes, Taps-1] followed by X.
// Planes are those of Channels channels again and again; W is [Channels, Taps], Bias [Channels] or nil, Past zeros if nil.
// Present, if not nil, receives the last Taps-1 positions of padded.
type Causal struct {
	Planes, Channels, Length, Taps int
	X, W, Bias, Past, Y, Present   []float32
	Silu                           bool // Y times its sigmoid
	Threads                        int
}

// causalGrain is the number of outputs that make a chunk worthwhile.
const causalGrain = 4096

type causalTask struct {
	Causal
	size int // planes in a chunk
}

var causalTasks = sync.Pool{New: func() any { return new(causalTask) }}

// Run computes the convolution. Slices shorter than the sizes ask for panic.
func (c *Causal) Run() {
	t := causalTasks.Get().(*causalTask)
	t.Causal = *c
	chunks, size := par.Split(c.Planes, max(1, causalGrain/max(1, c.Length*c.Taps)))
	t.size = size
	par.Run(c.Threads, chunks, t)
	*t = causalTask{}
	causalTasks.Put(t)
}

// Chunk computes some planes.
func (t *causalTask) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.Planes)
	for p := lo; p < hi; p++ {
		t.plane(p)
	}
	if y := t.Y[lo*t.Length : hi*t.Length]; t.Silu {
		vec.Silu(y, y)
	}
}

func (t *causalTask) plane(p int) {
	n, carry := t.Length, t.Taps-1
	x, y, w := t.X[p*n:(p+1)*n], t.Y[p*n:(p+1)*n], t.W[p%t.Channels*t.Taps:][:t.Taps]
	var past []float32
	if t.Past != nil {
		past = t.Past[p*carry : (p+1)*carry]
	}
	b := float32(0)
	if t.Bias != nil {
		b = t.Bias[p%t.Channels]
	}
	vec.Fill(y, b)
	for j, f := range w {
		shift := min(carry-j, n) // how far back the tap looks
		vec.Axpy(y[shift:], f, x[:n-shift])
		if past != nil {
			vec.Axpy(y[:shift], f, past[j:j+shift])
		}
	}
	if t.Present != nil {
		t.carry(t.Present[p*carry:(p+1)*carry], past, x)
	}
}

// carry sets present to the end of past (zeros if nil) and x.
func (t *causalTask) carry(present, past, x []float32) {
	old := max(0, len(present)-len(x))
	copy(present[old:], x[len(x)-(len(present)-old):])
	if past != nil {
		copy(present[:old], past[len(past)-old:])
	} else {
		clear(present[:old])
	}
}
