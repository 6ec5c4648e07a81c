package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// A column is one field of all rows of a table, in one of several forms.
type column struct {
	name    string
	numbers []float64      // one a row
	texts   []string       // one a row
	lists   [][]float64    // of any lengths
	blobs   [][]byte       // encoded pictures or sounds
	array   *tensor.Tensor // rows first
	mapped  bool           // array lies in a mapped file
	classes []string       // what whole numbers stand for, if the file says it
	faults  faults         // what is wrong with its values, which matters if the column is used
}

// width is the number of elements per row, -1 if rows differ.
func (c *column) width() int {
	switch {
	case c.array != nil:
		return tensor.Shape(c.array.Shape()[1:]).Len()
	case c.lists != nil:
		n := len(c.lists[0])
		for _, l := range c.lists {
			if len(l) != n {
				return -1
			}
		}
		return n
	}
	return 1
}

// scalars returns the values of a column of one number a row, or nil.
func (c *column) scalars() []float64 {
	switch {
	case c.numbers != nil:
		return c.numbers
	case c.array != nil && c.array.DType() != tensor.String && c.width() == 1:
		return tensor.Float64s(c.array, c.array.Len())
	case c.lists != nil && c.width() == 1:
		return slices.Concat(c.lists...)
	}
	return nil
}

// words returns the values of a column of one text a row, or nil.
func (c *column) words() []string {
	if c.array != nil && c.array.DType() == tensor.String && c.width() == 1 {
		return c.array.Strings()
	}
	return c.texts
}

// A table is a file of rows with the same fields.
type table struct {
	columns []*column
	rows    int
	header  bool             // the columns have names
	where   func(int) string // the place of a row in the file
	faults  faults           // what is wrong with whole rows
	close   func() error     // lets go of what the columns lie in, may be nil
}

// columnName names column i for messages.
func (t *table) columnName(i int) string {
	if t.header {
		return "column " + quoted(t.columns[i].name)
	}
	return fmt.Sprintf("column %d", i)
}

// find returns the position of a column that is named, or counted from 0, or backwards from -1.
func (t *table) find(name string) (int, error) {
	name = strings.TrimSpace(name)
	for _, equal := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		if i := slices.IndexFunc(t.columns, func(c *column) bool { return equal(c.name, name) }); i >= 0 {
			return i, nil
		}
	}
	i, err := strconv.Atoi(name)
	if err == nil && i < 0 {
		i += len(t.columns)
	}
	if err != nil || i < 0 || i >= len(t.columns) {
		return 0, fmt.Errorf("no column %q: there are %s", name, t.names())
	}
	return i, nil
}

// names lists the columns for messages.
func (t *table) names() string {
	const most = 12
	if !t.header {
		return fmt.Sprintf("%d columns without names", len(t.columns))
	}
	var list []string
	for _, c := range t.columns[:min(most, len(t.columns))] {
		list = append(list, strconv.Quote(c.name))
	}
	if more := len(t.columns) - most; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// findAll finds several columns.
func (t *table) findAll(names []string) ([]int, error) {
	var out []int
	for _, name := range names {
		i, err := t.find(name)
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, nil
}
