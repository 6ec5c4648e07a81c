package data

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// assemble makes a set of a table: labels are found, columns given to inputs, and both turned into arrays.
func (t *table) assemble(path string, o Options, p *problems) (*Set, error) {
	o, k := t.recall(o)
	asked := map[int]bool{} // columns that inputs take by wish
	for _, list := range o.Features {
		at, err := t.findAll(list)
		if err != nil {
			return nil, p.fail("", "features: %v", err)
		}
		for _, i := range at {
			asked[i] = true
		}
	}
	inputs, _ := wanted(&o)
	labels, why, err := t.findLabels(&o, func(i int) bool {
		return !asked[i] && !slices.ContainsFunc(inputs, func(in *featured) bool { return t.takes(in, i) })
	})
	if err != nil {
		t.faults.report(p)
		return nil, p.fail("", "%v", err)
	}
	s := &Set{origin: &origin{
		path: path, where: t.where, known: k, constants: o.Constants, augment: o.Augment, close: t.close,
	}}
	s.settings = map[string]string{settingKind: "table"}
	if len(labels) > 0 {
		s.settings[settingLabel] = listText(t.keys(labels))
		s.notes = append(s.notes, fmt.Sprintf("labels: %s (%s)", t.labelled(labels), why))
	}
	if t.rows == 0 {
		t.faults.report(p)
		if p.Count == 0 {
			p.add("", "no samples")
		}
		return nil, p.err()
	}
	dir := filepath.Dir(path)
	if at, kind := t.mediaColumn(labels, dir); kind != "" {
		err = s.fromMedia(t, at, kind, dir, labels, &o, p)
	} else {
		err = s.fromColumns(t, labels, &o, p)
	}
	if err != nil {
		return nil, err
	}
	var meaning string
	if s.targets, meaning = t.makeTargets(labels, &o, p); len(labels) > 0 {
		s.notes = append(s.notes, "targets: "+meaning)
	}
	s.rows = upTo(t.rows)
	if err := p.err(); err != nil {
		return nil, err
	}
	s.standardise(&o)
	return s, nil
}

// keys are texts that find gives back the columns for.
func (t *table) keys(at []int) []string {
	list := make([]string, len(at))
	for k, i := range at {
		if list[k] = strconv.Itoa(i); t.header {
			list[k] = t.columns[i].name
		}
	}
	return list
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// fromColumns makes arrays of the columns that are no labels.
func (s *Set) fromColumns(t *table, labels []int, o *Options, p *problems) error {
	inputs, err := t.assign(labels, o)
	if err != nil {
		t.faults.report(p)
		return p.fail("", "%v", err)
	}
	t.reportUsed(inputs, labels, p)
	if err := p.err(); err != nil {
		return err
	}
	a := &arrays{}
	for _, in := range inputs {
		if in.generated() {
			continue
		}
		t.encode(in, s.known.vocabulary, p)
		if p.Count > 0 {
			continue
		}
		x, err := t.inputValues(in, o, s)
		var at *rowError
		switch {
		case errors.As(err, &at):
			p.add(t.where(at.row), "input %q: %v", in.name, err)
		case err != nil:
			p.add("", "input %q: %v", in.name, err)
		default:
			a.inputs = append(a.inputs, x)
			s.describeInput(t, in, x)
		}
	}
	if err := p.err(); err != nil {
		return err
	}
	s.source = a
	return a.generate(inputs, t, o)
}

// reportUsed passes on what is wrong with rows and with the columns that are used.
func (t *table) reportUsed(inputs []*featured, labels []int, p *problems) {
	var used []*faults
	for _, in := range inputs {
		for _, f := range in.features {
			used = append(used, &f.faults)
		}
	}
	for _, i := range labels {
		used = append(used, &t.columns[i].faults)
	}
	t.faults.report(p, used...)
}

// describeInput notes and stores which columns an input takes.
func (s *Set) describeInput(t *table, in *featured, x *arrayInput) {
	var at []int
	var texts []string
	for _, f := range in.features {
		at = append(at, f.at)
		if f.categories != nil {
			texts = append(texts, fmt.Sprintf("%s: one of %d texts", t.columnName(f.at), len(f.categories)))
			s.settings[settingCategories+"."+t.keys([]int{f.at})[0]] = listText(f.categories)
		}
	}
	s.settings[settingColumns+"."+in.name] = listText(t.keys(at))
	name := ""
	if in.name != "" {
		name = " " + strconv.Quote(in.name)
	}
	shape := []int(x.values.Shape()[1:])
	s.notes = append(s.notes, fmt.Sprintf("input%s: %v %v of %s", name, x.values.DType(), shape, t.span(at)))
	if len(texts) > 0 {
		s.notes = append(s.notes, strings.Join(texts, "; "))
	}
}

// span names columns: neighbours by the first and the last one.
func (t *table) span(at []int) string {
	neighbours := true
	for k := range at[1:] {
		neighbours = neighbours && at[k+1] == at[k]+1
	}
	switch {
	case len(at) == 1:
		return t.columnName(at[0])
	case neighbours:
		bare := func(i int) string { return strings.TrimPrefix(t.columnName(i), "column ") }
		return fmt.Sprintf("%d columns, %s to %s", len(at), bare(at[0]), bare(at[len(at)-1]))
	}
	return fmt.Sprintf("%d columns", len(at))
}

// inputValues makes the values of an input for all rows.
func (t *table) inputValues(in *featured, o *Options, s *Set) (*arrayInput, error) {
	if err := t.padLists(in, o, s); err != nil {
		return nil, err
	}
	for _, f := range in.features {
		if f.width() < 0 {
			return nil, fmt.Errorf("%s has lists of different lengths", t.columnName(f.at))
		}
	}
	shape, err := sampleShape(in.dims, in.width())
	if err != nil {
		return nil, fmt.Errorf("%w, of %s", err, t.span(positions(in.features)))
	}
	out := &arrayInput{name: in.name}
	if f := in.features[0]; len(in.features) == 1 && f.array != nil && f.array.DType() == in.dtype {
		out.values, out.mapped = f.array, f.mapped
		if !out.mapped {
			if at, n := notFinite(out.values), max(1, f.width()); at >= 0 {
				return nil, &rowError{at / n, fmt.Errorf("value %d of the sample is no finite number", at%n)}
			}
		}
		if in.dims == nil {
			return out, nil
		}
	} else if out.values, err = joinFeatures(in.features, t.rows, in.dtype); err != nil {
		return nil, err
	}
	out.values, err = out.values.Reshaped(append([]int{t.rows}, shape...)...)
	for _, f := range in.features {
		for range f.width() {
			out.plain = append(out.plain, f.categories == nil)
		}
	}
	return out, err
}

func positions(features []*feature) []int {
	var at []int
	for _, f := range features {
		at = append(at, f.at)
	}
	return at
}

// standardise learns the scaling of all rows, or takes over what is known.
func (s *Set) standardise(o *Options) {
	a, ok := s.source.(*arrays)
	if !ok {
		return
	}
	s.scales = map[string]*scaling{}
	for _, in := range a.inputs {
		n := tensor.Shape(in.values.Shape()[1:]).Len()
		if in.values.DType() != tensor.Float32 {
			continue
		}
		if k := s.known.scales[in.name]; k != nil && len(k.mean) == n {
			s.scales[in.name] = k
		} else if o.Standardise && !in.mapped {
			s.scales[in.name] = in.learn(s.rows)
		}
	}
}
