package sym

import (
	"fmt"
	"slices"
	"sync"
)

// Program evaluates a list of expressions for given values of their symbols.
// Shared subexpressions are computed once. A Program is immutable and safe
// for use from many goroutines.
type Program struct {
	symbols int
	consts  []int64
	code    []instr
	outs    []int32 // register of each expression
	regs    int
	err     error
	pool    sync.Pool // of *[]int64, for programs that outgrow the stack
}

// stackRegs is the greatest register file that Eval keeps on its stack.
const stackRegs = 48

type opcode uint8

const (
	opAdd    opcode = iota // dst = a + b
	opAddImm               // dst = a + imm
	opMul                  // dst = a * b
	opMulImm               // dst = a * imm
	opMulAdd               // dst = a + b*imm
	opDiv                  // dst = floor(a / b)
	opDivImm               // dst = floor(a / imm), imm > 0
	opMax                  // dst = max(a, b)
	opMin                  // dst = min(a, b)
)

type instr struct {
	op        opcode
	dst, a, b int32
	imm       int64
}

// Compile makes the program that evaluates exprs; Eval takes the values of
// symbols in the order given here. If an expression is invalid or uses a
// symbol that is not listed, every Eval returns an error that says so.
func Compile(symbols []string, exprs []Expr) *Program {
	c := &compiler{
		symbols: make(map[string]int32, len(symbols)),
		values:  map[string]int32{},
		consts:  map[int64]int32{},
	}
	for i, name := range symbols {
		c.symbols[name] = int32(i)
	}
	p := &Program{symbols: len(symbols), outs: make([]int32, len(exprs))}
	for i, e := range exprs {
		p.outs[i] = c.expr(e)
	}
	if c.err != nil {
		p.err = c.err
		return p
	}
	p.consts = c.constList
	p.regs = len(symbols) + len(c.constList) + int(c.temps)
	place := func(r int32) int32 {
		switch {
		case r >= tempBase:
			return r - tempBase + int32(len(symbols)+len(c.constList))
		case r >= constBase:
			return r - constBase + int32(len(symbols))
		}
		return r
	}
	p.code = slices.Clip(c.code)
	for i := range p.code {
		in := &p.code[i]
		in.dst, in.a, in.b = place(in.dst), place(in.a), place(in.b)
	}
	for i := range p.outs {
		p.outs[i] = place(p.outs[i])
	}
	p.pool.New = func() any {
		regs := make([]int64, p.regs)
		return &regs
	}
	return p
}

// Registers are numbered from these bases while the number of symbols and
// constants is not yet known.
const (
	constBase = 1 << 28
	tempBase  = 1 << 29
)

type compiler struct {
	symbols   map[string]int32
	values    map[string]int32 // register by key
	consts    map[int64]int32
	constList []int64
	temps     int32
	code      []instr
	err       error
}

func (c *compiler) emit(op opcode, a, b int32, imm int64) int32 {
	dst := tempBase + c.temps
	c.temps++
	c.code = append(c.code, instr{op, dst, a, b, imm})
	return dst
}

func (c *compiler) constant(v int64) int32 {
	r, ok := c.consts[v]
	if !ok {
		r = constBase + int32(len(c.constList))
		c.consts[v] = r
		c.constList = append(c.constList, v)
	}
	return r
}

func (c *compiler) expr(e Expr) int32 {
	if err := e.Err(); err != nil && c.err == nil {
		c.err = err
	}
	if e.p == nil || e.p.err != nil {
		return c.constant(e.c)
	}
	key := e.Key()
	if r, ok := c.values[key]; ok {
		return r
	}
	r := c.poly(e.p)
	if e.c != 0 {
		r = c.emit(opAddImm, r, 0, e.c)
	}
	c.values[key] = r
	return r
}

// poly computes the sum of the terms; the values keep their own keys, so
// n+1 and n+2 share n.
func (c *compiler) poly(p *poly) int32 {
	if r, ok := c.values[p.key]; ok {
		return r
	}
	sum := int32(-1)
	for _, t := range p.terms {
		r := c.mono(t.mono)
		switch {
		case sum < 0 && t.coef == 1:
			sum = r
		case sum < 0:
			sum = c.emit(opMulImm, r, 0, t.coef)
		case t.coef == 1:
			sum = c.emit(opAdd, sum, r, 0)
		default:
			sum = c.emit(opMulAdd, sum, r, t.coef)
		}
	}
	c.values[p.key] = sum
	return sum
}

func (c *compiler) mono(m *mono) int32 {
	if r, ok := c.values[m.key]; ok {
		return r
	}
	product := int32(-1)
	for _, f := range m.factors {
		r := c.atom(f.atom)
		for range f.pow {
			if product < 0 {
				product = r
			} else {
				product = c.emit(opMul, product, r, 0)
			}
		}
	}
	c.values[m.key] = product
	return product
}

func (c *compiler) atom(a *atom) int32 {
	if r, ok := c.values[a.key]; ok {
		return r
	}
	r := int32(0)
	switch a.kind {
	case symbol:
		var ok bool
		if r, ok = c.symbols[a.name]; !ok && c.err == nil {
			c.err = fmt.Errorf("sym: symbol %q has no value", a.name)
		}
	case floorDiv:
		n := c.expr(a.args[0])
		if d, ok := a.args[1].Const(); ok && d > 0 {
			r = c.emit(opDivImm, n, 0, d)
		} else {
			r = c.emit(opDiv, n, c.expr(a.args[1]), 0)
		}
	default:
		op := opMax
		if a.kind == minimum {
			op = opMin
		}
		r = c.expr(a.args[0])
		for _, x := range a.args[1:] {
			r = c.emit(op, r, c.expr(x), 0)
		}
	}
	c.values[a.key] = r
	return r
}

// Eval computes every expression into out, which must have one element for
// each. Values may be negative. It fails on overflow, on division by zero and
// when env or out has the wrong length. It does not allocate.
func (p *Program) Eval(env []int64, out []int64) error {
	if p.err != nil {
		return p.err
	}
	if len(env) != p.symbols || len(out) != len(p.outs) {
		return fmt.Errorf("sym: want %d values and room for %d results, got %d and %d", p.symbols, len(p.outs), len(env), len(out))
	}
	if p.regs <= stackRegs {
		var regs [stackRegs]int64
		return p.eval(regs[:p.regs], env, out)
	}
	regs := p.pool.Get().(*[]int64)
	err := p.eval(*regs, env, out)
	p.pool.Put(regs)
	return err
}

func (p *Program) eval(regs, env, out []int64) error {
	copy(regs, env)
	copy(regs[len(env):], p.consts)
	for i := range p.code {
		in := &p.code[i]
		a, b, ok := regs[in.a], regs[in.b], true
		switch in.op {
		case opAdd:
			a, ok = addInt(a, b)
		case opAddImm:
			a, ok = addInt(a, in.imm)
		case opMul:
			a, ok = mulInt(a, b)
		case opMulImm:
			a, ok = mulInt(a, in.imm)
		case opMulAdd:
			if b, ok = mulInt(b, in.imm); ok {
				a, ok = addInt(a, b)
			}
		case opDivImm:
			a, ok = divInt(a, in.imm)
		case opDiv:
			if b == 0 {
				return ErrDivideByZero
			}
			a, ok = divInt(a, b)
		case opMax:
			a = max(a, b)
		case opMin:
			a = min(a, b)
		}
		if !ok {
			return ErrOverflow
		}
		regs[in.dst] = a
	}
	for i, r := range p.outs {
		out[i] = regs[r]
	}
	return nil
}
