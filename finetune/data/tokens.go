package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// derived are inputs of language models that follow from the token ids when no column is named like them, by their
// names in lower case.
var derived = map[string]func(row []int64, n int){
	"attention_mask": func(row []int64, n int) { ones(row[:n]) },
	"input_mask":     func(row []int64, n int) { ones(row[:n]) },
	"token_type_ids": func([]int64, int) {},
	"segment_ids":    func([]int64, int) {},
	"position_ids": func(row []int64, _ int) {
		for i := range row {
			row[i] = int64(i)
		}
	},
}

func ones(row []int64) {
	for i := range row {
		row[i] = 1
	}
}

// generated reports whether an input follows from the token ids.
func (in *featured) generated() bool { return in.features == nil && in.derivable() }

func (in *featured) derivable() bool { return derived[strings.ToLower(in.name)] != nil }

// padLists brings lists of token ids to one length: what is asked for, what the model fixes, or the longest of the file.
func (t *table) padLists(in *featured, o *Options, s *Set) error {
	f := in.features[0]
	if len(in.features) != 1 || f.lists == nil || !in.dtype.IsInt() {
		return nil
	}
	n, why := o.Tokens.Length, "as asked for"
	if known, err := strconv.Atoi(o.Metadata[settingLength]); n == 0 && err == nil {
		n, why = known, "as in the model's metadata"
	}
	if want, ok := fixedWidth(in.dims); ok && n == 0 {
		n, why = want, "as the model takes them"
	}
	if n == 0 {
		why = "as the longest one"
		for _, l := range f.lists {
			n = max(n, len(l))
		}
	}
	if n < 1 || int64(n)*int64(len(f.lists)) > o.memory()/8 {
		return fmt.Errorf("%d lists of length %d do not fit into %d bytes", len(f.lists), n, o.memory())
	}
	pad := o.Tokens.Pad
	if known, err := strconv.ParseInt(o.Metadata[settingPad], 10, 64); pad == 0 && err == nil {
		pad = known
	}
	c := *f.column
	c.lists = make([][]float64, len(f.lists))
	cut := 0
	for i, l := range f.lists {
		if len(l) > n {
			cut++
		}
		c.lists[i] = fit(l, n, float64(pad))
	}
	s.settings[settingKind] = "tokens"
	s.settings[settingLength], s.settings[settingPad] = strconv.Itoa(n), strconv.FormatInt(pad, 10)
	s.notes = append(s.notes, fmt.Sprintf("lists of %d (%s), filled up with %d, %d of them cut", n, why, pad, cut))
	f.column = &c
	return nil
}

// fit cuts a list or fills it up.
func fit(l []float64, n int, pad float64) []float64 {
	if len(l) >= n {
		return l[:n:n]
	}
	out := slices.Grow(slices.Clone(l), n-len(l))
	for len(out) < n {
		out = append(out, pad)
	}
	return out
}

// generate adds the inputs that follow from the token ids.
func (a *arrays) generate(inputs []*featured, t *table, o *Options) error {
	var length []int // of the unpadded lists
	width := 0
	for _, in := range inputs {
		if in.features == nil || in.derivable() || !in.dtype.IsInt() {
			continue
		}
		f := in.features[0]
		source := t.columns[f.at]
		for i := range t.rows {
			if source.lists != nil {
				length = append(length, len(source.lists[i]))
			} else {
				length = append(length, in.width())
			}
		}
		width = in.width()
		break
	}
	for _, in := range inputs {
		if !in.generated() {
			continue
		}
		if width == 0 {
			return fmt.Errorf("data: input %q: no column is named like it, and there are no token ids it could follow from", in.name)
		}
		x := make([]int64, t.rows*width)
		for i, n := range length {
			derived[strings.ToLower(in.name)](x[i*width:(i+1)*width], min(n, width))
		}
		values, err := convert(tensor.FromSlice(x, t.rows, width), in.dtype)
		if err != nil {
			return fmt.Errorf("data: input %q: %w", in.name, err)
		}
		a.inputs = append(a.inputs, &arrayInput{name: in.name, values: values})
	}
	return nil
}

// convert changes the element type of an array.
func convert(t *tensor.Tensor, dtype tensor.DType) (*tensor.Tensor, error) {
	if t.DType() == dtype {
		return t, nil
	}
	return tensor.FromFloat64s(dtype, t.Shape(), tensor.Float64s(t, t.Len()))
}
