package rnn

// What Backward needs of a run may be made again, one span of backSteps steps at a time. The spans are counted from the end, where
// the way back begins; the last one has what is left. Run leaves in ArgsOf.Spans the states that each begins with, but those of the
// last span, with which the layer begins: h, and of an LSTM c, of Batch rows. Behind them is room for what is kept of a span. Run
// leaves span 0 there, and Backward the others. The scratch memory of such a run is KeepScratchLen.

// SpansLen returns the length of ArgsOf.Spans.
func (l *Layer) SpansLen(steps, batch int) int {
	return (spansOf(steps, batch)-1)*l.statesLen(batch) + l.KeptLen(backSteps(steps, batch), batch)
}

// SpansSave returns how many elements less Spans and the rooms of W and R take than what all steps of so many directions keep.
func (l *Layer) SpansSave(steps, batch, directions int) int {
	again := l.BackSpansScratchLen(steps, batch, false) - l.BackScratchLen(steps, batch, false) + l.WLen() + l.RLen()
	return directions*(l.KeptLen(steps, batch)-l.SpansLen(steps, batch)) - again
}

// BackSpansScratchLen is BackScratchLen of a Backward with Args.Spans. Gradients of gates take the place of the gates, but for a GRU
// that resets first, which reads these later once more.
func (l *Layer) BackSpansScratchLen(steps, batch int, apart bool) int {
	again := l.KeepScratchLen(backSteps(steps, batch), batch)
	if l.resetFirst() {
		return l.BackScratchLen(steps, batch, apart) + again
	}
	return l.backScratchLen(steps, batch, apart) + again
}

// spansOf returns the number of spans, at least 1.
func spansOf(steps, batch int) int {
	most := max(1, backSteps(steps, batch))
	return max(1, (steps+most-1)/most)
}

// statesLen is the length of the states between two spans.
func (l *Layer) statesLen(batch int) int {
	if l.Cell == LSTM {
		return 2 * batch * l.Hidden
	}
	return batch * l.Hidden
}

// firstSpan returns how many steps the first span has of those that are left, where others have the given number.
func firstSpan(left, span int) int {
	if rest := left % span; rest > 0 {
		return rest
	}
	return span
}

// spansRoom returns the room for what is kept of a span.
func (l *Layer) spansRoom(a *Args) []float32 {
	return a.Spans[(spansOf(a.Steps, a.Batch)-1)*l.statesLen(a.Batch):]
}

// stateOf returns the states that span i, counted from the end, begins with; nil for those of the layer.
func (l *Layer) stateOf(a *Args, i int) []float32 {
	if i == spansOf(a.Steps, a.Batch)-1 {
		return nil
	}
	n := l.statesLen(a.Batch)
	return a.Spans[i*n : (i+1)*n]
}

// spanOf turns arguments of all steps into those of a run of span i, counted from the end, of which nothing is wanted but what is
// kept: its steps of the sequence are [from, from+steps).
func (l *Layer) spanOf(a *Args, i, from, steps int) {
	a.resume = l.stateOf(a, i)
	a.Keep = l.spansRoom(a)[:l.KeptLen(steps, a.Batch)]
	a.Steps, a.since, a.X = steps, from, a.X[min(from*a.XStep, len(a.X)):]
	a.Y, a.HOut, a.COut, a.Spans = nil, nil, nil, nil
}

// keepLast does the last steps of a run with Args.Spans, those of span 0, from step r.t0 on.
func (r *run) keepLast() {
	a := r.Args
	r.spanOf(&a, 0, r.t0, r.count)
	if a.HOut, a.COut = r.HOut, r.COut; r.Y != nil {
		a.Y = r.Y[r.t0*r.YStep:]
	}
	r.Layer.Run(r.Weights, &a)
	r.HOut, r.COut = nil, nil
}

// saveSpan leaves the states that the span that comes next begins with.
func (r *run) saveSpan(span int) {
	to := r.stateOf(&r.Args, (r.Steps-r.done+span-1)/span-1)
	if to == nil {
		return
	}
	if n := copy(to, r.h[r.done&1]); r.Cell == LSTM {
		copy(to[n:], r.c)
	}
}

// loadStates sets the states that the run begins with.
func (r *run) loadStates(h, c []float32) {
	if r.resume == nil {
		r.load(h, r.H0)
		r.load(c, r.C0)
		return
	}
	if n := copy(h, r.resume); r.Cell == LSTM {
		copy(c, r.resume[n:])
	}
}

// keepSpan sees to it that what is kept of the present span is there, span i counted from the end: it runs again unless it is the one that
// Run has left.
func (b *back) keepSpan(i int) {
	a, scratch := &b.again, b.again.Scratch
	*a = *b.Args
	a.Scratch = scratch
	b.spanOf(a, i, b.from, b.span)
	if i > 0 {
		b.Layer.Run(b.w.Again, a)
	}
	b.kept = b.keptIn(a.Keep, b.span, b.Batch)
	b.kept.from = b.from
	if !b.resetFirst() {
		b.d = b.kept.gates
	}
}
