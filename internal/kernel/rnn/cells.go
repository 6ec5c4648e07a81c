package rnn

import "github.com/onnxrun/onnxrun/internal/kernel/vec"

// activate sets dst to activation i of x, which is clipped in place. dst may be x.
func (l *Layer) activate(i int, dst, x []float32) {
	if l.Clip > 0 {
		vec.Clip(x, x, -l.Clip, l.Clip)
	}
	l.Acts[i].apply(dst, x)
}

// sum adds the two parts of the sum of gate j and returns it.
func (r *run) sum(p *turn, b, j int) []float32 {
	x, s := r.gate(p, b, j)
	vec.Add(x, x, s)
	return x
}

// lstm sets the states h and c after a step from the sums of the gates, which are overwritten.
func (r *run) lstm(p *turn, b int, h, c []float32) {
	i, o, f, z := r.sum(p, b, 0), r.sum(p, b, 1), r.sum(p, b, 2), r.sum(p, b, 3)
	peep := func(x []float32, j int) {
		if r.Peep != nil {
			vec.MulAcc(x, r.Peep[j*r.Hidden+p.lo:j*r.Hidden+p.hi], c)
		}
	}
	peep(i, 0)
	peep(f, 2)
	r.activate(0, i, i)
	r.activate(0, f, f)
	if r.InputForget {
		vec.ScaleShift(f, i, -1, 1)
	}
	r.activate(1, z, z)
	vec.Mul(c, f, c)
	vec.MulAcc(c, i, z)
	peep(o, 1)
	r.activate(0, o, o)
	r.Acts[2].apply(h, c)
	vec.Mul(h, h, o)
}

// gruReset applies the update and reset gates and sets reset to the state in as the reset gate lets it through.
func (r *run) gruReset(p *turn, b int, in, reset []float32) {
	z, gate := r.sum(p, b, 0), r.sum(p, b, 1)
	r.activate(0, z, z)
	r.activate(0, gate, gate)
	vec.Mul(reset, gate, in)
}

// gru sets the state h after a step that began with old. A GRU that resets first has its update gate already.
func (r *run) gru(p *turn, b int, h, old []float32) {
	z, tmp := r.gate(p, b, 0)
	n, s := r.gate(p, b, 2)
	if r.LinearFirst {
		r.activate(0, z, r.sum(p, b, 0))
		reset := r.sum(p, b, 1)
		r.activate(0, reset, reset)
		vec.Add(s, s, r.bias[p.lo:p.hi])
		vec.MulAcc(n, reset, s)
	} else {
		vec.Add(n, n, s)
	}
	r.activate(1, n, n)
	vec.Sub(tmp, old, n)
	copy(h, n)
	vec.MulAcc(h, z, tmp)
}
