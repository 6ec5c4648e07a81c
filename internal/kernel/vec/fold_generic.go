package vec

import "math"

func dotGo(a, b []float32) float32 {
	var s [4]float32
	n := len(a) &^ 3
	for i := 0; i < n; i += 4 {
		s[0] += a[i] * b[i]
		s[1] += a[i+1] * b[i+1]
		s[2] += a[i+2] * b[i+2]
		s[3] += a[i+3] * b[i+3]
	}
	for i := n; i < len(a); i++ {
		s[i&3] += a[i] * b[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumGo(x []float32) float32 { return lanes(x, func(v float32) float32 { return v }) }

func sumSquareGo(x []float32) float32 { return lanes(x, func(v float32) float32 { return v * v }) }

func sumAbsGo(x []float32) float32 {
	return lanes(x, func(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) })
}

func productGo(x []float32) float32 {
	p := [4]float32{1, 1, 1, 1}
	for i, v := range x {
		p[i&3] *= v
	}
	return (p[0] * p[1]) * (p[2] * p[3])
}

func sumDeviationGo(x []float32, m float32) float32 {
	return lanes(x, func(v float32) float32 { return (v - m) * (v - m) })
}

// lanes sums f over x in four lanes.
func lanes(x []float32, f func(float32) float32) float32 {
	var s [4]float32
	for ; len(x) >= 4; x = x[4:] {
		s[0] += f(x[0])
		s[1] += f(x[1])
		s[2] += f(x[2])
		s[3] += f(x[3])
	}
	for i, v := range x {
		s[i] += f(v)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func highestGo(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m || v != v {
			m = v
		}
	}
	return m
}

func lowestGo(x []float32) float32 {
	m := float32(math.Inf(1))
	for _, v := range x {
		if v < m || v != v {
			m = v
		}
	}
	return m
}

func expSumGo(dst, x []float32, m float32) float32 {
	sum := 0.0
	for i, v := range x[:len(dst)] {
		e := term(v - m)
		dst[i] = float32(e)
		sum += e
	}
	return float32(sum)
}

func normRowGo(dst, x, scale, bias []float32, mean, inv float32) {
	for i, v := range x[:len(dst)] {
		v = float32((v-mean)*inv) * scale[i]
		if len(bias) > 0 {
			v += bias[i]
		}
		dst[i] = v
	}
}
