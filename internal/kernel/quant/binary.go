package quant

// Sum adds numbers given as bytes. The tables hold what each byte of an input contributes, in steps of the result.
type Sum[T Byte] struct {
	a, b [256]float32
	r    rounder
}

// Set makes s the sum of numbers of the meanings a and b as bytes of the meaning y.
func (s *Sum[T]) Set(a, b, y Params) {
	for i := range s.a {
		s.a[i] = float32(int32(T(i))-a.Zero) * (a.Scale / y.Scale)
		s.b[i] = float32(int32(T(i))-b.Zero) * (b.Scale / y.Scale)
	}
	s.r = newRounder[T](y.Zero)
}

// Apply sets dst[i] to the sum of a[i] and b[i]. Each input may have length 1.
func (s *Sum[T]) Apply(dst, a, b []T) {
	ma, mb := mask(len(a), len(dst)), mask(len(b), len(dst))
	for i := range dst {
		dst[i] = T(s.r.round(s.a[uint8(a[i&ma])] + s.b[uint8(b[i&mb])]))
	}
}

// Product multiplies numbers given as bytes.
type Product[T Byte] struct {
	a, b  int32 // zero points
	scale float32
	r     rounder
}

// Set makes p the product of numbers of the meanings a and b as bytes of the meaning y.
func (p *Product[T]) Set(a, b, y Params) {
	p.a, p.b, p.scale, p.r = a.Zero, b.Zero, a.Scale*b.Scale/y.Scale, newRounder[T](y.Zero)
}

// Apply sets dst[i] to the product of a[i] and b[i]. Each input may have length 1.
func (p *Product[T]) Apply(dst, a, b []T) {
	ma, mb := mask(len(a), len(dst)), mask(len(b), len(dst))
	for i := range dst {
		v := (int32(a[i&ma]) - p.a) * (int32(b[i&mb]) - p.b)
		dst[i] = T(p.r.round(float32(float32(v) * p.scale)))
	}
}

// mask returns what the index of an input of n elements is combined with for a result of m elements.
func mask(n, m int) int {
	if n == 1 && m > 1 {
		return 0
	}
	return -1
}
