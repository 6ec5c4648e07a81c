package sym

import (
	"cmp"
	"slices"
)

// Lower returns a value that e never falls below, given that symbols are
// non-negative and divisors are not zero; ok is false when none is known.
func (e Expr) Lower() (low int64, ok bool) {
	if e.p == nil {
		return e.c, true
	}
	if e.p.err != nil {
		return 0, false
	}
	low = e.c
	for _, t := range e.p.terms {
		v := t.coef
		single := t.mono.degree == 1
		if v < 0 {
			high, ok := t.mono.factors[0].atom.upper()
			if !ok || !single {
				return 0, false
			}
			if v, ok = mulInt(v, high); !ok {
				return 0, false
			}
			if low, ok = addInt(low, v); !ok {
				return 0, false
			}
			continue
		}
		for _, f := range t.mono.factors {
			x, ok := f.atom.lower()
			if !ok || x < 0 && !single {
				return 0, false
			}
			for range f.pow {
				if v, ok = mulInt(v, x); !ok {
					return 0, false
				}
			}
		}
		if low, ok = addInt(low, v); !ok {
			return 0, false
		}
	}
	return low, true
}

// NonNegative reports whether e is known to be at least zero.
func (e Expr) NonNegative() bool {
	low, ok := e.Lower()
	return ok && low >= 0
}

func (a *atom) lower() (int64, bool) {
	switch a.kind {
	case symbol:
		return 0, true
	case floorDiv:
		n, ok := a.args[0].Lower()
		if d, isConst := a.args[1].Const(); isConst && ok {
			return divInt(n, d)
		}
		return 0, ok && n >= 0 && a.args[1].NonNegative()
	}
	var low int64
	known := 0
	for _, x := range a.args {
		v, ok := x.Lower()
		switch {
		case !ok:
			continue
		case known == 0:
			low = v
		case a.kind == maximum:
			low = max(low, v)
		default:
			low = min(low, v)
		}
		known++
	}
	return low, known == len(a.args) || known > 0 && a.kind == maximum
}

// upper returns a value that a never exceeds, where a is a minimum with a constant.
func (a *atom) upper() (high int64, ok bool) {
	if a.kind != minimum {
		return 0, false
	}
	for _, x := range a.args {
		if v, isConst := x.Const(); isConst && (!ok || v < high) {
			high, ok = v, true
		}
	}
	return high, ok
}

// withoutImplied returns an expression that is 0 exactly when e is, where e is a sum of non-negative terms: minimums
// that are 0 whenever the rest is are left out, as min(n,1) in n+min(n,1).
func withoutImplied(e Expr) Expr {
	if e.p == nil || e.c != 0 || e.Err() != nil {
		return e
	}
	for _, t := range e.p.terms {
		a := t.mono.factors[0].atom
		if t.coef < 0 || t.mono.degree != 1 || a.kind != minimum {
			continue
		}
		atom := funcExpr(minimum, a.args...)
		rest := e.Sub(atom.Mul(Const(t.coef)))
		settled := func(x Expr) bool { return rest.Sub(x).NonNegative() }
		if atom.NonNegative() && rest.NonNegative() && slices.ContainsFunc(a.args, settled) {
			return withoutImplied(rest)
		}
	}
	return e
}

// Max returns the greater of e and f.
func (e Expr) Max(f Expr) Expr { return extreme(maximum, e, f) }

// Min returns the smaller of e and f.
func (e Expr) Min(f Expr) Expr { return extreme(minimum, e, f) }

// extreme builds a maximum or minimum. Nested ones of the same kind are
// joined, operands that another one makes superfluous are dropped, and a
// common constant is drawn out, so max(n+1,k+1) equals max(n,k)+1.
func extreme(k kind, e, f Expr) Expr {
	if bad, ok := invalid(e, f); ok {
		return bad
	}
	var args []Expr
	for _, x := range append(operands(k, e), operands(k, f)...) {
		if x.Err() != nil {
			return x
		}
		args = addOperand(k, args, x)
	}
	if len(args) == 1 {
		return args[0]
	}
	if len(args) > maxArgs {
		return tooLarge
	}
	if k == minimum && len(args) == 2 {
		for i, x := range args {
			if v, isConst := x.Const(); isConst && v == 1 {
				args[1-i] = withoutImplied(args[1-i])
			}
		}
	}
	slices.SortFunc(args, compareOperands)
	shift := args[0].c
	for i := range args {
		if args[i] = args[i].Sub(Const(shift)); args[i].Err() != nil {
			return args[i]
		}
	}
	return funcExpr(k, args...).Add(Const(shift))
}

// operands returns the operands of e when e is a function of kind k plus a
// constant, else e.
func operands(k kind, e Expr) []Expr {
	a, ok := e.single(k)
	if !ok {
		return []Expr{e}
	}
	list := make([]Expr, len(a.args))
	for i, x := range a.args {
		list[i] = x.Add(Const(e.c))
	}
	return list
}

// addOperand adds x to args unless one of them is known to win over it, and
// removes those that x is known to win over.
func addOperand(k kind, args []Expr, x Expr) []Expr {
	wins := func(a, b Expr) bool {
		if k == minimum {
			a, b = b, a
		}
		return atLeast(a, b)
	}
	for _, a := range args {
		if wins(a, x) {
			return args
		}
	}
	return append(slices.DeleteFunc(args, func(a Expr) bool { return wins(x, a) }), x)
}

// atLeast reports whether a is known to be b or more: their difference is known, or an operand of a maximum a or of a
// minimum b settles it.
func atLeast(a, b Expr) bool {
	above := func(x Expr) bool { return x.Sub(b).NonNegative() }
	below := func(x Expr) bool { return a.Sub(x).NonNegative() }
	return above(a) || slices.ContainsFunc(operands(maximum, a), above) || slices.ContainsFunc(operands(minimum, b), below)
}

// compareOperands orders operands by their polynomial, constants last.
func compareOperands(a, b Expr) int {
	switch {
	case a.p == nil && b.p == nil:
		return cmp.Compare(a.c, b.c)
	case a.p == nil:
		return 1
	case b.p == nil:
		return -1
	}
	return cmp.Compare(a.p.key, b.p.key)
}
