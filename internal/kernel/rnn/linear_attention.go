package rnn

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// LinearAttention is attention as a recurrence over Steps positions: a state of KeySize x ValueSize numbers for each of
// Heads key heads, which Group query heads read each. At each step the state is scaled by exp(Decay), the outer product of
// key and value is added (with Beta: of the key and Beta*(value - what the state holds for the key)), and
// Out = Scale * query * state. One position after the other, as the definition says.
type LinearAttention struct {
	Batch, Steps, Heads, Group, KeySize, ValueSize int

	Query, Key, Value []float32 // [Batch, Steps, heads * size]
	Decay             []float32 // nil, or [Batch, Steps, Heads * DecaySize]
	DecaySize         int       // 1 or KeySize
	Beta              []float32 // nil, or [Batch, Steps, BetaHeads]
	BetaHeads         int       // 1 or Heads
	State             []float32 // [Batch, Heads, KeySize, ValueSize], the past; Run leaves the present there
	Out               []float32 // [Batch, Steps, Heads * Group * ValueSize]
	Scale             float32
	Threads           int
}

type linearTask struct {
	LinearAttention
	rooms sync.Pool // of *[]float32
}

var linearTasks = sync.Pool{New: func() any { return new(linearTask) }}

// Run computes all positions. Slices shorter than the sizes ask for panic.
func (a *LinearAttention) Run() {
	t := linearTasks.Get().(*linearTask)
	t.LinearAttention = *a
	par.Run(a.Threads, a.Batch*a.Heads, t)
	t.LinearAttention = LinearAttention{}
	linearTasks.Put(t)
}

// Chunk walks one key head through all positions.
func (t *linearTask) Chunk(i int) {
	room, _ := t.rooms.Get().(*[]float32)
	if room == nil {
		room = new([]float32)
	}
	if n := t.KeySize + t.ValueSize; cap(*room) < n {
		*room = make([]float32, n)
	}
	value, decay := (*room)[:t.ValueSize], (*room)[t.ValueSize:t.ValueSize+t.DecaySize]
	b, h := i/t.Heads, i%t.Heads
	state := t.State[i*t.KeySize*t.ValueSize:][:t.KeySize*t.ValueSize]
	for step := range t.Steps {
		at := (b*t.Steps+step)*t.Heads + h
		key := t.Key[at*t.KeySize:][:t.KeySize]
		copy(value, t.Value[at*t.ValueSize:])
		if t.Decay != nil {
			vec.Exp(decay, t.Decay[at*t.DecaySize:][:t.DecaySize])
			t.forget(state, decay)
		}
		if t.Beta != nil {
			for d, k := range key {
				vec.Axpy(value, -k, t.row(state, d))
			}
			beta := (b*t.Steps + step) * t.BetaHeads
			if t.BetaHeads > 1 {
				beta += h
			}
			vec.ScaleShift(value, value, t.Beta[beta], 0)
		}
		for d, k := range key {
			vec.Axpy(t.row(state, d), k, value)
		}
		for g := range t.Group {
			q := at*t.Group + g
			t.read(t.Out[q*t.ValueSize:][:t.ValueSize], state, t.Query[q*t.KeySize:][:t.KeySize])
		}
	}
	t.rooms.Put(room)
}

// row returns the part of a state that belongs to element d of the keys.
func (t *linearTask) row(state []float32, d int) []float32 {
	return state[d*t.ValueSize:][:t.ValueSize]
}

// forget scales the state, as a whole or row by row.
func (t *linearTask) forget(state, by []float32) {
	if len(by) == 1 {
		vec.ScaleShift(state, state, by[0], 0)
		return
	}
	for d, f := range by {
		row := t.row(state, d)
		vec.ScaleShift(row, row, f, 0)
	}
}

// read sets out to Scale * query * state.
func (t *linearTask) read(out, state, query []float32) {
	clear(out)
	for d, q := range query {
		vec.Axpy(out, q, t.row(state, d))
	}
	vec.ScaleShift(out, out, t.Scale, 0)
}
