package ops

import (
	"cmp"
	"slices"
	"sort"
	"strings"
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
	after := sort.Search(len(t.rows), func(i int) bool { return compareRow(&t.rows[i], domain, name, opset) > 0 })
	if after == 0 || t.rows[after-1].Domain != domain || t.rows[after-1].Name != name {
		return nil
	}
	return &t.rows[after-1]
}

func compareRows(a, b Op) int { return compareRow(&a, b.Domain, b.Name, b.Since) }

// compareRow compares the place of a row with that of another.
func compareRow(r *Op, domain, name string, since int) int {
	if c := strings.Compare(r.Domain, domain); c != 0 {
		return c
	}
	if c := strings.Compare(r.Name, name); c != 0 {
		return c
	}
	return cmp.Compare(r.Since, since)
}
