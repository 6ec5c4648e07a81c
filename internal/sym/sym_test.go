package sym_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/sym"
)

var (
	batch = sym.Symbol("batch")
	h     = sym.Symbol("h")
	k     = sym.Symbol("k")
	n     = sym.Symbol("n")
)

func c(v int64) sym.Expr { return sym.Const(v) }

func TestCanonicalForm(t *testing.T) {
	odd := sym.Symbol("past + seq")
	for _, tc := range []struct {
		got  sym.Expr
		want string
	}{
		{sym.Expr{}, "0"},
		{n.Add(k), "k+n"},
		{k.Add(n).Sub(k), "n"},
		{n.Mul(k).Mul(c(2)).Add(n).Sub(c(3)), "2*k*n+n-3"},
		{n.Neg().Sub(k), "-k-n"},
		{n.Add(c(1)).Mul(n.Sub(c(1))), "n^2-1"},
		{n.Add(k).Mul(n.Add(k)), "k^2+2*k*n+n^2"},
		{n.Mul(k).Mul(c(2)).Div(k.Mul(c(2))), "n"},
		{n.Mul(n.Add(k)).Div(n.Add(k)), "n"},
		{n.Mul(c(6)).Add(c(4)).Div(c(2)), "3*n+2"},
		{h.Sub(c(3)).Div(c(2)).Add(c(1)), "floor((h+1)/2)-1"},
		{h.CeilDiv(c(2)), "floor((h+1)/2)"},
		{h.Add(c(1)).Div(c(2)).Add(c(1)).Div(c(2)), "floor((h+3)/4)"},
		{h.Mul(c(3)).Div(c(2)), "h+floor(h/2)"},
		{h.Mul(c(4)).Add(c(3)).Div(c(6)), "floor((2*h+1)/3)"},
		{n.Mul(h).Div(k.Mul(h)), "floor(n/k)"},
		{n.Mul(c(2)).Add(c(1)).Div(k.Mul(c(2))), "floor(n/k)"},
		{n.Div(k).Div(h), "floor(n/(h*k))"},
		{n.Div(c(-2)), "-n+floor(n/2)"},
		{n.Mod(c(1)), "0"},
		{n.Mod(c(8)), "n-8*floor(n/8)"},
		{c(-7).Mod(c(3)), "2"},
		{c(-7).CeilDiv(c(3)), "-2"},
		{n.Max(c(0)), "n"},
		{n.Max(n), "n"},
		{n.Add(k).Max(n), "k+n"},
		{n.Add(k).Min(n), "n"},
		{n.Add(c(1)).Max(k.Add(c(1))), "max(k,n)+1"},
		{n.Max(k).Max(h), "max(h,k,n)"},
		{n.Sub(c(3)).Max(c(0)), "max(n,3)-3"},
		{n.Sub(c(3)).Max(c(0)).Max(c(0)), "max(n,3)-3"},
		{n.Min(c(5)).Min(c(7)), "min(n,5)"},
		{n.Max(n.Min(c(5))), "n"},
		{n.Add(n.Min(c(1))).Min(c(1)), "min(n,1)"},
		{n.Add(n.Min(c(1))).Min(n.Add(c(1))), "n+min(n,1)"},
		{n.Min(k).Max(k), "k"},
		{n.Max(k).Min(n), "n"},
		{c(3).Max(c(5)), "5"},
		{odd.Mul(c(2)), `2*"past + seq"`},
		{sym.Symbol("").Add(c(1)), `""+1`},
		{sym.Symbol("data:0"), "data:0"},
	} {
		if got := tc.got.String(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestEqual(t *testing.T) {
	if !n.Add(k).Equal(k.Add(n)) || n.Equal(k) || n.Equal(n.Add(c(1))) || c(1).Equal(n) {
		t.Error("Equal disagrees with the canonical form")
	}
	conv := func(x sym.Expr) sym.Expr { return x.Add(c(2 - 3)).Div(c(2)).Add(c(1)) }
	pool := func(x sym.Expr) sym.Expr { return x.CeilDiv(c(2)) }
	if !conv(conv(conv(h))).Equal(pool(pool(pool(h)))) {
		t.Errorf("%s and %s should be equal", conv(conv(conv(h))), pool(pool(pool(h))))
	}
	if v, ok := n.Sub(n).Add(c(4)).Const(); v != 4 || !ok {
		t.Errorf("n-n+4 = %d, %v", v, ok)
	}
}

func TestInvalid(t *testing.T) {
	big := c(math.MaxInt64)
	wide, tower := c(1), n
	for range 40 {
		wide = wide.Mul(n.Add(k).Add(h).Add(batch))
		tower = tower.Mul(tower)
	}
	long := n
	for range 600 {
		long = long.Div(k).Add(h.Max(long))
	}
	for _, tc := range []struct {
		got  sym.Expr
		want error
	}{
		{big.Add(c(1)), sym.ErrOverflow},
		{n.Mul(big).Mul(c(2)), sym.ErrOverflow},
		{n.Mul(big).Add(n), sym.ErrOverflow},
		{c(math.MinInt64).Neg(), sym.ErrOverflow},
		{c(math.MinInt64).Div(c(-1)), sym.ErrOverflow},
		{n.Div(c(0)), sym.ErrDivideByZero},
		{n.Mod(c(0)), sym.ErrDivideByZero},
		{n.CeilDiv(c(0)), sym.ErrDivideByZero},
		{c(1).CeilDiv(c(0)), sym.ErrDivideByZero},
		{n.Div(k).Subst(map[string]sym.Expr{"k": c(0)}), sym.ErrDivideByZero},
		{wide, sym.ErrTooLarge},
		{tower, sym.ErrTooLarge},
		{long, sym.ErrTooLarge},
		{sym.Symbol(strings.Repeat("x", 1<<16)), sym.ErrTooLarge},
	} {
		if !errors.Is(tc.got.Err(), tc.want) {
			t.Errorf("%.80s: error %v, want %v", tc.got, tc.got.Err(), tc.want)
			continue
		}
		for _, e := range []sym.Expr{
			tc.got.Add(n), n.Add(tc.got), n.Sub(tc.got), tc.got.Mul(c(0)), n.Mul(tc.got), tc.got.Neg(), tc.got.Div(n), n.Div(tc.got),
			n.CeilDiv(tc.got), n.Mod(tc.got), n.Max(tc.got), tc.got.Min(n), tc.got.Subst(map[string]sym.Expr{"n": c(1)}),
		} {
			if !errors.Is(e.Err(), tc.want) {
				t.Errorf("an operation on an invalid expression gave %s, error %v", e, e.Err())
			}
		}
		if _, ok := tc.got.Const(); ok || tc.got.Equal(tc.got) || tc.got.NonNegative() {
			t.Errorf("%s counts as a value", tc.got)
		}
		if err := sym.Compile(nil, []sym.Expr{tc.got}).Eval(nil, make([]int64, 1)); !errors.Is(err, tc.want) {
			t.Errorf("Eval: error %v, want %v", err, tc.want)
		}
	}
}

func TestSymbolsAndSubst(t *testing.T) {
	e := n.Mul(k).Add(h.Div(n.Add(c(1)))).Max(batch)
	if got, want := e.Symbols(), []string{"batch", "h", "k", "n"}; !slices.Equal(got, want) {
		t.Errorf("Symbols = %v, want %v", got, want)
	}
	if !e.Has("h") || e.Has("x") || c(3).Symbols() != nil {
		t.Error("Has or Symbols is wrong")
	}
	got := e.Subst(map[string]sym.Expr{"n": c(1), "h": k.Mul(c(2)), "batch": k})
	if want := k.Mul(c(2)); !got.Equal(want) {
		t.Errorf("Subst = %s, want %s", got, want)
	}
	// All symbols are replaced at once, not one after the other.
	if got := n.Sub(k).Subst(map[string]sym.Expr{"n": k, "k": n}); !got.Equal(k.Sub(n)) {
		t.Errorf("swap = %s", got)
	}
}

func TestSolveFor(t *testing.T) {
	known := func(name string) (int64, bool) {
		v, ok := map[string]int64{"k": 3, "batch": 0}[name]
		return v, ok
	}
	for _, tc := range []struct {
		e     sym.Expr
		value int64
		want  int64
		ok    bool
	}{
		{n, 7, 7, true},
		{n.Add(k), 7, 4, true},
		{n.Mul(k).Mul(c(2)).Add(c(1)), 13, 2, true},
		{n.Mul(k).Mul(c(2)).Add(c(1)), 14, 0, false},
		{n.Mul(batch), 0, 0, false},
		{n.Mul(n), 9, 0, false},
		{n.Add(h), 9, 0, false},
		{n.Add(k.Div(c(2))), 9, 8, true},
		{n.Div(c(2)), 4, 0, false},
		{k.Sub(n), 1, 2, true},
		{c(4), 4, 0, false},
	} {
		got, ok := tc.e.SolveFor("n", tc.value, known)
		if got != tc.want || ok != tc.ok {
			t.Errorf("solve %s = %d: %d, %v, want %d, %v", tc.e, tc.value, got, ok, tc.want, tc.ok)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	out := make([]int64, 1)
	p := sym.Compile([]string{"n"}, []sym.Expr{n.Mul(n)})
	if err := p.Eval([]int64{1 << 32}, out); !errors.Is(err, sym.ErrOverflow) {
		t.Errorf("n*n overflows: error %v", err)
	}
	if err := p.Eval([]int64{-3037000499}, out); err != nil || out[0] != 3037000499*3037000499 {
		t.Errorf("greatest square: %d, %v", out[0], err)
	}
	if p.Eval(nil, out) == nil || p.Eval([]int64{1}, nil) == nil {
		t.Error("wrong lengths are accepted")
	}
	if err := sym.Compile([]string{"n", "k"}, []sym.Expr{n.Div(k)}).Eval([]int64{1, 0}, out); !errors.Is(err, sym.ErrDivideByZero) {
		t.Errorf("n/0: error %v", err)
	}
	if err := sym.Compile([]string{"n"}, []sym.Expr{k}).Eval([]int64{1}, out); err == nil || !strings.Contains(err.Error(), `"k"`) {
		t.Errorf("unknown symbol: error %v", err)
	}
	if err := sym.Compile([]string{"n"}, []sym.Expr{n.Sub(c(9))}).Eval([]int64{1}, out); err != nil || out[0] != -8 {
		t.Errorf("n-9 = %d, %v", out[0], err)
	}
}

func TestLower(t *testing.T) {
	for _, tc := range []struct {
		e   sym.Expr
		low int64
		ok  bool
	}{
		{n.Add(c(2)), 2, true},
		{n.Sub(k), 0, false},
		{n.Add(c(-1)).Div(c(2)), -1, true},
		{n.Max(k.Neg()), 0, true},
		{n.Min(k).Add(c(1)), 1, true},
		{n.Min(k.Neg()), 0, false},
		{n.Div(k), 0, true},
		{n.Mul(k).Add(c(3)), 3, true},
	} {
		if low, ok := tc.e.Lower(); low != tc.low || ok != tc.ok {
			t.Errorf("Lower(%s) = %d, %v, want %d, %v", tc.e, low, ok, tc.low, tc.ok)
		}
	}
}

// node is an expression together with a plain evaluation of how it was built.
type node struct {
	e    sym.Expr
	eval func(env []int64) int64
}

var names = []string{"a", "b", "c", "d"}

// random builds an expression of the given depth. Divisors are positive for
// positive symbols, as the package assumes.
func random(r *rand.Rand, depth int) node {
	if depth == 0 {
		if v := int64(r.IntN(9) - 3); r.IntN(3) == 0 {
			return node{c(v), func([]int64) int64 { return v }}
		}
		i := r.IntN(len(names))
		return node{sym.Symbol(names[i]), func(env []int64) int64 { return env[i] }}
	}
	x, y := random(r, depth-1), random(r, r.IntN(depth))
	fx, fy := x.eval, y.eval
	switch r.IntN(9) {
	case 0, 1:
		return node{x.e.Add(y.e), func(env []int64) int64 { return fx(env) + fy(env) }}
	case 2:
		return node{x.e.Sub(y.e), func(env []int64) int64 { return fx(env) - fy(env) }}
	case 3:
		return node{x.e.Mul(y.e), func(env []int64) int64 { return fx(env) * fy(env) }}
	case 4:
		return node{x.e.Max(y.e), func(env []int64) int64 { return max(fx(env), fy(env)) }}
	case 5:
		return node{x.e.Min(y.e), func(env []int64) int64 { return min(fx(env), fy(env)) }}
	}
	d := divisor(r)
	fd := d.eval
	switch r.IntN(3) {
	case 0:
		return node{x.e.Div(d.e), func(env []int64) int64 { return floor(fx(env), fd(env)) }}
	case 1:
		return node{x.e.CeilDiv(d.e), func(env []int64) int64 { return -floor(-fx(env), fd(env)) }}
	}
	return node{x.e.Mod(d.e), func(env []int64) int64 { return fx(env) - fd(env)*floor(fx(env), fd(env)) }}
}

func divisor(r *rand.Rand) node {
	v, w := int64(r.IntN(6)+1), int64(r.IntN(3))
	i, j := r.IntN(len(names)), r.IntN(len(names))
	a, b := sym.Symbol(names[i]), sym.Symbol(names[j])
	switch r.IntN(5) {
	case 0:
		return node{a.Mul(c(v)), func(env []int64) int64 { return v * env[i] }}
	case 1:
		return node{a.Mul(b).Add(c(w)), func(env []int64) int64 { return env[i]*env[j] + w }}
	case 2:
		return node{a.Add(b), func(env []int64) int64 { return env[i] + env[j] }}
	}
	return node{c(v), func([]int64) int64 { return v }}
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// TestRandom checks that canonical forms keep the value: at random points a
// compiled program, Value and Subst agree with the plain evaluation, Lower
// holds, and expressions with equal keys have equal values.
func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]node{}
	for range 20000 {
		x := random(r, 1+r.IntN(5))
		if errors.Is(x.e.Err(), sym.ErrTooLarge) {
			continue
		}
		if err := x.e.Err(); err != nil {
			t.Fatalf("%s: %v", x.e, err)
		}
		p := sym.Compile(names, []sym.Expr{x.e, x.e.Add(c(1))})
		twin, isTwin := seen[x.e.Key()]
		seen[x.e.Key()] = x
		for range 4 {
			env, out := make([]int64, len(names)), make([]int64, 2)
			with := map[string]sym.Expr{}
			for i := range env {
				env[i] = int64(r.IntN(12) + 1)
				with[names[i]] = c(env[i])
			}
			want := x.eval(env)
			if err := p.Eval(env, out); err != nil || out[0] != want || out[1] != want+1 {
				t.Fatalf("%s at %v: Eval %v, %v, want %d", x.e, env, out, err, want)
			}
			if v, ok := x.e.Value(func(s string) (int64, bool) { return env[slices.Index(names, s)], true }); !ok || v != want {
				t.Fatalf("%s at %v: Value %d, want %d", x.e, env, v, want)
			}
			if v, ok := x.e.Subst(with).Const(); !ok || v != want {
				t.Fatalf("%s at %v: Subst %s, want %d", x.e, env, x.e.Subst(with), want)
			}
			if low, ok := x.e.Lower(); ok && want < low {
				t.Fatalf("%s at %v is %d, below its lower bound %d", x.e, env, want, low)
			}
			if isTwin && twin.eval(env) != want {
				t.Fatalf("%s: two expressions with this key differ at %v", x.e, env)
			}
		}
	}
}

// TestRandomAlgebra checks laws that the canonical form makes identities.
func TestRandomAlgebra(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		x, y, z := random(r, 2).e, random(r, 2).e, random(r, 2).e
		for _, law := range []struct {
			name string
			a, b sym.Expr
		}{
			{"x+y = y+x", x.Add(y), y.Add(x)},
			{"x*y = y*x", x.Mul(y), y.Mul(x)},
			{"(x+y)+z = x+(y+z)", x.Add(y).Add(z), x.Add(y.Add(z))},
			{"x*(y+z) = x*y+x*z", x.Mul(y.Add(z)), x.Mul(y).Add(x.Mul(z))},
			{"x-x = 0", x.Sub(x), c(0)},
			{"x+y-y = x", x.Add(y).Sub(y), x},
			{"(3x)/3 = x", x.Mul(c(3)).Div(c(3)), x},
			{"(x*y*n)/(y*n) = x", x.Mul(y).Mul(n).Div(y.Mul(n)), x},
			{"max(x,y) = max(y,x)", x.Max(y), y.Max(x)},
			{"max(x,x) = x", x.Max(x), x},
		} {
			zero, isConst := y.Const()
			if zero == 0 && isConst && strings.Contains(law.name, "/(y") {
				continue
			}
			if law.a.Err() == nil && law.b.Err() == nil && !law.a.Equal(law.b) {
				t.Fatalf("%s fails for x=%s y=%s z=%s: %s and %s", law.name, x, y, z, law.a, law.b)
			}
		}
	}
}

// dims is a typical set of sizes: a decoder with 12 layers.
func dims() ([]string, []sym.Expr) {
	b, past, seq := sym.Symbol("batch"), sym.Symbol("past"), sym.Symbol("seq")
	total := past.Add(seq)
	var list []sym.Expr
	for i := range int64(12) {
		list = append(list, b.Mul(seq).Mul(c(768)), b.Mul(c(12)).Mul(seq).Mul(total).Add(c(i)), b.Mul(total).Mul(c(64)), total, c(768), seq.CeilDiv(c(16)))
	}
	return []string{"batch", "past", "seq"}, list
}

func TestEvalAllocatesNothing(t *testing.T) {
	symbols, list := dims()
	for _, list := range [][]sym.Expr{list, append(list, many()...)} {
		p, out := sym.Compile(symbols, list), make([]int64, len(list))
		env := []int64{2, 100, 7}
		if allocs := testing.AllocsPerRun(100, func() {
			if err := p.Eval(env, out); err != nil {
				t.Error(err)
			}
		}); allocs >= 1 {
			t.Errorf("%d expressions: %v allocations per Eval", len(list), allocs)
		}
	}
}

// many returns more distinct expressions than fit the stack of Eval.
func many() []sym.Expr {
	var list []sym.Expr
	for i := range int64(200) {
		list = append(list, sym.Symbol("seq").Add(c(i)).Div(c(i+2)))
	}
	return list
}

func BenchmarkEval(b *testing.B) {
	symbols, list := dims()
	p, out := sym.Compile(symbols, list), make([]int64, len(list))
	env := []int64{2, 100, 7}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Eval(env, out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		dims()
	}
}

func BenchmarkCompile(b *testing.B) {
	symbols, list := dims()
	b.ReportAllocs()
	for b.Loop() {
		sym.Compile(symbols, list)
	}
}
