package vec

// Wide is Rows rows of N elements, which begin Step elements apart in X.
type Wide struct {
	X             []float32
	N, Rows, Step int
}

// apply runs a one-input kernel in place, some rows in a call.
func (w Wide) apply(op unaryOp, a, b float32) {
	f := active.wide[op]
	if f == nil || w.N > block {
		for r := range w.Rows {
			x := w.X[r*w.Step:][:w.N]
			apply(op, x, x, a, b)
		}
		return
	}
	if w.N == 0 {
		return
	}
	for most := block / w.N; w.Rows > 0; w = w.from(most) {
		rows := min(most, w.Rows)
		f(w.X[:(rows-1)*w.Step+w.N], w.N, rows, w.Step, a, b)
	}
}

// from is w without its first rows.
func (w Wide) from(rows int) Wide {
	if w.Rows -= rows; w.Rows > 0 {
		w.X = w.X[rows*w.Step:]
	}
	return w
}

// Tanh is the function of that name, in place, and so on.
func (w Wide) Tanh() { w.apply(opTanh, 0, 0) }

// Sigmoid is the function of that name.
func (w Wide) Sigmoid() { w.apply(opSigmoid, 0, 0) }

// Gelu is the function of that name.
func (w Wide) Gelu() { w.apply(opGelu, 0, 0) }

// GeluTanh is the function of that name.
func (w Wide) GeluTanh() { w.apply(opGeluTanh, 0, 0) }

// Swish is the function of that name; with 1 it is Silu.
func (w Wide) Swish(alpha float32) { w.apply(opSilu, alpha, 0) }

// HardSwish is the function of that name.
func (w Wide) HardSwish() { w.apply(opHardSwish, 0, 0) }

// HardSigmoid is the function of that name.
func (w Wide) HardSigmoid(alpha, beta float32) { w.apply(opHardSigmoid, alpha, beta) }

// LeakyRelu is the function of that name.
func (w Wide) LeakyRelu(alpha float32) { w.apply(opLeakyRelu, alpha, 0) }

// Clip is the function of that name.
func (w Wide) Clip(lo, hi float32) { w.apply(opClip, lo, hi) }

// Add adds the rows of x, of which there are as many and as long.
func (w Wide) Add(x []float32, step int) {
	if active.addWide == nil || w.N > block {
		for r := range w.Rows {
			y := w.X[r*w.Step:][:w.N]
			Add(y, y, x[r*step:][:w.N])
		}
		return
	}
	if w.N == 0 {
		return
	}
	for most := block / w.N; w.Rows > 0; w = w.from(most) {
		rows := min(most, w.Rows)
		active.addWide(w.X[:(rows-1)*w.Step+w.N], x[:(rows-1)*step+w.N], w.N, rows, w.Step, step)
		if w.Rows > most {
			x = x[most*step:]
		}
	}
}

// Scale multiplies each row with scale and adds shift, which are as long.
func (w Wide) Scale(scale, shift []float32) {
	if w.N == 0 {
		return
	}
	if active.scaleWide == nil {
		for r := range w.Rows {
			x := w.X[r*w.Step:][:w.N]
			for i, s := range scale[:w.N] {
				x[i] = float32(x[i]*s) + shift[i]
			}
		}
		return
	}
	for most := max(1, block/w.N); w.Rows > 0; w = w.from(most) {
		rows := min(most, w.Rows)
		active.scaleWide(w.X[:(rows-1)*w.Step+w.N], scale[:w.N], shift[:w.N], w.N, rows, w.Step)
	}
}
