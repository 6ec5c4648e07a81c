package ops

import (
	"fmt"
	"slices"
	"strings"
)

// einsum is a parsed equation. A label is a letter, or stands for one of the dimensions of an ellipsis.
type einsum struct {
	terms    []string // one for each input
	out      string
	explicit bool
}

// ellipsisLabel is the label of the last dimension of an ellipsis; those before it are smaller.
const ellipsisLabel = 1 << 16

// parseEinsum reads an equation for a number of inputs.
func parseEinsum(equation string, inputs int) (*einsum, error) {
	s := strings.ReplaceAll(equation, " ", "")
	left, right, explicit := strings.Cut(s, "->")
	e := &einsum{terms: strings.Split(left, ","), out: right, explicit: explicit}
	if len(e.terms) != inputs {
		return nil, fmt.Errorf("ops: equation %q has %d terms for %d inputs", equation, len(e.terms), inputs)
	}
	for _, t := range append([]string{e.out}, e.terms...) {
		for _, r := range strings.Replace(t, "...", "", 1) {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
				return nil, fmt.Errorf("ops: equation %q has %q, want letters, at most one ellipsis for each term, commas and an arrow", equation, r)
			}
		}
	}
	return e, nil
}

// labels returns the labels of a term, whose ellipsis stands for n dimensions.
func einsumLabels(term string, n int) []int {
	var out []int
	before, after, found := strings.Cut(term, "...")
	for _, r := range before {
		out = append(out, int(r))
	}
	if found {
		for i := range n {
			out = append(out, ellipsisLabel-n+1+i)
		}
	}
	for _, r := range after {
		out = append(out, int(r))
	}
	return out
}

// resolve returns the labels of every input and of the output, given the ranks of the inputs.
func (e *einsum) resolve(ranks []int) (in [][]int, out []int, err error) {
	widest := 0
	for i, t := range e.terms {
		n := 0
		if strings.Contains(t, "...") {
			if n = ranks[i] - (len(t) - 3); n < 0 {
				return nil, nil, fmt.Errorf("ops: einsum term %q for an input of %d axes", t, ranks[i])
			}
		} else if ranks[i] != len(t) {
			return nil, nil, fmt.Errorf("ops: einsum term %q for an input of %d axes", t, ranks[i])
		}
		widest = max(widest, n)
		in = append(in, einsumLabels(t, n))
	}
	if e.explicit {
		out = einsumLabels(e.out, widest)
	} else {
		out = implicitLabels(in)
	}
	seen := map[int]bool{}
	for _, l := range out {
		if seen[l] {
			return nil, nil, fmt.Errorf("ops: einsum result %q has a label twice", e.out)
		}
		seen[l] = true
		if !slices.ContainsFunc(in, func(t []int) bool { return slices.Contains(t, l) }) {
			return nil, nil, fmt.Errorf("ops: einsum result %q has a label that no input has", e.out)
		}
	}
	return in, out, nil
}

// implicitLabels are those of an equation without an arrow: the ellipsis, then all letters that occur once, in order.
func implicitLabels(in [][]int) []int {
	count := map[int]int{}
	for _, t := range in {
		for _, l := range t {
			count[l]++
		}
	}
	var ellipsis, letters []int
	for l, n := range count {
		switch {
		case l > 'z':
			ellipsis = append(ellipsis, l)
		case n == 1:
			letters = append(letters, l)
		}
	}
	slices.Sort(ellipsis)
	slices.Sort(letters)
	return append(ellipsis, letters...)
}

// einsumInfer infers Einsum.
func einsumInfer(c *InferCtx) error {
	e, err := parseEinsum(c.Str("equation"), len(c.In))
	if err != nil {
		return err
	}
	ranks := make([]int, len(c.In))
	for i := range c.In {
		t := c.Type(i)
		if t.DType != c.Type(0).DType {
			return fmt.Errorf("ops: input %d is %v, want %v", i, t, c.Type(0).DType)
		}
		if !t.Ranked {
			c.SetType(0, Unranked(c.Type(0).DType))
			return nil
		}
		ranks[i] = len(t.Dims)
	}
	in, out, err := e.resolve(ranks)
	if err != nil {
		return err
	}
	sizes := map[int]Dim{}
	for i, labels := range in {
		for j, l := range labels {
			d := []Dim{c.Type(i).Dims[j]}
			if old, ok := sizes[l]; ok {
				if d, err = batchDims(c, []Dim{old}, d); err != nil {
					return fmt.Errorf("ops: einsum %q: %w", c.Str("equation"), err)
				}
			}
			sizes[l] = d[0]
		}
	}
	dims := make([]Dim, len(out))
	for i, l := range out {
		dims[i] = sizes[l]
	}
	c.Set(0, c.Type(0).DType, dims...)
	return nil
}

// EinsumLabels returns a label for each axis of the inputs of an Einsum and of its output, given the equation and the ranks of the inputs.
func EinsumLabels(equation string, ranks []int) (in [][]int, out []int, err error) {
	e, err := parseEinsum(equation, len(ranks))
	if err != nil {
		return nil, nil, err
	}
	return e.resolve(ranks)
}
