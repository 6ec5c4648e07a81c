package sym

// Div returns e/d rounded towards minus infinity.
func (e Expr) Div(d Expr) Expr {
	if bad, ok := invalid(e, d); ok {
		return bad
	}
	if d.p == nil {
		switch d.c {
		case 0:
			return divByZero
		case 1:
			return e
		case -1:
			return e.Neg()
		}
		if e.p == nil {
			q, ok := divInt(e.c, d.c)
			if !ok {
				return overflow
			}
			return Const(q)
		}
	}
	if d.leading().coef < 0 {
		return e.Neg().Div(d.Neg())
	}
	q, r := divide(e, d)
	if bad, ok := invalid(q, r); ok {
		return bad
	}
	if r.p == nil && r.c == 0 {
		return q
	}
	return q.Add(floorOf(r, d))
}

// CeilDiv returns e/d rounded towards plus infinity.
func (e Expr) CeilDiv(d Expr) Expr {
	if d.Err() == nil && d.leading().coef < 0 {
		return e.Neg().CeilDiv(d.Neg())
	}
	if d.p != nil && d.NonNegative() || e.p != nil && d.p == nil {
		return e.Add(d).Sub(Const(1)).Div(d)
	}
	return e.Neg().Div(d).Neg()
}

// Mod returns e-d*floor(e/d), the remainder with the sign of d.
func (e Expr) Mod(d Expr) Expr { return e.Sub(d.Mul(e.Div(d))) }

// leading returns the greatest term of e.
func (e Expr) leading() term {
	if e.p == nil {
		return term{e.c, one}
	}
	return e.p.terms[0]
}

// divide returns q and r with e = q*d + r. For a divisor of one term r is
// fully reduced; for others the division must be exact, or q is zero.
func divide(e, d Expr) (q, r Expr) {
	lead := d.leading()
	sum := d.p != nil && (len(d.p.terms) > 1 || d.c != 0)
	rest := e
	for rest.p != nil || rest.c != 0 {
		t := rest.leading()
		m, ok := divMono(t.mono, lead.mono)
		c, fits := divInt(t.coef, lead.coef)
		if !fits {
			return overflow, overflow
		}
		exact := ok && c*lead.coef == t.coef
		if sum && !exact {
			return Expr{}, e
		}
		if ok && c != 0 {
			part := Const(1).scale(c, m)
			q = q.Add(part)
			rest = rest.Sub(d.Mul(part))
			t.coef -= c * lead.coef
		}
		if t.coef != 0 {
			kept := Const(1).scale(t.coef, t.mono)
			r, rest = r.Add(kept), rest.Sub(kept)
		}
		if bad, ok := invalid(q, rest); ok {
			return bad, bad
		}
	}
	return q, r
}

// floorOf returns floor(r/d) for operands that divide has reduced and that are
// not both constant: common factors are cancelled, nested divisions joined.
func floorOf(r, d Expr) Expr {
	if m := commonMono(r, d); m.degree > 0 {
		return divideTerms(r, 1, m).Div(divideTerms(d, 1, m))
	}
	positive := d.NonNegative()
	if g := content(r, d); g > 1 && (positive || r.c%g == 0) {
		return divideTerms(r, g, one).Div(divideTerms(d, g, one))
	}
	if inner, ok := r.single(floorDiv); ok && positive && inner.args[1].NonNegative() {
		x, a := inner.args[0], inner.args[1]
		n, by := x.Add(a.Mul(Const(r.c))), a.Mul(d)
		if n.Err() == nil && by.Err() == nil {
			return n.Div(by)
		}
	}
	return funcExpr(floorDiv, r, d)
}

// single returns the atom a when e is a+constant and a is of the kind.
func (e Expr) single(k kind) (*atom, bool) {
	if e.p == nil || len(e.p.terms) != 1 {
		return nil, false
	}
	t := e.p.terms[0]
	if t.coef != 1 || t.mono.degree != 1 || t.mono.factors[0].atom.kind != k {
		return nil, false
	}
	return t.mono.factors[0].atom, true
}

// content returns the greatest common divisor of all coefficients of d and of
// those of r except its constant.
func content(r, d Expr) int64 {
	g := d.c
	for _, e := range []Expr{r, d} {
		if e.p == nil {
			continue
		}
		for _, t := range e.p.terms {
			g = gcd(g, t.coef)
		}
	}
	return g
}

// commonMono returns the greatest monomial that divides every term of r and d.
func commonMono(r, d Expr) *mono {
	if r.c != 0 || d.c != 0 || r.p == nil || d.p == nil {
		return one
	}
	var common []factor
	for _, f := range d.p.terms[0].mono.factors {
		for _, e := range []Expr{r, d} {
			for _, t := range e.p.terms {
				f.pow = min(f.pow, t.mono.power(f.atom))
			}
		}
		if f.pow > 0 {
			common = append(common, f)
		}
	}
	return newMono(common)
}

func (m *mono) power(a *atom) int {
	for _, f := range m.factors {
		if f.atom.key == a.key {
			return f.pow
		}
	}
	return 0
}

// divideTerms divides each term of e by g*m, of which it must be a multiple;
// the constant is divided by g and rounded down.
func divideTerms(e Expr, g int64, m *mono) Expr {
	c, _ := divInt(e.c, g)
	sum := Const(c)
	if e.p == nil {
		return sum
	}
	for _, t := range e.p.terms {
		q, _ := divMono(t.mono, m)
		sum = sum.Add(Const(1).scale(t.coef/g, q))
	}
	return sum
}
