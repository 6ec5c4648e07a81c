package rnn

// PlainWeights are weights as ONNX lays them out: W [Gates*Hidden, Inputs], R [Gates*Hidden, Hidden],
// B [2*Gates*Hidden] and P [3*Hidden], the last two may be nil.
type PlainWeights[T float32 | float64] struct{ W, R, B, P []T }

// PlainScratch returns the number of elements of scratch memory that RunPlain needs.
func (l *Layer) PlainScratch() int { return (2*l.Cell.Gates() + 4) * l.Hidden }

// RunPlain computes a direction with plain loops, for element types without kernels and as the reference
// of Layer.Run.
func RunPlain[T float32 | float64](l *Layer, w PlainWeights[T], a *ArgsOf[T]) {
	n := l.Hidden
	gn := l.Cell.Gates() * n
	s := a.Scratch
	xs, hs, h, c, rh := s[:gn], s[gn:2*gn], s[2*gn:2*gn+n], s[2*gn+n:2*gn+2*n], s[2*gn+2*n:2*gn+3*n]
	in := s[2*gn+3*n : 2*gn+4*n]
	for b := range a.Batch {
		clear(h)
		clear(c)
		if a.H0 != nil {
			copy(h, a.H0[b*a.StateRow:])
		}
		if a.C0 != nil {
			copy(c, a.C0[b*a.StateRow:])
		}
		for i := range a.Steps {
			t := i
			if l.Reverse {
				t = a.Steps - 1 - i
			}
			active := a.Lens == nil || t < int(a.Lens[b])
			if active {
				plainProduct(xs, w.W, a.X[t*a.XStep+b*a.XRow:][:l.Inputs], w.B, 0)
				copy(in, h)
				if l.Masked {
					for j, m := range a.Mask[b*a.StateRow:][:n] {
						in[j] *= m
					}
				}
				plainProduct(hs, w.R, in, w.B, gn)
				plainStep(l, w, xs, hs, h, in, c, rh)
			}
			if a.Y != nil {
				y := a.Y[t*a.YStep+b*a.YRow:][:n]
				if copy(y, h); !active {
					clear(y)
				}
			}
		}
		if a.idle(b) {
			clear(h)
			clear(c)
		}
		if a.HOut != nil {
			copy(a.HOut[b*a.StateRow:], h)
		}
		if a.COut != nil {
			copy(a.COut[b*a.StateRow:], c)
		}
	}
}

// plainProduct sets dst to the product of the matrix m and x plus the part of bias from off on.
func plainProduct[T float32 | float64](dst, m, x, bias []T, off int) {
	for i := range dst {
		var sum T
		if bias != nil {
			sum = bias[off+i]
		}
		for j, v := range x {
			sum += m[i*len(x)+j] * v
		}
		dst[i] = sum
	}
}

// plainStep updates h and c from the products xs with the input and hs with in, the state as R gets it.
func plainStep[T float32 | float64](l *Layer, w PlainWeights[T], xs, hs, h, in, c, rh []T) {
	n := l.Hidden
	act := func(k int, v T) T {
		if l.Clip > 0 {
			v = min(max(v, -T(l.Clip)), T(l.Clip))
		}
		return T(l.Acts[k].of(float64(v)))
	}
	peep := func(k, j int) T {
		if w.P == nil {
			return 0
		}
		return w.P[k*n+j]
	}
	switch l.Cell {
	case Plain:
		for j := range h {
			h[j] = act(0, xs[j]+hs[j])
		}
	case LSTM:
		for j := range h {
			i := act(0, xs[j]+hs[j]+peep(0, j)*c[j])
			f := act(0, xs[2*n+j]+hs[2*n+j]+peep(2, j)*c[j])
			if l.InputForget {
				f = 1 - i
			}
			c[j] = f*c[j] + i*act(1, xs[3*n+j]+hs[3*n+j])
			o := act(0, xs[n+j]+hs[n+j]+peep(1, j)*c[j])
			h[j] = o * T(l.Acts[2].of(float64(c[j])))
		}
	case GRU:
		for j := range 2 * n {
			xs[j] = act(0, xs[j]+hs[j])
		}
		if !l.LinearFirst {
			for j := range h {
				rh[j] = xs[n+j] * in[j]
			}
			plainProduct(hs[2*n:], w.R[2*n*n:], rh, w.B, 5*n)
		}
		for j := range h {
			if l.LinearFirst {
				hs[2*n+j] *= xs[n+j]
			}
			h[j] = xs[j]*h[j] + (1-xs[j])*act(1, xs[2*n+j]+hs[2*n+j])
		}
	}
}
