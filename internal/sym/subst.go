package sym

// Subst returns e with every symbol that the map names replaced.
func (e Expr) Subst(with map[string]Expr) Expr {
	if e.p == nil || e.p.err != nil || len(with) == 0 {
		return e
	}
	touched := false
	e.eachAtom(func(a *atom) {
		if a.kind == symbol {
			_, ok := with[a.name]
			touched = touched || ok
		}
	})
	if !touched {
		return e
	}
	sum := Const(e.c)
	for _, t := range e.p.terms {
		product := Const(t.coef)
		for _, f := range t.mono.factors {
			x := f.atom.subst(with)
			for range f.pow {
				product = product.Mul(x)
			}
		}
		sum = sum.Add(product)
	}
	return sum
}

func (a *atom) subst(with map[string]Expr) Expr {
	if a.kind == symbol {
		if x, ok := with[a.name]; ok {
			return x
		}
		return atomExpr(a)
	}
	value := a.args[0].Subst(with)
	for _, x := range a.args[1:] {
		switch y := x.Subst(with); a.kind {
		case floorDiv:
			value = value.Div(y)
		case maximum:
			value = value.Max(y)
		default:
			value = value.Min(y)
		}
	}
	return value
}

// Value evaluates e. It fails when known does not know a symbol, on overflow
// and on division by zero. A Program does the same for many expressions fast.
func (e Expr) Value(known func(string) (int64, bool)) (int64, bool) {
	if e.p == nil {
		return e.c, true
	}
	if e.p.err != nil {
		return 0, false
	}
	sum := e.c
	for _, t := range e.p.terms {
		v, ok := t.value(nil, known)
		if !ok {
			return 0, false
		}
		if sum, ok = addInt(sum, v); !ok {
			return 0, false
		}
	}
	return sum, true
}

// value evaluates a term, leaving out the atom skip.
func (t term) value(skip *atom, known func(string) (int64, bool)) (int64, bool) {
	v := t.coef
	for _, f := range t.mono.factors {
		if f.atom == skip {
			continue
		}
		x, ok := f.atom.value(known)
		if !ok {
			return 0, false
		}
		for range f.pow {
			if v, ok = mulInt(v, x); !ok {
				return 0, false
			}
		}
	}
	return v, true
}

func (a *atom) value(known func(string) (int64, bool)) (int64, bool) {
	if a.kind == symbol {
		return known(a.name)
	}
	v, ok := a.args[0].Value(known)
	for _, x := range a.args[1:] {
		y, okY := x.Value(known)
		if !ok || !okY {
			return 0, false
		}
		switch a.kind {
		case floorDiv:
			if y == 0 {
				return 0, false
			}
			v, ok = divInt(v, y)
		case maximum:
			v = max(v, y)
		default:
			v = min(v, y)
		}
	}
	return v, ok
}

// SolveFor returns the integer that the symbol must have for e to be value.
// It fails unless e is linear in the symbol with a coefficient that is not
// zero, known gives every other symbol of e, and the solution is an integer.
func (e Expr) SolveFor(sym string, value int64, known func(string) (int64, bool)) (int64, bool) {
	if e.p == nil || e.p.err != nil {
		return 0, false
	}
	rest, slope := e.c, int64(0)
	for _, t := range e.p.terms {
		a, ok := t.mono.linear(sym)
		if !ok {
			return 0, false
		}
		v, ok := t.value(a, known)
		if !ok {
			return 0, false
		}
		into := &rest
		if a != nil {
			into = &slope
		}
		if *into, ok = addInt(*into, v); !ok {
			return 0, false
		}
	}
	if slope == 0 {
		return 0, false
	}
	gap, ok := addInt(value, -rest)
	if !ok || -rest == rest && rest != 0 || gap%slope != 0 {
		return 0, false
	}
	return divInt(gap, slope)
}

// linear returns the atom of the symbol in m, nil when m does not contain it;
// ok is false when m contains it in any other way than once as a factor.
func (m *mono) linear(sym string) (found *atom, ok bool) {
	for _, f := range m.factors {
		if f.atom.kind == symbol && f.atom.name == sym {
			if f.pow != 1 {
				return nil, false
			}
			found = f.atom
		}
		for _, x := range f.atom.args {
			if x.Has(sym) {
				return nil, false
			}
		}
	}
	return found, true
}
