// Package fft transforms sequences of complex64 in float32, factor by factor.
//
// The passes and the order of their sums are those of FFTPACK (P. N. Swarztrauber, "Vectorizing the FFTs", in: Parallel
// Computations, 1982) as numpy.fft runs them, with factors 8, 4, 2 and odd primes up to 11: results carry the same
// rounding errors. Products are rounded before they are added on every processor. It imports nothing.
package fft

import "math"

// mul returns a*w; the conversions keep the products from being fused with the sums.
func mul(a, w complex64) complex64 {
	return complex(float32(real(a)*real(w))-float32(imag(a)*imag(w)), float32(real(a)*imag(w))+float32(imag(a)*real(w)))
}

// largestFactor is the greatest odd prime with a pass.
const largestFactor = 11

// Factors returns the factors of n in the order of the passes, nil if n has a prime factor without a pass.
func Factors(n int) []int {
	var list []int
	for n > 0 && n%8 == 0 {
		list, n = append(list, 8), n/8
	}
	for n > 0 && n%4 == 0 {
		list, n = append(list, 4), n/4
	}
	if n > 0 && n%2 == 0 {
		list, n = append(list, 2), n/2
		list[0], list[len(list)-1] = list[len(list)-1], list[0]
	}
	for f := 3; f <= largestFactor; f += 2 {
		for n > 1 && n%f == 0 {
			list, n = append(list, f), n/f
		}
	}
	if n != 1 {
		return nil
	}
	return list
}

// A Plan transforms sequences of one length in one direction. It is used by one goroutine at a time.
type Plan struct {
	n      int
	scale  float32
	passes []pass
	room   []complex64
}

// pass is one factor: it reads [left, radix, right] and writes [radix, left, right].
type pass struct {
	radix, left, right int
	twiddles           []complex64 // [radix-1, right]
	roots              []complex64 // of an odd radix: the powers of its first root of unity
	quarter            float32     // the imaginary part of the root of order 4: -1 forward, 1 backward
}

// NewPlan returns a plan for sequences of n elements, nil if n has no Factors. The inverse divides by n.
func NewPlan(n int, inverse bool) *Plan {
	factors := Factors(n)
	if factors == nil && n != 1 {
		return nil
	}
	p := &Plan{n: n, scale: 1, room: make([]complex64, n)}
	sign := float32(-1)
	if inverse {
		sign, p.scale = 1, 1/float32(n)
	}
	left := 1
	for _, radix := range factors {
		q := pass{radix: radix, left: left, right: n / (left * radix), quarter: sign}
		for j := 1; j < radix; j++ {
			for i := range q.right {
				q.twiddles = append(q.twiddles, root(j*left*i, n, sign))
			}
		}
		for j := range radix {
			q.roots = append(q.roots, root(j, radix, sign))
		}
		p.passes = append(p.passes, q)
		left *= radix
	}
	return p
}

// root returns exp(sign*2i*pi*k/n). The angle is brought into the first octant, where sine and cosine are exact.
func root(k, n int, sign float32) complex64 {
	k8 := 8 * (k % n)
	octant, rest := k8/n, k8%n
	if octant&1 == 1 {
		rest = n - rest
	}
	sin, cos := math.Sincos(math.Pi / 4 * float64(rest) / float64(n))
	if octant&3 == 1 || octant&3 == 2 {
		sin, cos = cos, sin
	}
	if octant >= 2 && octant < 6 {
		cos = -cos
	}
	if octant >= 4 {
		sin = -sin
	}
	return complex(float32(cos), sign*float32(sin))
}

// Len returns the length of the sequences.
func (p *Plan) Len() int { return p.n }

// Run transforms x, of Len elements, in place.
func (p *Plan) Run(x []complex64) {
	from, to := x[:p.n], p.room
	for i := range p.passes {
		p.passes[i].run(to, from)
		from, to = to, from
	}
	if p.scale != 1 {
		for i, v := range from {
			from[i] = complex(real(v)*p.scale, imag(v)*p.scale)
		}
	}
	if len(p.passes)%2 == 1 {
		copy(x, from)
	}
}
