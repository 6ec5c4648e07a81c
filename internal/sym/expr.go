package sym

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Limits that keep expressions built from hostile models small. Beyond them
// the result is invalid with ErrTooLarge.
const (
	maxTerms  = 64
	maxDegree = 24
	maxKey    = 2048
	maxArgs   = 16
)

// Errors that an invalid expression or an evaluation reports.
var (
	// ErrOverflow says that a value does not fit in int64.
	ErrOverflow = errors.New("sym: value does not fit in int64")
	// ErrDivideByZero says that a divisor was zero.
	ErrDivideByZero = errors.New("sym: division by zero")
	// ErrTooLarge says that an expression outgrew the limits of this package.
	ErrTooLarge = errors.New("sym: expression is too large")
)

// Expr is a symbolic integer: a constant plus a polynomial without constant
// term. The zero value is the constant 0. Expr is two words; copy it freely,
// compare it with Equal.
type Expr struct {
	c int64
	p *poly // nil for a constant
}

// poly is a sum of terms in descending monomial order, or the mark of an
// invalid expression when err is set.
type poly struct {
	terms []term
	key   string
	err   error
}

type term struct {
	coef int64
	mono *mono
}

// mono is a product of atoms in the order of compareAtom. The empty product is one.
type mono struct {
	factors []factor
	degree  int
	key     string
}

type factor struct {
	atom *atom
	pow  int
}

type kind uint8

const (
	symbol kind = iota
	floorDiv
	maximum
	minimum
)

// atom is a variable of a polynomial: a symbol or an opaque function.
type atom struct {
	kind kind
	name string // of a symbol
	args []Expr
	key  string
}

var one = &mono{}

var (
	overflow  = Expr{p: &poly{key: "<overflow>", err: ErrOverflow}}
	divByZero = Expr{p: &poly{key: "<division by zero>", err: ErrDivideByZero}}
	tooLarge  = Expr{p: &poly{key: "<too large>", err: ErrTooLarge}}
)

// Const returns the constant v.
func Const(v int64) Expr { return Expr{c: v} }

// Symbol returns the expression that consists of the symbol with this name.
// Any string is a valid name.
func Symbol(name string) Expr {
	key := name
	if !isIdent(name) {
		key = strconv.Quote(name)
	}
	return atomExpr(&atom{kind: symbol, name: name, key: key})
}

// isIdent reports whether a name can stand in a key without quotes.
func isIdent(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		inner := r == '.' || r == ':' || r == '/' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !inner) {
			return false
		}
	}
	return s != ""
}

// Const returns the value of e when e is a constant.
func (e Expr) Const() (int64, bool) { return e.c, e.p == nil }

// Err returns nil, or why e is invalid: ErrOverflow, ErrDivideByZero or
// ErrTooLarge.
func (e Expr) Err() error {
	if e.p == nil {
		return nil
	}
	return e.p.err
}

// Equal reports whether e and f have the same canonical form, and so the same
// value for all values of the symbols. An invalid expression equals nothing.
func (e Expr) Equal(f Expr) bool {
	if e.c != f.c || e.Err() != nil || f.Err() != nil {
		return false
	}
	if e.p == nil || f.p == nil {
		return e.p == f.p
	}
	return e.p == f.p || e.p.key == f.p.key
}

// Key returns the canonical text of e: two valid expressions are Equal exactly
// when their keys are.
func (e Expr) Key() string {
	switch {
	case e.p == nil:
		return strconv.FormatInt(e.c, 10)
	case e.p.err != nil || e.c == 0:
		return e.p.key
	case e.c > 0:
		return e.p.key + "+" + strconv.FormatInt(e.c, 10)
	}
	return e.p.key + strconv.FormatInt(e.c, 10)
}

// String returns the same text as Key, for example 2*n*k+floor((h+1)/2)-1.
// Names that are not identifiers are quoted.
func (e Expr) String() string { return e.Key() }

// Symbols returns the names of all symbols in e, sorted, each once.
func (e Expr) Symbols() []string {
	var names []string
	e.eachAtom(func(a *atom) {
		if a.kind == symbol {
			names = append(names, a.name)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// Has reports whether the symbol with this name occurs in e.
func (e Expr) Has(name string) bool {
	found := false
	e.eachAtom(func(a *atom) { found = found || a.kind == symbol && a.name == name })
	return found
}

// eachAtom calls f for every atom of e, inner ones included.
func (e Expr) eachAtom(f func(*atom)) {
	if e.p == nil {
		return
	}
	for _, t := range e.p.terms {
		for _, x := range t.mono.factors {
			f(x.atom)
			for _, arg := range x.atom.args {
				arg.eachAtom(f)
			}
		}
	}
}

// atomExpr returns the expression 1*a.
func atomExpr(a *atom) Expr {
	if len(a.key) > maxKey {
		return tooLarge
	}
	m := &mono{factors: []factor{{a, 1}}, degree: 1, key: a.key}
	return Expr{p: &poly{terms: []term{{1, m}}, key: a.key}}
}

// funcExpr returns the expression that applies an opaque function.
func funcExpr(k kind, args ...Expr) Expr {
	var b strings.Builder
	if k == floorDiv {
		b.WriteString("floor(")
		writeOperand(&b, args[0], false)
		b.WriteByte('/')
		writeOperand(&b, args[1], true)
	} else {
		name := "max("
		if k == minimum {
			name = "min("
		}
		b.WriteString(name)
		for i, x := range args {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(x.Key())
		}
	}
	b.WriteByte(')')
	return atomExpr(&atom{kind: k, args: args, key: b.String()})
}

// writeOperand writes an operand of a division, in brackets when it is a sum
// or, for a divisor, a product.
func writeOperand(b *strings.Builder, e Expr, divisor bool) {
	single := e.p == nil || len(e.p.terms) == 1 && e.c == 0
	if single && divisor && e.p != nil {
		t := e.p.terms[0]
		single = t.coef == 1 && t.mono.degree == 1
	}
	if single {
		b.WriteString(e.Key())
		return
	}
	b.WriteByte('(')
	b.WriteString(e.Key())
	b.WriteByte(')')
}
