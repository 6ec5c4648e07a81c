package sym

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Add returns e+f.
func (e Expr) Add(f Expr) Expr {
	if bad, ok := invalid(e, f); ok {
		return bad
	}
	c, ok := addInt(e.c, f.c)
	if !ok {
		return overflow
	}
	switch {
	case f.p == nil:
		return Expr{c, e.p}
	case e.p == nil:
		return Expr{c, f.p}
	}
	terms := make([]term, 0, len(e.p.terms)+len(f.p.terms))
	a, b := e.p.terms, f.p.terms
	for len(a) > 0 && len(b) > 0 {
		switch order := compareMono(a[0].mono, b[0].mono); {
		case order > 0:
			terms, a = append(terms, a[0]), a[1:]
		case order < 0:
			terms, b = append(terms, b[0]), b[1:]
		default:
			sum, ok := addInt(a[0].coef, b[0].coef)
			if !ok {
				return overflow
			}
			if sum != 0 {
				terms = append(terms, term{sum, a[0].mono})
			}
			a, b = a[1:], b[1:]
		}
	}
	return newExpr(c, append(append(terms, a...), b...))
}

// Sub returns e-f.
func (e Expr) Sub(f Expr) Expr { return e.Add(f.Neg()) }

// Neg returns -e.
func (e Expr) Neg() Expr { return e.scale(-1, one) }

// Mul returns e*f.
func (e Expr) Mul(f Expr) Expr {
	if bad, ok := invalid(e, f); ok {
		return bad
	}
	if f.p == nil {
		e, f = f, e
	}
	if e.p == nil {
		return f.scale(e.c, one)
	}
	sum := f.scale(e.c, one)
	for _, t := range e.p.terms {
		sum = sum.Add(f.scale(t.coef, t.mono))
	}
	return sum
}

// scale returns e*c*m.
func (e Expr) scale(c int64, m *mono) Expr {
	if e.Err() != nil {
		return e
	}
	if c == 0 {
		return Expr{}
	}
	if c == 1 && m == one {
		return e
	}
	k, ok := mulInt(e.c, c)
	if !ok {
		return overflow
	}
	var terms []term
	if e.p != nil {
		terms = make([]term, 0, len(e.p.terms)+1)
		for _, t := range e.p.terms {
			coef, ok := mulInt(t.coef, c)
			if !ok {
				return overflow
			}
			terms = append(terms, term{coef, mulMono(t.mono, m)})
		}
	}
	if m != one && k != 0 {
		terms, k = append(terms, term{k, m}), 0
	}
	return newExpr(k, terms)
}

// newExpr returns c plus terms, which must be sorted, distinct and without
// zero coefficients. It takes terms over.
func newExpr(c int64, terms []term) Expr {
	if len(terms) == 0 {
		return Expr{c: c}
	}
	if len(terms) > maxTerms || terms[0].mono.degree > maxDegree {
		return tooLarge
	}
	if len(terms) == 1 && terms[0].coef == 1 {
		return limit(Expr{c, &poly{terms: terms, key: terms[0].mono.key}})
	}
	var b strings.Builder
	for i, t := range terms {
		if i > 0 && t.coef > 0 {
			b.WriteByte('+')
		}
		switch t.coef {
		case 1:
		case -1:
			b.WriteByte('-')
		default:
			b.WriteString(strconv.FormatInt(t.coef, 10))
			b.WriteByte('*')
		}
		b.WriteString(t.mono.key)
	}
	return limit(Expr{c, &poly{terms: terms, key: b.String()}})
}

// limit returns e, or tooLarge when its key is too long.
func limit(e Expr) Expr {
	if len(e.p.key) > maxKey {
		return tooLarge
	}
	return e
}

// invalid returns the first invalid expression of the two.
func invalid(e, f Expr) (Expr, bool) {
	if e.Err() != nil {
		return e, true
	}
	return f, f.Err() != nil
}

// compareMono orders monomials by degree, then alphabetically symbols
// before functions, with the first atom as the greatest. The order is kept by
// multiplication, which polynomial division relies on.
func compareMono(a, b *mono) int {
	if a == b || a.key == b.key {
		return 0
	}
	if a.degree != b.degree {
		return cmp.Compare(a.degree, b.degree)
	}
	for i := range min(len(a.factors), len(b.factors)) {
		x, y := a.factors[i], b.factors[i]
		if order := compareAtom(y.atom, x.atom); order != 0 {
			return order
		}
		if x.pow != y.pow {
			return cmp.Compare(x.pow, y.pow)
		}
	}
	return cmp.Compare(len(a.factors), len(b.factors))
}

// compareAtom orders symbols before functions, each by key.
func compareAtom(a, b *atom) int {
	if (a.kind == symbol) != (b.kind == symbol) {
		if a.kind == symbol {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.key, b.key)
}

// mulMono returns the product of two monomials.
func mulMono(a, b *mono) *mono {
	if a.degree == 0 {
		return b
	}
	if b.degree == 0 {
		return a
	}
	factors := slices.Clone(a.factors)
	for _, f := range b.factors {
		i, found := slices.BinarySearchFunc(factors, f.atom, func(x factor, a *atom) int { return compareAtom(x.atom, a) })
		if found {
			factors[i].pow += f.pow
		} else {
			factors = slices.Insert(factors, i, f)
		}
	}
	return newMono(factors)
}

// divMono returns a/b when b divides a.
func divMono(a, b *mono) (*mono, bool) {
	if b.degree == 0 {
		return a, true
	}
	if b.degree > a.degree {
		return nil, false
	}
	factors := make([]factor, 0, len(a.factors))
	rest := b.factors
	for _, f := range a.factors {
		if len(rest) > 0 && rest[0].atom.key == f.atom.key {
			f.pow -= rest[0].pow
			rest = rest[1:]
		}
		if f.pow < 0 {
			return nil, false
		}
		if f.pow > 0 {
			factors = append(factors, f)
		}
	}
	return newMono(factors), len(rest) == 0
}

func newMono(factors []factor) *mono {
	if len(factors) == 0 {
		return one
	}
	m := &mono{factors: factors}
	var b strings.Builder
	for i, f := range factors {
		m.degree += f.pow
		if i > 0 {
			b.WriteByte('*')
		}
		b.WriteString(f.atom.key)
		if f.pow > 1 {
			b.WriteByte('^')
			b.WriteString(strconv.Itoa(f.pow))
		}
	}
	m.key = b.String()
	return m
}

func addInt(a, b int64) (int64, bool) {
	s := a + b
	return s, (a^s)&(b^s) >= 0
}

func mulInt(a, b int64) (int64, bool) {
	if a == int64(int32(a)) && b == int64(int32(b)) {
		return a * b, true
	}
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if hi != 0 {
		return 0, false
	}
	if (a < 0) == (b < 0) {
		return int64(lo), lo <= math.MaxInt64
	}
	return -int64(lo), lo <= 1<<63
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// divInt returns a/b rounded towards minus infinity; b must not be zero.
func divInt(a, b int64) (int64, bool) {
	if b == -1 {
		return -a, a != math.MinInt64
	}
	q := a / b
	if (a%b != 0) && ((a < 0) != (b < 0)) {
		q--
	}
	return q, true
}

func gcd(a, b int64) int64 {
	x, y := magnitude(a), magnitude(b)
	for y != 0 {
		x, y = y, x%y
	}
	return int64(x)
}
