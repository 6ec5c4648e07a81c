package ops

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// stringConcatInfer infers the broadcast shape of two tensors of strings.
func stringConcatInfer(c *InferCtx) error {
	a, b := c.Type(0), c.Type(1)
	if !a.Ranked || !b.Ranked {
		c.SetType(0, Unranked(tensor.String))
		return nil
	}
	out := make([]Dim, max(len(a.Dims), len(b.Dims)))
	for i := range out {
		x, y := stringAxis(a.Dims, len(out), i), stringAxis(b.Dims, len(out), i)
		xv, xok := x.Const()
		yv, yok := y.Const()
		switch {
		case xok && xv == 1 || x.Equal(y):
			out[i] = y
		case yok && yv == 1:
			out[i] = x
		case xok && yok:
			return fmt.Errorf("ops: strings of shape %v and %v do not broadcast", a, b)
		case xok:
			out[i] = x
		case yok:
			out[i] = y
		default:
			out[i] = c.Fresh()
		}
	}
	c.Set(0, tensor.String, out...)
	return nil
}

func stringAxis(d []Dim, rank, i int) Dim {
	if i -= rank - len(d); i >= 0 {
		return d[i]
	}
	return sym.Const(1)
}

func stringConcatKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		a, b := c.In[0].Shape(), c.In[1].Shape()
		rank := max(len(a), len(b))
		shape, sa, sb := make([]int, rank), make([]int, rank), make([]int, rank)
		na, nb := 1, 1
		for i := rank - 1; i >= 0; i-- {
			x, y := 1, 1
			if j := i - rank + len(a); j >= 0 {
				x = a[j]
			}
			if j := i - rank + len(b); j >= 0 {
				y = b[j]
			}
			if x != y && x != 1 && y != 1 {
				return fmt.Errorf("ops: strings of shape %v and %v do not broadcast", []int(a), []int(b))
			}
			if shape[i] = x; x == 1 {
				shape[i] = y
			} else {
				sa[i] = na
			}
			if y != 1 {
				sb[i] = nb
			}
			na, nb = na*x, nb*y
		}
		t, err := c.Alloc(0, tensor.String, shape...)
		if err != nil {
			return err
		}
		joinStrings(t.Strings(), c.In[0].Strings(), c.In[1].Strings(), shape, sa, sb)
		return nil
	}}, nil
}

// joinStrings writes a+b, each with its own strides.
func joinStrings(dst, a, b []string, shape, sa, sb []int) {
	at := make([]int, len(shape))
	i, j := 0, 0
	for n := range dst {
		dst[n] = a[i] + b[j]
		for k := len(shape) - 1; k >= 0; k-- {
			at[k]++
			i, j = i+sa[k], j+sb[k]
			if at[k] < shape[k] {
				break
			}
			i, j, at[k] = i-sa[k]*shape[k], j-sb[k]*shape[k], 0
		}
	}
}

// regexFullMatchInfer infers a truth value per string.
func regexFullMatchInfer(c *InferCtx) error {
	t := c.Type(0)
	t.DType = tensor.Bool
	c.SetType(0, t)
	return nil
}

func regexFullMatchKernel(k *KernelCtx) (Kernel, error) {
	re, err := regexp.Compile(`\A(?:` + k.Str("pattern") + `)\z`)
	if err != nil {
		return Kernel{}, fmt.Errorf("ops: attribute pattern: %w", err)
	}
	return Kernel{Run: func(c *Call) error {
		y := tensor.Of[bool](c.Out[0])
		for i, s := range c.In[0].Strings()[:len(y)] {
			y[i] = re.MatchString(s)
		}
		return nil
	}}, nil
}

// stringSplitInfer infers the parts of every string along a new last axis, and how many parts there are.
func stringSplitInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(tensor.String))
		c.SetType(1, Unranked(tensor.Int64))
		return nil
	}
	c.Set(0, tensor.String, append(slices.Clone(x.Dims), c.Fresh())...)
	c.Set(1, tensor.Int64, x.Dims...)
	return nil
}

