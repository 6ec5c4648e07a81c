package rnn

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// stage does a piece of a stage.
func (b *back) stage(stage int, p piece) {
	i, reset := stage, false
	if b.resetFirst() {
		i, reset = stage/2, stage%2 == 1
	}
	if reset {
		b.reset(b.time(i), p)
		return
	}
	var lo, hi int
	if i > 0 {
		lo, hi = b.product(b.time(i-1), p)
	} else {
		_, _, lo, hi = b.w.R.part(p.part, p.parts)
	}
	if i < b.span {
		b.gates(b.time(i), p, lo, hi)
	}
}

// product turns a piece of the gradients of the states after step t into those of the states before it.
func (b *back) product(t int, p piece) (lo, hi int) {
	first, end, lo, hi := b.w.R.part(p.part, p.parts)
	b.multiply(b.w.R, b.gradients(t), t, p, first, end)
	for i := p.from; i < p.to; i++ {
		if !b.active(t, i) {
			continue
		}
		b.through(t, i, lo, hi, b.sums.c[i*b.sums.ldc+lo:i*b.sums.ldc+hi], b.Cell == GRU)
	}
	return lo, hi
}

// multiply sets rows of sums to the products of those of grads with blocks [first, end) of w.
func (b *back) multiply(w *Packed, grads []float32, t int, p piece, first, end int) {
	s := b.sums
	s.c = s.c[p.from*s.ldc:]
	w.multiply(grads[p.from*b.kept.pitch:], b.kept.pitch, p.to-p.from, first, end, s, t&1 == 1)
}

// through takes the gradient s of what was multiplied with R in step t, of units [lo, hi) of row i, back to the state. If add
// is set it is added there.
func (b *back) through(t, i, lo, hi int, s []float32, add bool) {
	at := i * b.Hidden
	dh := b.dh[at+lo : at+hi]
	if b.Masked {
		before, _ := b.around(b.kept.h, t-b.kept.from, b.Batch)
		if m := b.g.DMask; m != nil {
			vec.MulAcc(m[i*b.StateRow+lo:i*b.StateRow+hi], s, before[at+lo:at+hi])
		}
		vec.Mul(s, s, b.Mask[i*b.StateRow+lo:i*b.StateRow+hi])
	}
	if add {
		vec.Add(dh, dh, s)
	} else {
		copy(dh, s)
	}
}

func (b *back) active(t, i int) bool { return b.Lens == nil || t < int(b.Lens[i]) }

// gates makes the gradients of the gates of step t, of units [lo, hi).
func (b *back) gates(t int, p piece, lo, hi int) {
	n, pitch := b.Hidden, b.kept.pitch
	before, after := b.around(b.kept.h, t-b.kept.from, b.Batch)
	grads, gates := b.gradients(t), b.kept.gates[(t-b.kept.from)*b.Batch*pitch:]
	for i := p.from; i < p.to; i++ {
		row := i * pitch
		if !b.active(t, i) {
			for j := 0; j < pitch; j += n {
				clear(grads[row+j+lo : row+j+hi])
			}
			continue
		}
		at := i * n
		dh := b.dh[at+lo : at+hi]
		if dy := &b.g.DY; dy.Y != nil {
			vec.Add(dh, dh, dy.Y[t*dy.YStep+i*dy.YRow:][lo:hi])
		}
		d, x := grads[row+lo:], gates[row+lo:]
		switch b.Cell {
		case LSTM:
			old, c := b.around(b.kept.c, t-b.kept.from, b.Batch)
			vec.LSTMGrad(d, x, dh, b.dc[at+lo:at+hi], c[at+lo:at+hi], old[at+lo:at+hi], n)
		case GRU:
			vec.GRUGrad(d, x, dh, before[at+lo:at+hi], n)
		default:
			b.plain(d[:hi-lo], dh, after[at+lo:at+hi])
		}
	}
}

// plain sets d to the gradients of sums whose function is y, of the gradients dh of y.
func (b *back) plain(d, dh, y []float32) {
	if b.Acts[0].Kind == Relu {
		for i, v := range y {
			d[i] = 0
			if v > 0 {
				d[i] = dh[i]
			}
		}
		return
	}
	vec.Mul(d, y, y)
	vec.ScaleShift(d, d, -1, 1)
	vec.Mul(d, d, dh)
}

// reset makes the gradients of the reset gate of step t from those of the candidate, which has the product with R behind that gate.
func (b *back) reset(t int, p piece) {
	n, pitch := b.Hidden, b.kept.pitch
	first, end, lo, hi := b.w.RH.part(p.part, p.parts)
	grads, gates := b.gradients(t), b.kept.gates[(t-b.kept.from)*b.Batch*pitch:]
	b.multiply(b.w.RH, grads[3*n:], t, p, first, end)
	for i := p.from; i < p.to; i++ {
		if !b.active(t, i) {
			continue
		}
		row := i * pitch
		s := b.sums.c[i*b.sums.ldc+lo : i*b.sums.ldc+hi]
		r, late := gates[row+n+lo:row+n+hi], gates[row+3*n+lo:row+3*n+hi]
		d := grads[row+n+lo : row+n+hi]
		vec.ScaleShift(d, r, -1, 1) // the slope is r*(1-r), and late r times the state
		vec.Mul(d, d, late)
		vec.Mul(d, d, s)
		vec.Mul(s, s, r)
		b.through(t, i, lo, hi, s, true)
	}
}
