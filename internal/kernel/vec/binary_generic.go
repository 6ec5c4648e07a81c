package vec

func addGo(dst, a, b []float32) { AddOf(dst, a, b) }
func subGo(dst, a, b []float32) { SubOf(dst, a, b) }
func mulGo(dst, a, b []float32) { MulOf(dst, a, b) }
func divGo(dst, a, b []float32) { DivOf(dst, a, b) }
func maxGo(dst, a, b []float32) { MaxOf(dst, a, b) }
func minGo(dst, a, b []float32) { MinOf(dst, a, b) }

func addReluGo(dst, a, b []float32) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		v := a[i&ma] + b[i&mb]
		if v < 0 {
			v = 0
		}
		dst[i] = v
	}
}

func mulAccGo(dst, a, b []float32) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		dst[i] += a[i&ma] * b[i&mb]
	}
}

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