func stringSplitKernel(k *KernelCtx) (Kernel, error) {
	delimiter, limit := k.Str("delimiter"), -1
	if k.HasAttr("maxsplit") {
		limit = k.Int("maxsplit")
	}
	return Kernel{Run: func(c *Call) error {
		x := c.In[0].Strings()
		parts, most := make([][]string, len(x)), 0
		for i, s := range x {
			parts[i] = splitString(s, delimiter, limit)
			most = max(most, len(parts[i]))
		}
		t, err := c.Alloc(0, tensor.String, append(slices.Clone(c.In[0].Shape()), most)...)
		if err != nil {
			return err
		}
		for i, p := range parts {
			copy(t.Strings()[i*most:], p)
		}
		if len(c.Out) < 2 || c.Out[1] == nil {
			return nil
		}
		n, err := c.Alloc(1, tensor.Int64, c.In[0].Shape()...)
		if err != nil {
			return err
		}
		for i, p := range parts {
			tensor.Of[int64](n)[i] = int64(len(p))
		}
		return nil
	}}, nil
}

// splitString cuts s at a delimiter, at most limit times unless that is negative. Without a delimiter runs of white
// space separate, and count for nothing at the ends.
func splitString(s, delimiter string, limit int) []string {
	if delimiter != "" {
		if s == "" {
			return nil
		}
		if limit >= 0 {
			limit++
		}
		return strings.SplitN(s, delimiter, limit)
	}
	if limit < 0 {
		return strings.Fields(s)
	}
	var out []string
	for s = strings.TrimSpace(s); s != ""; {
		i := strings.IndexAny(s, " \t\n\v\f\r")
		if i < 0 || len(out) == limit {
			return append(out, s)
		}
		out, s = append(out, s[:i]), strings.TrimSpace(s[i:])
	}
	return out
}

// stringNormalizerInfer infers one axis of what is left, behind an axis of 1 where the input has it.
func stringNormalizerInfer(c *InferCtx) error {
	x := c.Type(0)
	switch {
	case !x.Ranked:
		c.SetType(0, Unranked(tensor.String))
	case len(x.Dims) == 1:
		n := x.Dims[0]
		if v, ok := n.Const(); len(c.StrList("stopwords")) > 0 || !ok || v == 0 {
			n = c.Fresh()
		}
		c.Set(0, tensor.String, n)
	case len(x.Dims) == 2:
		n := x.Dims[1]
		if v, ok := n.Const(); len(c.StrList("stopwords")) > 0 || !ok || v == 0 {
			n = c.Fresh()
		}
		c.Set(0, tensor.String, sym.Const(1), n)
	default:
		return fmt.Errorf("ops: input has shape %v, want [C] or [1, C]", x)
	}
	return nil
}

// stringNormalizerKernel drops stop words and changes the case of the rest. Nothing left gives one empty string.
func stringNormalizerKernel(k *KernelCtx) (Kernel, error) {
	change := func(s string) string { return s }
	switch s := k.Str("case_change_action"); s {
	case "LOWER":
		change = strings.ToLower
	case "UPPER":
		change = strings.ToUpper
	case "NONE", "":
	default:
		return Kernel{}, fmt.Errorf("ops: case_change_action is %q", s)
	}
	fold := func(s string) string { return s }
	if !k.Bool("is_case_sensitive") {
		fold = strings.ToLower
	}
	stop := map[string]bool{}
	for _, w := range k.StrList("stopwords") {
		stop[fold(w)] = true
	}
	return Kernel{Run: func(c *Call) error {
		s := c.In[0].Shape()
		if len(s) < 1 || len(s) > 2 || len(s) == 2 && s[0] != 1 {
			return fmt.Errorf("ops: input has shape %v, want [C] or [1, C]", []int(s))
		}
		out := make([]string, 0, c.In[0].Len())
		for _, w := range c.In[0].Strings() {
			if !utf8.ValidString(w) {
				return fmt.Errorf("ops: the string %q is not valid UTF-8", w)
			}
			if len(stop) == 0 || !stop[fold(w)] {
				out = append(out, change(w))
			}
		}
		if len(out) == 0 {
			out = append(out, "")
		}
		if len(s) == 2 {
			c.Put(0, tensor.FromSlice(out, 1, len(out)))
		} else {
			c.Put(0, tensor.FromSlice(out))
		}
		return nil
	}}, nil
}
