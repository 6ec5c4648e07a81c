package batchnorm

import "sync"

// summing is a job whose chunks sum up a block.
type summing job

// Chunk sums up block i: some rows where channels are last, else a channel.
func (s *summing) Chunk(i int) {
	j := (*job)(s)
	if j.rows == 0 {
		j.partial[i], j.partial[j.Channels+i] = j.channel(i)
		return
	}
	w := works.Get().(*work)
	defer works.Put(w)
	w.room(2 * j.Channels)
	total := j.partial[2*i*j.Channels:][:2*j.Channels]
	lo, hi := i*j.rows, min((i+1)*j.rows, j.Outer)
	for ; lo < hi; lo += stretch {
		j.aim(&w.p, lo, min(stretch, hi-lo))
		w.p.sum, w.p.dot = &w.sums[0], &w.sums[j.Channels]
		switch {
		case j.kind == momentsOf:
			active.moments(w.p.argument())
		case j.gated:
			active.productsGated(w.p.argument())
		default:
			active.products(w.p.argument())
		}
		for c, v := range w.sums {
			total[c] += float64(v)
		}
	}
}

// combining is a job whose chunks compute dx of a block.
type combining job

// Chunk computes block i.
func (s *combining) Chunk(i int) {
	j := (*job)(s)
	if j.rows == 0 {
		j.combineChannel(i)
		return
	}
	w := works.Get().(*work)
	defer works.Put(w)
	lo, hi := i*j.rows, min((i+1)*j.rows, j.Outer)
	j.aim(&w.p, lo, hi-lo)
	w.p.dx = &j.dx[lo*j.Channels]
	w.p.ofDY, w.p.ofX, w.p.fixed = &j.ofDY[0], &j.ofX[0], &j.fixed[0]
	if j.gated {
		active.combineGated(w.p.argument())
	} else {
		active.combine(w.p.argument())
	}
	w.p = panel{}
}

// aim sets what the kernels read of rows [from, from+rows).
func (j *job) aim(p *panel, from, rows int) {
	*p = panel{x: &j.x[from*j.Channels], ld: j.Channels, rows: rows, cols: j.Channels, mean: &j.mean[0]}
	if j.kind == momentsOf {
		return
	}
	p.dy = &j.dy[from*j.Channels]
	if j.gated {
		p.scale, p.bias = &j.scale[0], &j.bias[0]
		p.low, p.high, p.slope = j.gate.Low, j.gate.High, j.gate.Slope
	}
}

// work is what a chunk needs.
type work struct {
	p    panel
	sums []float32
}

var works = sync.Pool{New: func() any { return new(work) }}

func (w *work) room(n int) {
	if cap(w.sums) < n {
		w.sums = make([]float32, n)
	}
	w.sums = w.sums[:n]
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
