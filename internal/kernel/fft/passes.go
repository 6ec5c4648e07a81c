package fft

// run applies the pass to all columns.
func (p *pass) run(dst, src []complex64) {
	var v [largestFactor]complex64
	step := p.left * p.right
	for k := range p.left {
		for i := range p.right {
			for j := range p.radix {
				v[j] = src[(k*p.radix+j)*p.right+i]
			}
			switch p.radix {
			case 2:
				v[0], v[1] = v[0]+v[1], v[0]-v[1]
			case 4:
				p.four(&v)
			case 8:
				p.eight(&v)
			default:
				p.odd(&v)
			}
			at := k*p.right + i
			dst[at] = v[0]
			for j := 1; j < p.radix; j++ {
				if i > 0 {
					v[j] = mul(v[j], p.twiddles[(j-1)*p.right+i])
				}
				dst[at+j*step] = v[j]
			}
		}
	}
}

// turn returns a times the root of order 4.
func (p *pass) turn(a complex64) complex64 {
	return complex(-imag(a)*p.quarter, real(a)*p.quarter)
}

// four transforms 4 numbers.
func (p *pass) four(v *[largestFactor]complex64) {
	even, rest := v[0]+v[2], v[1]+v[3]
	diff, turned := v[0]-v[2], p.turn(v[1]-v[3])
	v[0], v[2] = even+rest, even-rest
	v[1], v[3] = diff+turned, diff-turned
}

// halfRoot is the square root of one half.
const halfRoot = 0.707106781186547524400844362104849039

// eighth returns a times the root of order 8, rounded before it is added to anything.
func (p *pass) eighth(a complex64) complex64 {
	return complex(float32(halfRoot*(real(a)-imag(a)*p.quarter)), float32(halfRoot*(imag(a)+real(a)*p.quarter)))
}

// threeEighths returns a times the third power of the root of order 8.
func (p *pass) threeEighths(a complex64) complex64 {
	return complex(float32(halfRoot*(-imag(a)*p.quarter-real(a))), float32(halfRoot*(real(a)*p.quarter-imag(a))))
}

// eight transforms 8 numbers.
func (p *pass) eight(v *[largestFactor]complex64) {
	a1, a5 := v[1]+v[5], v[1]-v[5]
	a3, a7 := v[3]+v[7], p.turn(v[3]-v[7])
	a1, a3 = a1+a3, p.turn(a1-a3)
	a5, a7 = p.eighth(a5+a7), p.threeEighths(a5-a7)
	a0, a4 := v[0]+v[4], v[0]-v[4]
	a2, a6 := v[2]+v[6], p.turn(v[2]-v[6])
	even, diff := a0+a2, a0-a2
	v[0], v[4] = even+a1, even-a1
	v[2], v[6] = diff+a3, diff-a3
	even, diff = a4+a6, a4-a6
	v[1], v[5] = even+a5, even-a5
	v[3], v[7] = diff+a7, diff-a7
}

// odd transforms radix numbers, an odd prime: opposite numbers are added and subtracted, then summed up with the real and
// the imaginary parts of the roots.
func (p *pass) odd(v *[largestFactor]complex64) {
	var sum, diff [largestFactor / 2]complex64
	half := p.radix / 2
	first, total := v[0], v[0]
	for j := range half {
		sum[j], diff[j] = v[j+1]+v[p.radix-1-j], v[j+1]-v[p.radix-1-j]
		total = total + sum[j]
	}
	v[0] = total
	for l := 1; l <= half; l++ {
		a := first
		var b complex64
		for j := range half {
			w := p.roots[l*(j+1)%p.radix]
			a += complex(float32(real(w)*real(sum[j])), float32(real(w)*imag(sum[j])))
			b += complex(-float32(imag(w)*imag(diff[j])), float32(imag(w)*real(diff[j])))
		}
		v[l], v[p.radix-l] = a+b, a-b
	}
}
