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
