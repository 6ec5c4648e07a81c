package ops

import (
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/onnxrun/onnxrun/tensor"
)

// tokenizerInfer infers the tokens of every string along a new last axis.
func tokenizerInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(tensor.String))
		return nil
	}
	if len(x.Dims) < 1 || len(x.Dims) > 2 {
		return fmt.Errorf("ops: input has shape %v, want [C] or [N, C]", x)
	}
	c.Set(0, tensor.String, append(slices.Clone(x.Dims), c.Fresh())...)
	return nil
}

// stringTokenizer cuts strings into tokens: what an expression matches, what lies between separators, or characters.
type stringTokenizer struct {
	token      *regexp.Regexp
	separators []*regexp.Regexp
	least      int // characters of a token that counts
	mark       bool
	pad        string
}

func tokenizerKernel(k *KernelCtx) (Kernel, error) {
	t := &stringTokenizer{least: k.Int("mincharnum"), mark: k.Bool("mark"), pad: k.Str("pad_value")}
	compile := func(s string) (*regexp.Regexp, error) {
		re, err := regexp.Compile(s)
		if err != nil {
			return nil, fmt.Errorf("ops: expression of a tokenizer: %w", err)
		}
		re.Longest()
		return re, nil
	}
	var err error
	if exp := k.Str("tokenexp"); exp != "" {
		if t.token, err = compile(exp); err != nil {
			return Kernel{}, err
		}
	}
	separators := k.StrList("separators")
	if t.token == nil && len(separators) == 0 {
		return Kernel{}, fmt.Errorf("ops: a tokenizer needs tokenexp or separators")
	}
	if len(separators) != 1 || separators[0] != "" {
		for _, s := range separators {
			re, err := compile(s)
			if err != nil {
				return Kernel{}, err
			}
			t.separators = append(t.separators, re)
		}
	}
	return Kernel{Run: t.run}, nil
}

func (t *stringTokenizer) run(c *Call) error {
	s := c.In[0].Shape()
	if len(s) < 1 || len(s) > 2 {
		return fmt.Errorf("ops: input has shape %v, want [C] or [N, C]", []int(s))
	}
	x := c.In[0].Strings()
	tokens, most := make([][]string, len(x)), 0
	for i, v := range x {
		if !utf8.ValidString(v) {
			return fmt.Errorf("ops: the string %q is not valid UTF-8", v)
		}
		tokens[i] = t.split(v)
		most = max(most, len(tokens[i]))
	}
	if t.mark && most > 0 {
		most += 2
	}
	y, err := c.Alloc(0, tensor.String, append(slices.Clone(s), most)...)
	if err != nil {
		return err
	}
	out := y.Strings()
	for i, list := range tokens {
		row := out[i*most : (i+1)*most]
		n := 0
		if t.mark && most > 0 {
			row[0] = "\x02"
			n = 1
		}
		n += copy(row[n:], list)
		if t.mark && most > 0 {
			row[n] = "\x03"
			n++
		}
		for ; n < len(row); n++ {
			row[n] = t.pad
		}
	}
	return nil
}

// split returns the tokens of a string.
func (t *stringTokenizer) split(s string) []string {
	var out []string
	switch {
	case t.token != nil:
		for _, m := range t.token.FindAllString(s, -1) {
			if m != "" && utf8.RuneCountInString(m) >= t.least {
				out = append(out, m)
			}
		}
	case t.separators == nil:
		for _, r := range s {
			out = append(out, string(r))
		}
	default:
		out = []string{s}
		for _, re := range t.separators {
			var next []string
			for _, part := range out {
				for _, p := range re.Split(part, -1) {
					if p != "" && utf8.RuneCountInString(p) >= t.least {
						next = append(next, p)
					}
				}
			}
			out = next
		}
	}
	return out
}
