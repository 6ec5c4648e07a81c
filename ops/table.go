package ops

import (
	"cmp"
	"slices"
)

// A Table is a list of rows sorted by domain, name and Since.
type Table struct{ rows []Op }

// Default returns the table of everything that this project implements.
func Default() *Table { return defaultTable }

var defaultTable = NewTable(onnxTable, mlTable, previewTable, trainingTable, microsoftTable, internalTable)

// NewTable joins and sorts lists of rows. Of two rows with the same domain, name and Since the one of the
// later list counts, so that a caller's own operators can replace ours.
func NewTable(lists ...[]Op) *Table {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, compareRows)
	t := &Table{rows: all[:0]}
	for i, r := range all {
		if i+1 < len(all) && compareRows(r, all[i+1]) == 0 {
			continue
		}
		t.rows = append(t.rows, r)
	}
	return t
}

// With returns a table that has extra rows on top of those of t.
func (t *Table) With(extra []Op) *Table {
	if len(extra) == 0 {
		return t
	}
	return NewTable(t.rows, extra)
}

// Rows returns all rows, sorted. The caller must not change them.
func (t *Table) Rows() []Op { return t.rows }

// Find returns the row for an operator at an opset version: the newest whose Since does not exceed it. It
// returns nil if there is none.
func (t *Table) Find(domain, name string, opset int) *Op {
	if domain == "ai.onnx" {
		domain = ""
	}
	key := Op{Domain: domain, Name: name, Since: opset}
	i, ok := slices.BinarySearchFunc(t.rows, key, compareRows)
	if !ok {
		i--
	}
	if i < 0 || t.rows[i].Domain != domain || t.rows[i].Name != name {
		return nil
	}
	return &t.rows[i]
}

func compareRows(a, b Op) int {
	return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Since, b.Since))
}
