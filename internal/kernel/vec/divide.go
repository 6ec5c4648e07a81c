package vec

// DivInt sets dst[i] = a[i] / b[i], truncated. The quotient by zero is zero.
func DivInt[T Int](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := 0; i < len(dst); {
		done, left := divided(joinDiv, dst[i:], a[i&ma:], b[i&mb:])
		for i += done; left > 0; left-- {
			v := T(0)
			if d := b[i&mb]; d != 0 {
				v = a[i&ma] / d
			}
			dst[i] = v
			i++
		}
	}
}

// ModInt sets dst[i] to the remainder of a[i] by b[i] with the sign of b[i]. The remainder by zero is zero.
func ModInt[T Int](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := 0; i < len(dst); {
		done, left := divided(joinMod, dst[i:], a[i&ma:], b[i&mb:])
		for i += done; left > 0; left-- {
			dst[i] = modulo(a[i&ma], b[i&mb])
			i++
		}
	}
}

func modulo[T Int](a, d T) T {
	if d == 0 {
		return 0
	}
	r := a % d
	m := r + d // the remainder where the signs differ; chosen without a branch, which random signs would mislead
	if r^d >= 0 {
		m = r
	}
	if r == 0 {
		m = 0
	}
	return m
}

// divideStep is how many elements the loops do where a kernel has met numbers too large for it.
const divideStep = 64

// divided runs the kernel for quotients or remainders of T, if there is one, on whole groups. It returns how many elements are
// done, and how many behind them are left to a loop before a kernel can go on.
func divided[T Int](op joinOp, dst, a, b []T) (done, left int) {
	f := active.quotientI64
	if op == joinMod {
		f = active.remainderI64
	}
	if elementOf[T]() != elemI64 || f == nil || len(a) == 1 && len(b) == 1 {
		n := joined(op, dst, a, b)
		return n, len(dst) - n
	}
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	n := len(dst) &^ (joinGroup/8 - 1)
	for done < n {
		hi := min(n, done+block)
		part := f(bytesOf(dst[done:hi]), bytesOf(part(a, ma, done, hi)), bytesOf(part(b, mb, done, hi))) / 8
		if done += part; done < hi {
			return done, min(divideStep, len(dst)-done)
		}
	}
	return n, len(dst) - n
}
