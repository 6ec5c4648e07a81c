package data

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// labelNames are the names of columns that hold labels, in the order in which they are looked for.
var labelNames = []string{"label", "class", "target", "y", "labels", "targets", "classes", "label_id", "class_id"}

// mostClasses is how many different numbers labels may have before they are taken for measurements.
const mostClasses = 1000

// findLabels returns the positions of the label columns and why these are taken. free reports whether a column may be a
// label: inputs take others by name.
func (t *table) findLabels(o *Options, free func(i int) bool) (at []int, why string, err error) {
	if o.Task == Unlabelled {
		return nil, "no labels are wanted", nil
	}
	if o.Label == "" && o.labels != nil {
		at, err = t.findAll(o.labels)
		return at, "as before", err
	}
	if o.Label != "" {
		if at, err = t.findAll(strings.Split(o.Label, ",")); err != nil {
			return nil, "", fmt.Errorf("label: %w", err)
		}
		return at, "as asked for", nil
	}
	if t.header {
		for _, name := range labelNames {
			for i, c := range t.columns {
				if free(i) && strings.EqualFold(c.name, name) {
					return []int{i}, "by its name", nil
				}
			}
		}
	}
	first, last := -1, -1
	for i := range t.columns {
		if !free(i) {
			continue
		}
		if last = i; first < 0 {
			first = i
		}
	}
	if first < 0 || first == last && len(o.Features) == 0 && len(o.Inputs) < 2 {
		return nil, "", fmt.Errorf("no label: there are %s, want one called %s, or one besides those of the inputs",
			t.names(), strings.Join(labelNames[:4], ", "))
	}
	return t.outermost(first, last, o)
}

// outermost chooses between the first and the last column: the one that looks like classes.
func (t *table) outermost(first, last int, o *Options) ([]int, string, error) {
	a, b := t.columns[first].classLike(), t.columns[last].classLike()
	switch {
	case o.Task == Regress:
		return []int{last}, "the last column", nil
	case b > 0 && (t.header || b > a):
		return []int{last}, "the last column, which holds classes", nil
	case a > 0 && (!t.header || o.Task == Classify || o.Outputs > 1):
		return []int{first}, "the first column, which holds classes", nil
	case o.Task == Classify || o.Outputs > 1:
		return nil, "", fmt.Errorf("no label: neither the first nor the last column holds classes; name the column")
	case t.columns[last].scalars() == nil:
		return nil, "", fmt.Errorf("no label: no column is called %s, and the last holds no numbers; name the column",
			strings.Join(labelNames[:4], ", "))
	}
	return []int{last}, "the last column; no column holds classes", nil
}

// classLike says how much a column looks like classes: 3 for texts that come again, 2 for whole numbers 0 to n, each with
// several samples, 1 for other whole numbers of which few are different, 0 for what is none of these.
func (c *column) classLike() int {
	if words := c.words(); words != nil {
		known := map[string]bool{}
		for _, w := range words {
			known[w] = true
		}
		if len(known) > 1 && 2*len(known) <= len(words) {
			return 3
		}
		return 0
	}
	values, ok := distinct(c.scalars())
	switch {
	case !ok || len(values) < 2:
		return 0
	case contiguous(values):
		return 2
	case 2*len(values) <= len(c.scalars()):
		return 1
	}
	return 0
}

// distinct returns the different values of whole numbers, ascending, if these are few.
func distinct(list []float64) ([]int64, bool) {
	known := map[int64]bool{}
	for _, v := range list {
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return nil, false
		}
		if known[int64(v)] = true; len(known) > mostClasses {
			return nil, false
		}
	}
	return slices.Sorted(maps.Keys(known)), len(known) > 0
}

// contiguous reports whether ascending values are 0, 1, 2 ...
func contiguous(values []int64) bool {
	return len(values) > 0 && values[0] == 0 && values[len(values)-1] == int64(len(values)-1)
}

// shifted returns the values less 1.
func shifted(values []int64) []int64 {
	out := make([]int64, len(values))
	for i, v := range values {
		out[i] = v - 1
	}
	return out
}

// targets are what a model shall make of each row: classes, or values.
type targets struct {
	names  []string       // of the classes
	class  []int64        // of each row, with names
	values *tensor.Tensor // rows first, without names
}

// row returns the target of a row.
func (t *targets) row(i int) ([]*tensor.Tensor, error) {
	switch {
	case t.class != nil:
		return []*tensor.Tensor{tensor.Scalar(t.class[i])}, nil
	case t.values != nil:
		x, err := rowOf(t.values, i)
		return []*tensor.Tensor{x}, err
	}
	return nil, nil
}

// makeTargets turns label columns into targets.
func (t *table) makeTargets(at []int, o *Options, p *problems) (*targets, string) {
	if len(at) == 0 {
		return &targets{}, "none"
	}
	c := t.columns[at[0]]
	if len(at) == 1 && o.Task != Regress {
		if words := c.words(); words != nil {
			return t.textClasses(c, words, o, p), "classes, since they are texts"
		}
		values, few := distinct(c.scalars())
		wanted := o.Task == Classify || o.Outputs > 1 || o.Classes != nil || c.classes != nil
		if few && (wanted || c.classLike() > 0) {
			return t.numberClasses(c, values, o, p), fmt.Sprintf("classes, since they are %d different whole numbers", len(values))
		}
	}
	if o.Task == Classify {
		p.add("", "%s: the labels are no classes: want texts or at most %d different whole numbers", t.labelled(at), mostClasses)
		return &targets{}, ""
	}
	return t.values(at, o, p), "numbers"
}

func (t *table) labelled(at []int) string {
	var list []string
	for _, i := range at {
		list = append(list, t.columnName(i))
	}
	return strings.Join(list, ", ")
}

// textClasses numbers texts by the known classes, or in the order of their bytes.
func (t *table) textClasses(c *column, words []string, o *Options, p *problems) *targets {
	out := &targets{names: o.Classes, class: make([]int64, len(words))}
	if out.names == nil {
		known := map[string]bool{}
		for _, w := range words {
			if !isMissing(w) {
				known[w] = true
			}
		}
		out.names = slices.Sorted(maps.Keys(known))
		if o.Outputs > 1 && len(known) > o.Outputs {
			p.add("", "%d classes, the model tells %d apart", len(known), o.Outputs)
			return out
		}
	}
	number := map[string]int64{}
	for i, name := range out.names {
		number[name] = int64(i)
	}
	for i, w := range words {
		n, ok := number[w]
		switch {
		case ok:
			out.class[i] = n
		case isMissing(w):
			p.add(t.where(i), "the label is missing")
		default:
			p.add(t.where(i), "label %s is none of the %d classes", quoted(w), len(out.names))
		}
	}
	return out
}

// numberClasses takes whole numbers as classes if they are 0, 1, 2 ... or the model's number of classes is known, by
// the names of known classes, or else numbers them by size: so it does, too, with as many as the model has classes that
// count from 1, and with -1 and 1.
func (t *table) numberClasses(c *column, values []int64, o *Options, p *problems) *targets {
	named := func(v int64) bool { return slices.Contains(o.Classes, strconv.FormatInt(v, 10)) }
	if slices.ContainsFunc(values, named) {
		words := make([]string, len(c.scalars()))
		for i, v := range c.scalars() {
			words[i] = strconv.FormatInt(int64(v), 10)
		}
		return t.textClasses(c, words, o, p)
	}
	out := &targets{names: o.Classes, class: make([]int64, len(c.scalars()))}
	if out.names == nil && len(c.classes) >= o.Outputs {
		out.names = c.classes
	}
	n := max(len(out.names), o.Outputs)
	bySize := len(values) == n && (contiguous(shifted(values)) || n == 2 && values[0] == -1 && values[1] == 1)
	byValue := contiguous(values) || n > 1 && !bySize
	if byValue && out.names == nil {
		for i := range max(n, len(values)) {
			out.names = append(out.names, strconv.Itoa(i))
		}
	} else if !byValue && out.names == nil {
		for _, v := range values {
			out.names = append(out.names, strconv.FormatInt(v, 10))
		}
	}
	for i, v := range c.scalars() {
		if !byValue {
			k, _ := slices.BinarySearch(values, int64(v))
			out.class[i] = int64(k)
			continue
		}
		if v < 0 || v >= float64(len(out.names)) {
			p.add(t.where(i), "label %v is out of range: want 0 to %d", v, len(out.names)-1)
		}
		out.class[i] = int64(v)
	}
	return out
}

// values puts columns of numbers side by side: [rows, elements] of float32, or of int64 for lists of whole numbers,
// which are classes of positions unless the task is to regress.
func (t *table) values(at []int, o *Options, p *problems) *targets {
	var columns []*column
	for _, i := range at {
		c := t.columns[i]
		if c.words() != nil || c.blobs != nil {
			p.add("", "label: %s holds no numbers", t.columnName(i))
			return &targets{}
		}
		if c.width() < 0 {
			p.add("", "label: %s has lists of different lengths", t.columnName(i))
			return &targets{}
		}
		columns = append(columns, c)
	}
	if a := columns[0].array; a != nil && len(columns) == 1 && a.Rank() > 1 {
		return &targets{values: a}
	}
	x, err := join(columns, t.rows, tensor.Float32)
	if err == nil && len(columns) == 1 && columns[0].lists != nil && o.Task != Regress && allWhole(columns[0].lists) {
		x, err = join(columns, t.rows, tensor.Int64)
	}
	if err != nil {
		p.add("", "label: %v", err)
	}
	return &targets{values: x}
}

func allWhole(lists [][]float64) bool {
	for _, l := range lists {
		for _, v := range l {
			if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
				return false
			}
		}
	}
	return true
}
