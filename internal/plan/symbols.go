package plan

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
)

// bindSymbols decides which symbols are known once the shapes of inputs are, and from which dimension.
func (c *compiler) bindSymbols() {
	c.captures = c.p.graph.Captures()
	all := append(append([]*graph.Value{}, c.p.graph.Inputs...), c.captures...)
	for _, plainOnly := range []bool{true, false} {
		for i, v := range all {
			for axis, e := range v.Dims {
				c.bindFrom(i, axis, e, plainOnly)
			}
		}
	}
	for from, name := range c.p.opts.outerSymbols {
		if _, ok := c.symbolIndex[name]; !ok {
			c.p.outer = append(c.p.outer, outerSymbol{c.addSymbol(name), from})
		}
	}
}

func (c *compiler) bindFrom(input, axis int, e sym.Expr, plainOnly bool) {
	unknown := ""
	for _, s := range e.Symbols() {
		if _, ok := c.symbolIndex[s]; ok {
			continue
		}
		if unknown != "" {
			return
		}
		unknown = s
	}
	if unknown == "" {
		return
	}
	plain := e.Equal(sym.Symbol(unknown))
	if plainOnly && !plain {
		return
	}
	if !plain {
		if _, ok := e.SolveFor(unknown, 0, func(string) (int64, bool) { return 1, true }); !ok {
			if _, ok = e.SolveFor(unknown, 1, func(string) (int64, bool) { return 1, true }); !ok {
				return
			}
		}
	}
	c.p.solve = append(c.p.solve, solution{c.addSymbol(unknown), input, axis, e, plain})
}

func (c *compiler) addSymbol(name string) int {
	i := len(c.p.symbols)
	c.symbolIndex[name] = i
	c.p.symbols = append(c.p.symbols, name)
	return i
}

func (c *compiler) inputs() {
	for _, v := range append(append([]*graph.Value{}, c.p.graph.Inputs...), c.captures...) {
		i := c.slot(v)
		c.p.slots[i].store = inInput
		c.p.slots[i].first = -1
		c.p.inputs = append(c.p.inputs, i)
	}
}

// dims returns the indices of the expressions of a shape, and whether all can be evaluated before running.
func (c *compiler) dims(dims []ops.Dim) ([]int32, bool) {
	for _, e := range dims {
		for _, s := range e.Symbols() {
			if _, ok := c.symbolIndex[s]; !ok {
				return nil, false
			}
		}
	}
	out := make([]int32, len(dims))
	for i, e := range dims {
		k := e.Key()
		id, ok := c.exprIndex[k]
		if !ok {
			id = int32(len(c.exprs))
			c.exprIndex[k] = id
			c.exprs = append(c.exprs, e)
		}
		out[i] = id
	}
	return out, true
}
