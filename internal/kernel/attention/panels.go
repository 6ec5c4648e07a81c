package attention

import (
	"math"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// strip is some queries of a block, which go through the kernels as a panel.
type strip struct {
	*panel
	at, n int // queries [at, at+n) of the block
	seen  int // keys that the last of them may see
}

// strip returns the panel that begins at a query of the block, or none behind the last.
func (w *worker) strip(at int) strip {
	n := w.q1 - w.q0 - at
	if n <= 0 {
		return strip{}
	}
	p := w.set.panel(n)
	n = min(n, p.width)
	return strip{p, at, n, w.seen(w.q0 + at + n)}
}

// of returns what x holds for the queries of the panel, rows elements for each.
func (s strip) of(x []float32, rows int) []float32 { return x[s.at*rows:][:s.width*rows] }

// load makes a panel of queries. What lies behind the last query is any number.
func (w *worker) load(s strip) {
	if s.seen == 0 {
		clear(s.of(w.result, w.ValueSize))
	}
	dst, src := s.of(w.query, w.Size), w.Q.at(w.b, w.h, w.q0+s.at)
	if len(w.set.turns) == 0 || w.Size%4 != 0 {
		w.transpose(dst, src, [2]int{w.Size, s.n}, [2]int{s.width, 1}, [2]int{1, w.Q.Step})
		vec.ScaleShift(dst, dst, w.Scale, 0)
		return
	}
	t := &w.set.turns[0]
	w.scale = [4]float32{w.Scale, w.Scale, w.Scale, w.Scale}
	a := &w.turned
	a.step, a.cols, a.factor, a.next = 4*s.width, w.Size, start(w.scale[:]), 0
	for i := 0; i < s.n; i += t.width {
		a.setRows(min(s.n-i, t.width), w.Q.Step)
		a.src, a.dst = start(src[i*w.Q.Step:]), start(dst[i:])
		t.run(a)
	}
}

// setRows says where n rows lie, step elements apart, and repeats the last of them.
func (a *turnArgs) setRows(n, step int) {
	for i := range a.rows {
		a.rows[i] = 4 * step * min(i, n-1)
	}
}

// store writes the results of a panel, divided by the sums.
func (w *worker) store(s strip) {
	factor, sum := s.of(w.factor, 1), s.of(w.sum, 1)
	vec.Reciprocal(factor, sum)
	out := w.Y.at(w.b, w.h, w.q0+s.at)
	if !w.turnBack(s, out, factor) {
		w.transpose(out, s.of(w.result, w.ValueSize), [2]int{s.n, w.ValueSize}, [2]int{w.Y.Step, 1}, [2]int{1, s.width})
		vec.ScaleRows(out, factor[:s.n], w.ValueSize, w.Y.Step)
	}
	w.clearHidden(out, sum[:s.n])
}

// turnBack writes results times factors if there is a kernel for them.
func (w *worker) turnBack(s strip, out, factor []float32) bool {
	for _, t := range w.set.turns {
		if w.ValueSize%t.width != 0 {
			continue
		}
		a, y := &w.turned, s.of(w.result, w.ValueSize)
		a.step, a.cols, a.factor, a.next = 4*w.Y.Step, s.n, start(factor), 16
		a.setRows(t.width, s.width)
		for d := 0; d < w.ValueSize; d += t.width {
			a.src, a.dst = start(y[d*s.width:]), start(out[d:])
			t.run(a)
		}
		return true
	}
	return false
}

// step adds keys [k0, k1) to the results of a panel.
func (w *worker) step(s strip, k0, k1 int) {
	p := w.scores[:(k1-k0)*s.width]
	top, high, sum, factor := s.of(w.top, 1), s.of(w.high, 1), s.of(w.sum, 1), s.of(w.factor, 1)
	copy(factor, top)
	w.multiplyKeys(s, p, top, k0, k1)
	changed := false
	for i, v := range top {
		changed = changed || factor[i] != v
		high[i] = max(v, -math.MaxFloat32) // nothing to see yet: any finite number gives zeros
	}
	switch {
	case k0 == 0:
		factor = nil
	case changed:
		vec.Sub(factor, factor, high)
		vec.ExpTerm(factor, factor)
		vec.Mul(sum, sum, factor)
	default:
		vec.Fill(factor, 1)
	}
	vec.ExpColumns(p, high, sum, k1-k0, s.width)
	w.multiplyValues(s, p, factor, k0, k1)
}

// multiplyKeys sets the scores p of keys [k0, k1) and raises top to the largest.
func (w *worker) multiplyKeys(s strip, p, top []float32, k0, k1 int) {
	w.chooseMasks()
	hidden := w.Causal && k1 > w.seen(w.q0+s.at+1)
	for i := range w.masks {
		hidden = hidden || w.masks[i].form != none && !w.done[i]
	}
	a := &w.keyed
	*a = scoresArgs{step: 4 * w.near.kStep, size: w.Size, q: start(s.of(w.query, w.Size)), top: start(top)}
	if hidden {
		a.top = start(w.spare[:])
	}
	for _, t := range evenly(k1-k0, len(s.panel.scores)) {
		if t.tiles > 0 {
			first := k0 + t.first
			w.maskTile(a, s, first)
			a.k, a.s, a.tiles = start(w.near.k[t.first*w.near.kStep:]), start(p[t.first*s.width:]), t.tiles
			s.panel.scores[t.rows-1](a)
		}
	}
	if hidden {
		w.hide(s, p, k0, k1)
		vec.MaxColumns(top, p, k1-k0, s.width)
	}
}

// chooseMasks says which masks are added to the products: those up to the first that replaces scores.
func (w *worker) chooseMasks() {
	w.done = [2]bool{}
	biased := false
	for i := range w.masks {
		switch m := &w.masks[i]; {
		case m.form == keeps:
			return
		case m.form == perScore, m.form == perKey && !biased:
			w.done[i], biased = true, biased || m.form == perKey
		}
	}
}

// maskTile points to what the products add, from a key on.
func (w *worker) maskTile(a *scoresArgs, s strip, key int) {
	for i := range w.masks {
		switch m := &w.masks[i]; {
		case !w.done[i]:
		case m.form == perKey:
			a.bias = start(m.keys(w.b, w.h)[key:])
		default:
			x, ld := m.scores(&w.block, s.at)
			a.add[i], a.between[i] = start(x[key*ld:]), 4*ld
		}
	}
}

// hide applies to scores p of keys [k0, k1) what their product did not.
func (w *worker) hide(s strip, p []float32, k0, k1 int) {
	for i := range w.masks {
		switch m := &w.masks[i]; {
		case w.done[i]:
		case m.form == perKey:
			for k, v := range m.keys(w.b, w.h)[k0:k1] {
				row := p[k*s.width:][:s.width]
				vec.ScaleShift(row, row, 1, v)
			}
		case m.form == perScore:
			x, ld := m.scores(&w.block, s.at)
			s.each(k1-k0, ld, func(at, from, n int) { vec.Add(p[at:][:n], p[at:][:n], x[k0*ld+from:][:n]) })
		case m.form == keeps:
			x, ld := m.kept(&w.block, s.at)
			s.each(k1-k0, ld, func(at, from, n int) { vec.Where(p[at:][:n], x[k0*ld+from:][:n], p[at:][:n], m.fill[:]) })
		}
	}
	if !w.Causal {
		return
	}
	for k := max(k0, w.First+w.q0+s.at+1); k < k1; k++ { // queries in front of key k
		vec.Fill(p[(k-k0)*s.width:][:min(k-w.First-w.q0-s.at, s.width)], float32(math.Inf(-1)))
	}
}

// each calls f for keys rows of a panel, and of a mask whose rows lie ld apart: for all of them together where that goes.
func (s strip) each(keys, ld int, f func(at, from, n int)) {
	if ld == s.width {
		f(0, 0, keys*ld)
		return
	}
	for k := range keys {
		f(k*s.width, k*ld, s.width)
	}
}

// multiplyValues adds the values of keys [k0, k1) to the results of a panel, which it scales by factor if there is one.
func (w *worker) multiplyValues(s strip, p, factor []float32, k0, k1 int) {
	a, y := &w.summed, s.of(w.result, w.ValueSize)
	*a = valuesArgs{step: 4 * w.near.vStep, keys: k1 - k0, p: start(p)}
	if factor != nil {
		a.factor = start(factor)
	}
	for _, t := range evenly(w.ValueSize, len(s.panel.values)) {
		if t.tiles > 0 {
			a.v, a.y, a.tiles = start(w.near.v[t.first:]), start(y[t.first*s.width:]), t.tiles
			s.panel.values[t.rows-1](a)
		}
	}
}

// start returns the address of the first element.
func start(x []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }
