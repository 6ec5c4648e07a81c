package data

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// idNames are the names of columns that number the rows. They are left out where they are too many for the input.
var idNames = []string{"", "id", "index", "idx", "row", "unnamed: 0"}

// maxCategories is how many different texts a column may have to become one element for each.
const maxCategories = 1000

// A feature is a column on its way into an input.
type feature struct {
	*column
	at         int
	categories []string // of a column of texts that becomes one element for each
}

func (f *feature) width() int {
	if f.categories != nil {
		return len(f.categories)
	}
	return f.column.width()
}

// A featured input knows which columns it takes.
type featured struct {
	name     string
	dtype    tensor.DType
	dims     []int // of the model, -1 for open ones; nil if unknown
	features []*feature
}

func (in *featured) width() (n int) {
	for _, f := range in.features {
		if w := f.width(); w >= 0 {
			n += w
		}
	}
	return n
}

// wanted returns the inputs that need columns: those that are tensors with a batch dimension, and no constants.
func wanted(o *Options) (list []*featured, scalars []string) {
	if len(o.Inputs) == 0 {
		return []*featured{{dtype: tensor.Float32}}, nil
	}
	for i := range o.Inputs {
		v := &o.Inputs[i]
		switch {
		case o.Constants[v.Name] != nil:
		case v.Ranked && len(v.Dims) == 0:
			scalars = append(scalars, v.Name)
		default:
			list = append(list, inputOf(v))
		}
	}
	return list, scalars
}

func inputOf(v *runtime.ValueInfo) *featured {
	in := &featured{name: v.Name, dtype: v.DType}
	if v.Ranked {
		in.dims = dims(v)
	}
	return in
}

// takes reports whether an input and column i belong together by name.
func (t *table) takes(in *featured, i int) bool {
	return t.header && in.name != "" && strings.EqualFold(in.name, t.columns[i].name)
}

// assign gives columns to inputs: those that are asked for, those of the same names, and the columns left over to the
// inputs left over, in their order and as many as each takes.
func (t *table) assign(labels []int, o *Options) ([]*featured, error) {
	inputs, scalars := wanted(o)
	for _, name := range scalars { // a scalar differs from sample to sample if a column is named like it
		in := &featured{name: name, dims: []int{}, dtype: o.info(name).DType}
		if slices.ContainsFunc(upTo(len(t.columns)), func(i int) bool { return t.takes(in, i) }) || o.Features[name] != nil {
			inputs = append(inputs, in)
		}
	}
	used := map[int]bool{}
	for _, i := range labels {
		used[i] = true
	}
	for name := range o.Features {
		if !slices.ContainsFunc(inputs, func(in *featured) bool { return in.name == name }) {
			return nil, fmt.Errorf("features for %q: no such input", name)
		}
	}
	for _, in := range inputs {
		if err := t.byName(in, o, used); err != nil {
			return nil, err
		}
	}
	return inputs, t.leftOver(inputs, used)
}

// byName gives an input the columns that are asked for, or the one that is named like it.
func (t *table) byName(in *featured, o *Options, used map[int]bool) error {
	if list, ok := o.Features[in.name]; ok {
		at, err := t.findAll(list)
		if err != nil {
			return fmt.Errorf("input %q: %w", in.name, err)
		}
		for _, i := range at {
			used[i] = true
			in.features = append(in.features, &feature{column: t.columns[i], at: i})
		}
		return nil
	}
	for i, c := range t.columns {
		if !used[i] && t.takes(in, i) {
			used[i] = true
			in.features = append(in.features, &feature{column: c, at: i})
			return nil
		}
	}
	return nil
}

// leftOver gives the columns that nobody took to the inputs that have none.
func (t *table) leftOver(inputs []*featured, used map[int]bool) error {
	var rest []*feature
	for i, c := range t.columns {
		if !used[i] {
			rest = append(rest, &feature{column: c, at: i})
		}
	}
	var open []*featured
	for _, in := range inputs {
		if in.features == nil && !in.derivable() {
			open = append(open, in)
		}
	}
	for n, in := range open {
		if len(rest) == 0 {
			return fmt.Errorf("input %q: no columns are left for it", in.name)
		}
		if n == len(open)-1 {
			in.features = rest
			break
		}
		want, ok := fixedWidth(in.dims)
		if !ok {
			return fmt.Errorf("inputs %q and %q: which columns does each take? none is named like them", in.name, open[n+1].name)
		}
		for got := 0; got < want && len(rest) > 0; rest = rest[1:] {
			in.features = append(in.features, rest[0])
			got += max(1, rest[0].width())
		}
	}
	return nil
}

// fixedWidth returns the number of elements per sample of an input, if its dimensions after the first say it.
func fixedWidth(dims []int) (int, bool) {
	if dims == nil {
		return 0, false
	}
	n := 1
	for _, d := range dims[min(1, len(dims)):] {
		if d < 0 {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// encode decides how each column enters an input: texts as categories, unless the input takes texts. vocabulary holds the
// categories that are known already, by column.
func (t *table) encode(in *featured, vocabulary map[string][]string, p *problems) {
	in.dropIDs(t)
	for _, f := range in.features {
		words := f.words()
		if words == nil || in.dtype == tensor.String {
			continue
		}
		if f.categories = vocabulary[f.name]; f.categories != nil {
			t.checkCategories(f, words, p)
			continue
		}
		known := map[string]bool{}
		for _, w := range words {
			known[w] = true
		}
		if len(known) > maxCategories {
			p.add("", "%s holds %d different texts: want numbers, or at most %d categories",
				t.columnName(f.at), len(known), maxCategories)
			continue
		}
		f.categories = slices.Sorted(maps.Keys(known))
	}
}

func (t *table) checkCategories(f *feature, words []string, p *problems) {
	for i, w := range words {
		if !slices.Contains(f.categories, w) {
			p.add(t.where(i), "%s: %s is none of the %d categories of training", t.columnName(f.at), quoted(w), len(f.categories))
		}
	}
}

// dropIDs leaves out columns that number the rows where the input is too small for them.
func (in *featured) dropIDs(t *table) {
	want, ok := fixedWidth(in.dims)
	if !ok || !t.header {
		return
	}
	for i := 0; i < len(in.features) && len(in.features) > want; i++ {
		if slices.Contains(idNames, strings.ToLower(in.features[i].name)) {
			in.features = slices.Delete(slices.Clone(in.features), i, i+1)
			i--
		}
	}
}

// sampleShape returns the shape of one sample of an input: its dimensions after the first, of which one may be open. An
// input whose dimensions are all fixed and hold one sample has no batch dimension.
func sampleShape(dims []int, width int) (tensor.Shape, error) {
	if dims == nil {
		return tensor.Shape{width}, nil
	}
	shape := slices.Clone(tensor.Shape(dims))[min(1, len(dims)):]
	open, n := -1, 1
	for i, d := range shape {
		switch {
		case d >= 0:
			n *= d
		default:
			if open >= 0 {
				shape[open] = 1
			}
			open = i
		}
	}
	if open >= 0 && n > 0 && width%n == 0 {
		shape[open] = width / n
		return shape, nil
	}
	if open < 0 && n == width {
		return shape, nil
	}
	if all, err := tensor.Shape(dims).Count(); err == nil && all == width {
		return dims, nil
	}
	return nil, fmt.Errorf("%d values a sample, want %v", width, shapeText(shape))
}

func shapeText(shape tensor.Shape) string {
	var list []string
	for _, d := range shape {
		if d < 0 {
			list = append(list, "?")
		} else {
			list = append(list, fmt.Sprint(d))
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return "[" + strings.Join(list, " ") + "]"
}
