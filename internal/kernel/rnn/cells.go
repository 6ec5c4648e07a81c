package rnn

import "github.com/onnxrun/onnxrun/internal/kernel/vec"

// clip bounds x in place.
func (l *Layer) clip(x []float32) {
	if l.Clip > 0 {
		vec.Clip(x, x, -l.Clip, l.Clip)
	}
}

// gate clips and applies the activation of the gates in place.
func (l *Layer) gate(x []float32) {
	l.clip(x)
	l.Acts[0].apply(x, x)
}

// lstm turns the sums g of the gates i, o, f, c into the next states h and c. g is overwritten.
func (r *run) lstm(g, h, c []float32) {
	n := len(h)
	i, o, f, z := g[:n], g[n:2*n], g[2*n:3*n], g[3*n:4*n]
	if p := r.Peep; p != nil {
		vec.MulAcc(i, p[:n], c)
		vec.MulAcc(f, p[2*n:3*n], c)
		r.gate(i)
		r.gate(f)
	} else {
		r.gate(g[:3*n])
	}
	if r.InputForget {
		vec.ScaleShift(f, i, -1, 1)
	}
	r.clip(z)
	r.Acts[1].apply(z, z)
	vec.Mul(c, f, c)
	vec.MulAcc(c, i, z)
	if p := r.Peep; p != nil {
		vec.MulAcc(o, p[n:2*n], c)
		r.gate(o)
	}
	r.Acts[2].apply(h, c)
	vec.Mul(h, h, o)
}

// gruReset applies the update and reset gates and sets rh to the state as the reset gate lets it through.
func (r *run) gruReset(g, h, rh []float32) {
	n := len(h)
	r.gate(g[:2*n])
	vec.Mul(rh, g[n:2*n], h)
}

// gru ends the step that gruReset began: tmp is overwritten.
func (r *run) gru(g, h, tmp []float32) {
	n := len(h)
	r.mix(g[:n], g[2*n:3*n], h, tmp)
}

// gruLinearFirst does a step with the products p of the state, which are overwritten.
func (r *run) gruLinearFirst(g, h, p []float32) {
	n := len(h)
	vec.Add(g[:2*n], g[:2*n], p[:2*n])
	r.gate(g[:2*n])
	vec.MulAcc(g[2*n:3*n], g[n:2*n], p[2*n:3*n])
	r.mix(g[:n], g[2*n:3*n], h, p[:n])
}

// mix sets h to z*h + (1-z)*activation(s).
func (r *run) mix(z, s, h, tmp []float32) {
	r.clip(s)
	r.Acts[1].apply(s, s)
	vec.Sub(tmp, h, s)
	copy(h, s)
	vec.MulAcc(h, z, tmp)
}
