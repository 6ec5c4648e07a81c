package rnn

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/mem"
)

// BackWeights are the weights of a direction as Backward needs them: W as ONNX lays it out, R packed for gradients.
type BackWeights struct {
	W     []float32
	R, RH *Packed // gates times Hidden × Hidden; of a GRU that resets first RH holds those of its last gate

	Again *Weights // those of Run, where Args.Spans are set
}

// PackBack packs r, a matrix of Gates*Hidden rows and Hidden columns, as fields R and RH of BackWeights, into room, BackLen elements of
// unknown content. What is old is reused.
func (l *Layer) PackBack(oldR, oldRH *Packed, room, r []float32) (whole, last *Packed) {
	var within mem.Room
	within.Within(room[:l.BackLen()])
	h, k := l.Hidden, l.gatesOfR()*l.Hidden
	if l.resetFirst() {
		oldRH = oldRH.place(&within, 1, h, h)
		oldRH.fill(r[k*h:(k+h)*h], 1, h)
	}
	oldR = oldR.place(&within, 1, k, h)
	oldR.fill(r[:k*h], 1, h)
	return oldR, oldRH
}

// BackLen returns the length of the room of PackBack.
func (l *Layer) BackLen() int {
	n := packedLen(1, l.gatesOfR()*l.Hidden, l.Hidden) + maxLanes
	if l.resetFirst() {
		n += packedLen(1, l.Hidden, l.Hidden) + maxLanes
	}
	return n
}

// BackScratchLen returns the number of elements of scratch memory that Backward needs. apart says that rows of a step do not follow one
// another in Args.X.
func (l *Layer) BackScratchLen(steps, batch int, apart bool) int {
	return padded(backSteps(steps, batch)*batch*l.pitch()) + l.backScratchLen(steps, batch, apart)
}

// backScratchLen is BackScratchLen without the gradients of gates.
func (l *Layer) backScratchLen(steps, batch int, apart bool) int {
	all, h := backSteps(steps, batch)*batch, l.Hidden
	n := 2*padded(batch*h) + batch*padded(h) + padded(l.pitch())
	if apart {
		n += padded(all * l.Inputs)
	}
	if l.Masked {
		n += padded(all * h)
	}
	return n
}

// backRows is about how many rows of gates' gradients there are at once: they stay in the second cache until the weights'
// gradients are made of them, and are enough for these products.
const backRows = 256

// backSteps returns how many steps go back before their part of the weights' gradients is added.
func backSteps(steps, batch int) int {
	most := max(1, backRows/max(1, batch))
	pieces := max(1, (steps+most-1)/most)
	return (steps + pieces - 1) / pieces
}

// back is a Backward. It goes back through some steps at a time, span of the sequence from step from on. As a par.StagedTask it
// goes back through these, each for a part of the units: a stage makes the gradient of the states after a step and then those of
// the step's gates, the last one that of the initial states. A GRU that resets first has a stage between them, for the gradient of
// what the reset gate lets through. As a par.Task it does all stages for a part of the rows.
type back struct {
	*Layer
	*Args
	w      *BackWeights
	g      *GradArgs[float32]
	kept   kept
	d      []float32 // gradients of the gates of the span: rows like those of kept.gates, or these themselves
	dh, dc []float32
	sums   sums
	x, in  []float32 // inputs and masked states, where rows of them have to be gathered
	sum    []float32 // of rows of d
	share  share

	from, span int
	again      Args // of a span that runs again
}

var backs = sync.Pool{New: func() any { return new(back) }}

// Backward computes the gradients of a direction for which Keeps holds, from what Run has left in a.Keep or a.Spans, which it writes
// to. It allocates nothing in steady state. The results do not depend on a.Threads. The weights' gradients are sums of products over
// some steps each. Fields Y, HOut and COut of a are not used.
func (l *Layer) Backward(w *BackWeights, a *Args, g *GradArgs[float32]) {
	b := backs.Get().(*back)
	b.Layer, b.Args, b.w, b.g = l, a, w, g
	b.begin()
	for at, most := 0, backSteps(b.Steps, b.Batch); at < b.Steps && b.Batch > 0; at += b.span {
		b.span = min(most, b.Steps-at)
		if b.from = at; !b.Reverse {
			b.from = b.Steps - at - b.span
		}
		if b.Spans != nil {
			b.keepSpan(at / most)
		}
		stages := b.span + 1
		if b.resetFirst() {
			stages += b.span
		}
		b.share.run(b.Threads, stages, b)
		b.weights(at > 0)
	}
	b.finishWeights()
	save(g.DState.HOut, b.dh, b.Batch, b.Hidden, g.DState.StateRow)
	save(g.DState.COut, b.dc, b.Batch, b.Hidden, g.DState.StateRow)
	clear(g.DP)
	*b = back{}
	backs.Put(b)
}

// save copies rows of n elements to rows that are stride elements apart.
func save(dst, src []float32, rows, n, stride int) {
	if dst == nil {
		return
	}
	for b := range rows {
		copy(dst[b*stride:][:n], src[b*n:][:n])
	}
}

// begin divides the scratch memory and loads the gradients of the final states.
func (b *back) begin() {
	s := b.Scratch
	take := func(n int) []float32 {
		part := s[:n]
		s = s[padded(n):]
		return part
	}
	all, n := backSteps(b.Steps, b.Batch)*b.Batch, b.Hidden
	if b.Spans == nil {
		b.kept = b.keptIn(b.Keep, b.Steps, b.Batch)
	}
	if b.Spans == nil || b.resetFirst() {
		b.d = take(all * b.pitch())
	}
	b.dh, b.dc = take(b.Batch*n), take(b.Batch*n)
	b.sums = sums{take(b.Batch * padded(n)), padded(n), padded(n)}
	b.sum = take(b.pitch())
	if b.XRow != b.Inputs {
		b.x = take(all * b.Inputs)
	}
	if b.Masked {
		b.in = take(all * n)
	}
	b.again.Scratch = s
	clear(b.dh)
	clear(b.dc)
	clear(b.sum)
	for i := range b.Batch {
		if b.g.DMask != nil {
			clear(b.g.DMask[i*b.StateRow:][:n])
		}
		if b.idle(i) {
			continue
		}
		if dy := &b.g.DY; dy.HOut != nil {
			copy(b.dh[i*n:][:n], dy.HOut[i*dy.StateRow:])
		}
		if dy := &b.g.DY; dy.COut != nil {
			copy(b.dc[i*n:][:n], dy.COut[i*dy.StateRow:])
		}
	}
	b.share = newShare(b.Layer, b.Batch, b.Threads, b.w.R, b.w.RH)
}

// time returns which step of the sequence is the i-th from the end of the span.
func (b *back) time(i int) int {
	if b.Reverse {
		return b.from + i
	}
	return b.from + b.span - 1 - i
}

// gradients returns those of the gates of step t and of later ones of the span.
func (b *back) gradients(t int) []float32 { return b.d[(t-b.from)*b.Batch*b.kept.pitch:] }

// Part implements par.StagedTask.
func (b *back) Part(stage, part int) { b.stage(stage, b.share.ofUnits(part)) }

// Chunk implements par.Task.
func (b *back) Chunk(part int) {
	for stage := range b.share.stages {
		b.stage(stage, b.share.ofRows(part))
	}
}
