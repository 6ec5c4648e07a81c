package conform

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Case is a model with recorded inputs and outputs: the folder of an ONNX case, or a weight-stripped model
// with its recipes and reference outputs.
type Case struct {
	Name  string
	Files fs.FS  // the folder of the case; names is what lies in it
	Dir   string // the folder on disk, where there is one: models are mapped from there
	Sets  []DataSet

	Rule      *Rule // the case's own, nil if it brings none
	Quantised *bool // nil: look at the operators of the model
	stripped  bool
}

// A DataSet holds the names of the input and output files of one run, by position.
type DataSet struct {
	Name    string
	Inputs  []string
	Outputs []string
	Specs   []string // references that follow the specification, for quantised models; "" where absent
}

const modelFile = "model.onnx"

// newCase looks at the files of a folder; it reports false if the folder holds no case.
func newCase(name string, fsys fs.FS, names []string) (*Case, bool) {
	if !slices.Contains(names, modelFile) {
		return nil, false
	}
	c := &Case{Name: name, Files: fsys}
	c.stripped = slices.Contains(names, "spec.json") && slices.Contains(names, "ref.npz")
	if !c.stripped {
		c.Sets = dataSets(names)
	}
	return c, true
}

// dataSets groups files named test_data_set_<k>/input_<i>.pb and output_<i>.pb by k, in order of k and i.
func dataSets(names []string) []DataSet {
	sets := map[int]*DataSet{}
	for _, name := range names {
		dir, file := path.Split(name)
		k, ok := number(strings.TrimSuffix(dir, "/"), "test_data_set_", "")
		if !ok {
			continue
		}
		if sets[k] == nil {
			sets[k] = &DataSet{Name: strings.TrimSuffix(dir, "/")}
		}
		s := sets[k]
		if i, ok := number(file, "input_", ".pb"); ok {
			s.Inputs = put(s.Inputs, i, name)
		} else if i, ok := number(file, "output_", "_spec.pb"); ok {
			s.Specs = put(s.Specs, i, name)
		} else if i, ok := number(file, "output_", ".pb"); ok {
			s.Outputs = put(s.Outputs, i, name)
		}
	}
	var order []int
	for k := range sets {
		order = append(order, k)
	}
	slices.Sort(order)
	var list []DataSet
	for _, k := range order {
		list = append(list, *sets[k])
	}
	return list
}

// number reads the digits between a prefix and a suffix.
func number(s, prefix, suffix string) (int, bool) {
	s, ok1 := strings.CutPrefix(s, prefix)
	s, ok2 := strings.CutSuffix(s, suffix)
	n, err := strconv.Atoi(s)
	return n, ok1 && ok2 && err == nil && n >= 0 && n < 1<<16
}

// put sets element i of a list that grows as needed.
func put(list []string, i int, s string) []string {
	for len(list) <= i {
		list = append(list, "")
	}
	list[i] = s
	return list
}

// check reports a data set that lacks a file in the middle.
func (d *DataSet) check() error {
	for kind, list := range map[string][]string{"input": d.Inputs, "output": d.Outputs} {
		if i := slices.Index(list, ""); i >= 0 {
			return fmt.Errorf("conform: %s has %d %ss but no %s_%d.pb", d.Name, len(list), kind, kind, i)
		}
	}
	return nil
}
