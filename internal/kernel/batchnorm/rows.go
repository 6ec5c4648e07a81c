package batchnorm

import "github.com/onnxrun/onnxrun/internal/mem"

// summing is a job whose chunks sum up a block.
type summing job

// Chunk sums up block i: some rows where channels are last, else a channel.
func (s *summing) Chunk(i int) {
	j := (*job)(s)
	if j.rows == 0 {
		j.partial[i], j.partial[j.Channels+i] = j.channel(i)
		return
	}
	w := panels.Get()
	pitch := (j.Channels + maxLanes - 1) / maxLanes * maxLanes
	w.room(2 * pitch)
	total := j.partial[2*i*j.Channels:][:2*j.Channels]
	lo, hi := i*j.rows, min((i+1)*j.rows, j.Outer)
	pieces := (j.rows + stretch - 1) / stretch
	step := (j.rows + pieces - 1) / pieces
	for ; lo < hi; lo += step {
		clear(w.sums)
		j.aim(&w.p, lo, min(step, hi-lo))
		w.p.sum, w.p.dot = &w.sums[0], &w.sums[pitch]
		switch {
		case j.kind == momentsOf:
			active.moments(w.p.argument())
		case j.gated:
			active.productsGated(w.p.argument())
		default:
			active.products(w.p.argument())
		}
		for c := range j.Channels {
			total[c] += float64(w.sums[c])
			total[j.Channels+c] += float64(w.sums[pitch+c])
		}
	}
	w.release()
}

// combining is a job whose chunks compute dx, or results, of a block.
type combining job

// Chunk computes a block, the last one first.
func (s *combining) Chunk(i int) {
	j := (*job)(s)
	if j.rows == 0 {
		j.combineChannel(i)
		return
	}
	w := panels.Get()
	i = j.blocks - 1 - i
	lo, hi := i*j.rows, min((i+1)*j.rows, j.Outer)
	step := max(1, 2*blockLen/j.Channels) // rows of a call
	for ; lo < hi; lo += step {
		j.aim(&w.p, lo, min(step, hi-lo))
		w.p.dx = &j.dx[lo*j.Channels]
		j.combiner()(w.p.argument())
	}
	w.release()
}

// combiner is the kernel that computes dx.
func (j *job) combiner() func(*byte) {
	switch {
	case j.kind == resultsOf && len(j.dy) > 0:
		return active.normalizeAdd
	case j.kind == resultsOf:
		return active.normalize
	case j.gated:
		return active.combineGated
	}
	return active.combine
}

// aim sets what the kernels read of rows [from, from+rows).
func (j *job) aim(p *panel, from, rows int) {
	*p = panel{x: &j.x[from*j.Channels], ld: j.Channels, rows: rows, cols: j.Channels, mean: &j.mean[0], low: j.gate.Low, high: j.gate.High, slope: j.gate.Slope}
	if j.kind == momentsOf {
		return
	}
	if len(j.dy) > 0 {
		p.dy = &j.dy[from*j.Channels]
	}
	if j.gated || j.kind == resultsOf {
		p.scale, p.bias = &j.scale[0], &j.bias[0]
	}
	if j.kind == productsOf {
		p.ofDY, p.ofX, p.fixed = &j.ofDY[0], &j.ofX[0], &j.fixed[0]
	}
}

// panelWork is what a chunk needs.
type panelWork struct {
	p    panel
	sums []float32
}

var panels mem.Pool[panelWork]

func (w *panelWork) room(n int) {
	if cap(w.sums) < n {
		w.sums = make([]float32, n)
	}
	w.sums = w.sums[:n]
}

func (w *panelWork) release() {
	w.p = panel{}
	panels.Put(w)
}

// channel returns the sums of a channel whose elements lie together.
func (j *job) channel(c int) (sum, dot float64) {
	mean := j.mean[c]
	for o := range j.Outer {
		at := (o*j.Channels + c) * j.Inner
		x := j.x[at:][:j.Inner]
		if j.kind == momentsOf {
			for _, v := range x {
				d := float64(v - mean)
				sum, dot = sum+d, dot+d*d
			}
			continue
		}
		dy := j.dy[at:][:j.Inner]
		for i, v := range x {
			d := v - mean
			g := j.passed(dy[i], d, c)
			sum, dot = sum+float64(g), dot+float64(g)*float64(d)
		}
	}
	return sum, dot
}

// passed is what the gate leaves of dy, at d = x-mean.
func (j *job) passed(dy, d float32, c int) float32 {
	if !j.gated {
		return dy
	}
	if v := float32(d*j.scale[c]) + j.bias[c]; v > j.gate.Low && v < j.gate.High {
		return dy
	}
	return dy * j.gate.Slope
}

func (j *job) combineChannel(c int) {
	for o := range j.Outer {
		at := (o*j.Channels + c) * j.Inner
		x, dy, dx := j.x[at:][:j.Inner], j.dy[at:][:j.Inner], j.dx[at:][:j.Inner]
		for i, v := range x {
			d := v - j.mean[c]
			dx[i] = j.passed(dy[i], d, c)*j.ofDY[c] + d*j.ofX[c] + j.fixed[c]
		}
	}
}
