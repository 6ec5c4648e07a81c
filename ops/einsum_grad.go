package ops

import (
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// einsumGrad is, for each operand, the sum of products of dy with the other operands. A label that only this
// operand has was summed alone: its gradient is repeated. A label that it has twice makes a diagonal.
func einsumGrad(c GradCtx) error {
	g := grads{c}
	dy := g.Dy(0)
	if dy == 0 {
		return nil
	}
	e, err := parseEinsum(g.Attrs().Str("equation"), g.Inputs())
	if err != nil {
		return err
	}
	ranks := make([]int, g.Inputs())
	for i := range ranks {
		if ranks[i], err = g.rank(g.In(i)); err != nil {
			return err
		}
	}
	if _, _, err := e.resolve(ranks); err != nil {
		return err
	}
	out := e.out
	if !e.explicit {
		out = implicitTerm(e.terms)
	}
	rank, err := g.rank(dy)
	if err != nil {
		return err
	}
	out, dy, _ = g.ellipsisFirst(out, dy, rank)
	in, back := make([]Ref, g.Inputs()), make([][]int64, g.Inputs())
	for i := range in {
		e.terms[i], in[i], back[i] = g.ellipsisFirst(e.terms[i], g.In(i), ranks[i])
	}
	for i := range e.terms {
		if !g.Wants(i) {
			continue
		}
		dx, err := e.operandGrad(g, i, out, dy, in)
		if err != nil {
			return err
		}
		if back[i] != nil {
			dx = g.with("Transpose", map[string]any{"perm": back[i]}, dx)
		}
		g.SetGrad(i, dx)
	}
	return nil
}

// ellipsisFirst transposes x so that the axes of the ellipsis in its term come first, as they do in the term that it
// returns, and tells how to transpose back; nil where nothing moves.
func (g grads) ellipsisFirst(term string, x Ref, rank int) (string, Ref, []int64) {
	before, behind, found := strings.Cut(term, "...")
	if !found || before == "" {
		return term, x, nil
	}
	at := len([]rune(before))
	n := rank - at - len([]rune(behind))
	perm, back := make([]int64, 0, rank), make([]int64, rank)
	for i := range rank {
		from := i
		switch {
		case i < n:
			from = at + i
		case i < n+at:
			from = i - n
		}
		perm, back[from] = append(perm, int64(from)), int64(i)
	}
	return "..." + before + behind, g.with("Transpose", map[string]any{"perm": perm}, x), back
}

// implicitTerm is the output term of an equation without an arrow.
func implicitTerm(terms []string) string {
	all := strings.Join(terms, "")
	out := ""
	if strings.Contains(all, "...") {
		out = "..."
	}
	letters := []rune{}
	for _, r := range strings.ReplaceAll(all, ".", "") {
		if strings.Count(all, string(r)) == 1 {
			letters = append(letters, r)
		}
	}
	slices.Sort(letters)
	return out + string(letters)
}

// operandGrad returns the gradient of operand i of those in in, all of whose ellipses come first.
func (e *einsum) operandGrad(g grads, i int, out string, dy Ref, in []Ref) (Ref, error) {
	term := e.terms[i]
	terms, factors := []string{out}, []Ref{dy}
	for j, t := range e.terms {
		if j != i {
			terms, factors = append(terms, t), append(factors, in[j])
		}
	}
	all := strings.Join(terms, "")
	spread := strings.Contains(term, "...")
	if spread && !strings.Contains(all, "...") {
		return 0, Unsupported("no gradient of einsum term %q", term)
	}
	// target has each label of the term once; alone are those that must be repeated.
	target, position := "", 0
	var alone, again []int64
	if spread {
		target = "..."
	}
	letters := []rune(strings.ReplaceAll(term, ".", ""))
	for k, r := range letters {
		position = k - len(letters)
		switch {
		case slices.Contains(letters[:k], r):
			again = append(again, int64(position))
		case !strings.ContainsRune(all, r):
			alone = append(alone, int64(position))
		default:
			target += string(r)
		}
	}
	dx := g.with("Einsum", map[string]any{"equation": strings.Join(terms, ",") + "->" + target}, factors...)
	if axes := append(alone, again...); len(axes) > 0 {
		slices.Sort(axes)
		dx = g.op("Unsqueeze", dx, g.ints(axes...))
	}
	x := in[i]
	for _, at := range again {
		first := slices.Index(letters, letters[len(letters)+int(at)]) - len(letters)
		dx = g.mul(dx, g.diagonal(x, first, int(at)))
	}
	if len(alone) > 0 {
		dx = g.op("Expand", dx, g.shape(x))
	}
	return g.sumTo(dx, x), nil
}

// diagonal is 1 where the indices of two axes of x, counted from its end, are equal, and 0 elsewhere; the other
// axes have length 1.
func (g grads) diagonal(x Ref, a, b int) Ref {
	length := g.op("Gather", g.shape(x), g.ints(int64(a), int64(b)))
	eye := g.op("EyeLike", g.with("ConstantOfShape", map[string]any{"value": tensor.New(g.Of(x).DType, 1)}, length))
	var axes []int64
	for k := a + 1; k < 0; k++ {
		if k != b {
			axes = append(axes, int64(k))
		}
	}
	if len(axes) == 0 {
		return eye
	}
	return g.op("Unsqueeze", eye, g.ints(axes...))
}
