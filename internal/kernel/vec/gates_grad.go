package vec

import "math"

// LSTMKeep is LSTM that makes the cells c of old and leaves the gates in x: what LSTMGrad wants.
func LSTMKeep(h, c, old, x, s []float32, xs, ss int) {
	for lo := 0; lo < len(h); lo += gateBlock {
		hi := min(len(h), lo+gateBlock)
		active.lstmKeep(h[lo:hi], c[lo:hi], old[lo:hi], x[lo:3*xs+hi], s[lo:3*ss+hi], xs, ss)
	}
}

// GRUKeep is GRU that leaves the gates in x, and as a fourth one s+bias of the candidate, which the reset gate multiplies.
func GRUKeep(h, old, x, s, bias []float32, xs, ss int) {
	for lo := 0; lo < len(h); lo += gateBlock {
		hi := min(len(h), lo+gateBlock)
		active.gruKeep(h[lo:hi], old[lo:hi], x[lo:3*xs+hi], s[lo:2*ss+hi], bias[lo:hi], xs, ss)
	}
}

// LSTMGrad goes back through the gates of len(dh) units of an LSTM with the usual activations: x are the gates i, o, f and z,
// xs apart, c the cells after the step and old those before it. d are the gradients of the gates' sums, xs apart, of the
// gradients dh of h and dc of c. dc becomes the gradient of old. d may be x.
func LSTMGrad(d, x, dh, dc, c, old []float32, xs int) {
	for lo := 0; lo < len(dh); lo += gateBlock {
		hi := min(len(dh), lo+gateBlock)
		active.lstmGrad(d[lo:3*xs+hi], x[lo:3*xs+hi], dh[lo:hi], dc[lo:hi], c[lo:hi], old[lo:hi], xs)
	}
}

// GRUGrad goes back through the gates of len(dh) units of a GRU with the usual activations: x are z, r, the candidate and what r
// multiplies, xs apart, old is the state before the step. d are the gradients of the sums of z and r, of what r multiplies
// and of the other addend of the candidate, xs apart, of the gradient dh of h. dh becomes that part of the gradient of old
// which comes through no product. d may be x.
func GRUGrad(d, x, dh, old []float32, xs int) {
	for lo := 0; lo < len(dh); lo += gateBlock {
		hi := min(len(dh), lo+gateBlock)
		active.gruGrad(d[lo:3*xs+hi], x[lo:3*xs+hi], dh[lo:hi], old[lo:hi], xs)
	}
}

func lstmKeepGo(h, c, old, x, s []float32, xs, ss int) {
	for u := range h {
		i, o, f := logistic(x[u]+s[u]), logistic(x[xs+u]+s[ss+u]), logistic(x[2*xs+u]+s[2*ss+u])
		z := math.Tanh(float64(x[3*xs+u] + s[3*ss+u]))
		c[u] = float32(f*float64(old[u]) + i*z)
		h[u] = float32(o * math.Tanh(float64(c[u])))
		x[u], x[xs+u], x[2*xs+u], x[3*xs+u] = normal(i), normal(o), normal(f), float32(z)
	}
}

func gruKeepGo(h, old, x, s, bias []float32, xs, ss int) {
	for u := range h {
		z, r, late := logistic(x[u]+s[u]), logistic(x[xs+u]+s[ss+u]), s[2*ss+u]+bias[u]
		n := math.Tanh(float64(x[2*xs+u]) + r*float64(late))
		h[u] = float32(n + z*(float64(old[u])-n))
		x[u], x[xs+u], x[2*xs+u], x[3*xs+u] = normal(z), normal(r), float32(n), late
	}
}

func lstmGradGo(d, x, dh, dc, c, old []float32, xs int) {
	for u, dy := range dh {
		i, o, f, z := x[u], x[xs+u], x[2*xs+u], x[3*xs+u]
		t := float32(math.Tanh(float64(c[u])))
		cell := dc[u] + dy*o*(1-t*t)
		d[u], d[xs+u], d[2*xs+u], d[3*xs+u] = cell*z*i*(1-i), dy*t*o*(1-o), cell*old[u]*f*(1-f), cell*i*(1-z*z)
		dc[u] = cell * f
	}
}

func gruGradGo(d, x, dh, old []float32, xs int) {
	for u, dy := range dh {
		z, r, n, late := x[u], x[xs+u], x[2*xs+u], x[3*xs+u]
		dn := dy * (1 - z) * (1 - n*n)
		d[u], d[xs+u], d[2*xs+u], d[3*xs+u] = dy*(old[u]-n)*z*(1-z), dn*late*r*(1-r), dn*r, dn
		dh[u] = dy * z
	}
}
