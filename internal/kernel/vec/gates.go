package vec

import "math"

// LSTM does a step of len(h) units of an LSTM with the usual activations. The sum of gate j (i, o, f, then z) of unit u is
// x[j*xs+u] + s[j*ss+u]. c, the state of the cells, becomes sigmoid(f)*c + sigmoid(i)*tanh(z), and h sigmoid(o)*tanh(c).
func LSTM(h, c, x, s []float32, xs, ss int) {
	for lo := 0; lo < len(h); lo += gateBlock {
		hi := min(len(h), lo+gateBlock)
		active.lstm(h[lo:hi], c[lo:hi], x[lo:3*xs+hi], s[lo:3*ss+hi], xs, ss)
	}
}

// GRU does a step of len(h) units of a GRU with the usual activations, whose product with the state comes before the reset
// gate. The sum of gate j (z, r, then the candidate n) of unit u is x[j*xs+u] + s[j*ss+u], but that of the candidate is
// x + sigmoid(r)*(s+bias[u]). h becomes sigmoid(z)*old + (1-sigmoid(z))*tanh(n). h may be old.
func GRU(h, old, x, s, bias []float32, xs, ss int) {
	for lo := 0; lo < len(h); lo += gateBlock {
		hi := min(len(h), lo+gateBlock)
		active.gru(h[lo:hi], old[lo:hi], x[lo:2*xs+hi], s[lo:2*ss+hi], bias[lo:hi], xs, ss)
	}
}

// gateBlock is the number of units in one call: some ten microseconds.
const gateBlock = 4096

func lstmGo(h, c, x, s []float32, xs, ss int) {
	for u := range h {
		i, o, f := logistic(x[u]+s[u]), logistic(x[xs+u]+s[ss+u]), logistic(x[2*xs+u]+s[2*ss+u])
		z := math.Tanh(float64(x[3*xs+u] + s[3*ss+u]))
		c[u] = float32(f*float64(c[u]) + i*z)
		h[u] = float32(o * math.Tanh(float64(c[u])))
	}
}

func gruGo(h, old, x, s, bias []float32, xs, ss int) {
	for u := range h {
		z, r := logistic(x[u]+s[u]), logistic(x[xs+u]+s[ss+u])
		n := math.Tanh(float64(x[2*xs+u]) + r*float64(s[2*ss+u]+bias[u]))
		h[u] = float32(n + z*(float64(old[u])-n))
	}
}

// logistic is the sigmoid function.
func logistic(x float32) float64 { return 1 / (1 + math.Exp(-float64(x))) }
