package vec

import "math"

// The loops of this file are what every assembly variant is checked against. Transcendentals go through
// float64, so that they are correctly rounded in all but a few cases.

func expGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		dst[i] = float32(math.Exp(float64(x[i])))
	}
}

func logGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		dst[i] = float32(math.Log(float64(x[i])))
	}
}

func tanhGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		dst[i] = float32(math.Tanh(float64(x[i])))
	}
}

func sigmoidGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		dst[i] = normal(logistic(x[i]))
	}
}

func erfGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		dst[i] = float32(math.Erf(float64(x[i])))
	}
}

func geluGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		v := float64(x[i])
		dst[i] = normal(v / 2 * math.Erfc(-v/math.Sqrt2))
	}
}

func geluTanhGo(dst, x []float32, _, _ float32) {
	const c = 2 * 0.797884560802865355879892119868763737 // 2 sqrt(2/pi)
	for i := range dst {
		v := float64(x[i])
		dst[i] = normal(v / (1 + math.Exp(-c*(v+0.044715*v*v*v))))
	}
}

func siluGo(dst, x []float32, alpha, _ float32) {
	for i := range dst {
		v := float64(x[i])
		if dst[i] = 0; !(-alpha*x[i] > siluEnd) {
			dst[i] = normal(v / (1 + math.Exp(-float64(alpha)*v)))
		}
	}
}

func softplus(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }

func softplusGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		dst[i] = normal(softplus(float64(x[i])))
	}
}

func mishGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		v := float64(x[i])
		dst[i] = normal(v * math.Tanh(softplus(v)))
	}
}

func hardSwishGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = v * max(0, min(1, v*(1.0/6)+0.5))
	}
}

func hardSigmoidGo(dst, x []float32, alpha, beta float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = max(0, min(1, float32(v*alpha)+beta))
	}
}

func reluGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		if v < 0 {
			v = 0
		}
		dst[i] = v
	}
}

func leakyReluGo(dst, x []float32, alpha, _ float32) {
	for i, v := range x[:len(dst)] {
		if v < 0 {
			v *= alpha
		}
		dst[i] = v
	}
}

func eluGo(dst, x []float32, alpha, _ float32) {
	for i, v := range x[:len(dst)] {
		if v < 0 {
			v = float32(float64(alpha) * math.Expm1(float64(v)))
		}
		dst[i] = v
	}
}

func clipGo(dst, x []float32, lo, hi float32) {
	for i, v := range x[:len(dst)] {
		if v < lo {
			v = lo
		}
		if v > hi {
			v = hi
		}
		dst[i] = v
	}
}

func negGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = -v
	}
}

func absGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = math.Float32frombits(math.Float32bits(v) &^ (1 << 31))
	}
}

func sqrtGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float32(math.Sqrt(float64(v)))
	}
}

func reciprocalGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = 1 / v
	}
}

func floorGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float32(math.Floor(float64(v)))
	}
}

func ceilGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float32(math.Ceil(float64(v)))
	}
}

func roundGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float32(math.RoundToEven(float64(v)))
	}
}

func softsignGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = v / (1 + math.Float32frombits(math.Float32bits(v)&^(1<<31)))
	}
}

func signGo(dst, x []float32, _, _ float32) { SignOf(dst, x) }

func thresholdedReluGo(dst, x []float32, alpha, _ float32) {
	for i, v := range x[:len(dst)] {
		if !(v > alpha) {
			v = 0
		}
		dst[i] = v
	}
}

func shrinkGo(dst, x []float32, lambd, bias float32) {
	for i, v := range x[:len(dst)] {
		switch {
		case v < -lambd:
			v += bias
		case v > lambd:
			v -= bias
		default:
			v = 0
		}
		dst[i] = v
	}
}

func scaleShiftGo(dst, x []float32, scale, shift float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float32(v*scale) + shift
	}
}

func cubeGo(dst, x []float32, _, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = v * v * v
	}
}

func sub2Go(dst, x []float32, a, b float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float32(v-a) - b
	}
}

func axpyGo(dst, x []float32, s, _ float32) {
	for i, v := range x[:len(dst)] {
		dst[i] += s * v
	}
}
