package window

import "math"

func copyRowsGeneric(a *RowArgs) {
	for r := range a.Rows {
		copy(a.Dst[r*a.DstStep:][:a.Cols], a.Src[r*a.SrcStep:])
	}
}

func splitRowsGeneric(a *RowArgs) {
	for r := range a.Rows {
		src := a.Src[r*a.SrcStep:][:a.Cols]
		even, odd := a.Dst[r*a.DstStep:], a.Dst2[r*a.DstStep:]
		for i := 0; i+1 < len(src); i += 2 {
			even[i/2], odd[i/2] = src[i], src[i+1]
		}
		if n := len(src); n%2 == 1 {
			even[n/2] = src[n-1]
		}
	}
}

func mergeRowsGeneric(a *RowArgs) {
	for r := range a.Rows {
		dst := a.Dst[r*a.DstStep:][:a.Cols]
		even, odd := a.Src[r*a.SrcStep:], a.Src2[r*a.SrcStep:]
		for i := range dst {
			if i%2 == 0 {
				dst[i] = even[i/2]
			} else {
				dst[i] = odd[i/2]
			}
		}
	}
}

func packTapsGeneric(a *PackArgs) {
	const lanes = 4
	for k, off := range a.Off {
		dst := a.Dst[k*a.Step:][:lanes]
		clear(dst)
		for _, s := range a.Segs {
			for i := range lanes {
				if s.Lanes>>i&1 != 0 {
					dst[i] = a.Src[off+s.Delta+i]
				}
			}
		}
	}
}

func fmaTapsGeneric(a *TapArgs) {
	for r := range a.Rows {
		dst := a.Dst[r*a.DstStep:][:a.Cols]
		for i := range dst {
			dst[i] = a.Bias
		}
		for t, off := range a.Off {
			w := a.W[t]
			for i, x := range a.Src[r*a.SrcStep+off:][:len(dst)] {
				dst[i] += w * x
			}
		}
		clamp(dst, a.Lo, a.Hi)
	}
}

func maxTapsGeneric(a *TapArgs) {
	for r := range a.Rows {
		dst := a.Dst[r*a.DstStep:][:a.Cols]
		for i := range dst {
			dst[i] = a.Bias
		}
		for _, off := range a.Off {
			for i, x := range a.Src[r*a.SrcStep+off:][:len(dst)] {
				if x > dst[i] { // NaN is passed over
					dst[i] = x
				}
			}
		}
	}
}

func maxTapsGradGeneric(a *MaxGradArgs) {
	for r := range a.Rows {
		for c, up := range a.Up[r*a.UpStep:][:a.Cols] {
			at, best := -1, float32(0)
			for _, off := range a.Off {
				i := r*a.SrcStep + c + off
				if x := a.Src[i]; x > best || at < 0 && x == x {
					at, best = i, x
				}
			}
			if at >= 0 {
				a.Dst[at] += up
			}
		}
	}
}

func maxPlacesGeneric(a *PlaceArgs) {
	for r := range a.Rows {
		dst, places := a.Dst[r*a.DstStep:][:a.Cols], a.Places[r*a.DstStep:][:a.Cols]
		for c := range dst {
			dst[c], places[c] = float32(math.Inf(-1)), NoPlace
			for t, off := range a.Off {
				if x := a.Src[r*a.SrcStep+c+off]; x > dst[c] || places[c] == NoPlace && x == x {
					dst[c], places[c] = x, uint8(a.Numbers[t])
				}
			}
		}
	}
}

func placesGradGeneric(a *PlaceArgs) {
	for r := range a.Rows {
		dst := a.Dst[r*a.DstStep:][:a.Cols]
		clear(dst)
		for t, off := range a.Off {
			up, places, number := a.Src[r*a.SrcStep+off:], a.Places[r*a.SrcStep+off:], uint8(a.Numbers[t])
			for c := range dst {
				if places[c] == number {
					dst[c] += up[c]
				}
			}
		}
	}
}

func sumTapsGeneric(a *TapArgs) {
	for r := range a.Rows {
		dst := a.Dst[r*a.DstStep:][:a.Cols]
		for i := range dst {
			dst[i] = a.Bias
		}
		for _, off := range a.Off {
			for i, x := range a.Src[r*a.SrcStep+off:][:len(dst)] {
				dst[i] += x
			}
		}
		for i := range dst {
			dst[i] *= a.RowScale[r] * a.ColScale[i]
		}
	}
}

func tall5Generic(a *TapArgs) { tallGeneric(a, 5) }

func tall7Generic(a *TapArgs) { tallGeneric(a, 7) }

func tallGeneric(a *TapArgs, k int) {
	b := *a
	b.Off = nil
	for i := range k {
		for _, off := range a.Off {
			b.Off = append(b.Off, i*a.SrcStep+off)
		}
	}
	fmaTapsGeneric(&b)
}

func linesGeneric(a *LineArgs) {
	for o := range a.Count {
		dst := a.Dst[o*a.Pitch:][:LineWidth]
		clear(dst)
		for t := o * a.Taps; t < (o+1)*a.Taps; t++ {
			w := a.W[t]
			for i, x := range a.Src[a.Index[t]*a.Pitch:][:LineWidth] {
				dst[i] += w * x
			}
		}
	}
}

// clamp limits x to [lo, hi]; NaN stays NaN.
func clamp(x []float32, lo, hi float32) {
	for i, v := range x {
		switch {
		case v < lo:
			x[i] = lo
		case v > hi:
			x[i] = hi
		}
	}
}
