package convert

import (
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx/schema"
)

// TestTable: rows are unique, sorted by operator, and stand between neighbouring versions.
func TestTable(t *testing.T) {
	seen := map[key]bool{}
	for i, a := range adapters {
		k := key{a.domain, a.op, a.from, a.to}
		if seen[k] {
			t.Errorf("%v occurs twice", k)
		}
		seen[k] = true
		if a.why == "" || a.apply == nil {
			t.Errorf("%v gives no reason or does nothing", k)
		}
		if i > 0 && (adapters[i-1].domain > a.domain || adapters[i-1].domain == a.domain && adapters[i-1].op > a.op) {
			t.Errorf("%v stands after %s", k, adapters[i-1].op)
		}
		versions := schema.Versions(a.domain, a.op)
		at := slices.IndexFunc(versions, func(s *schema.Schema) bool { return s.Since == a.from })
		if at < 0 {
			t.Errorf("%v: there is no version %d", k, a.from)
			continue
		}
		neighbours := []int{0}
		for _, j := range []int{at - 1, at + 1} {
			if j >= 0 && j < len(versions) && !versions[j].Deprecated {
				neighbours = append(neighbours, versions[j].Since)
			}
		}
		if !slices.Contains(neighbours, a.to) {
			t.Errorf("%v: the neighbours of version %d are %v", k, a.from, neighbours)
		}
	}
}

// TestTableComplete: wherever a newer version lacks an attribute without a default, has fewer inputs or is
// a removal, the table has a row: schemas alone cannot take a node up.
func TestTableComplete(t *testing.T) {
	missing := func(a, b *schema.Schema) bool {
		for _, attr := range a.Attributes {
			if attr.Default == nil && b.Attribute(attr.Name) == nil {
				return true
			}
		}
		return b.MinInputs > a.MinInputs || b.MaxInputs < a.MaxInputs
	}
	for s := range schema.All() {
		if s.Domain == schema.Microsoft || s.Domain == schema.Internal {
			continue
		}
		versions := schema.Versions(s.Domain, s.Name)
		at := slices.Index(versions, s)
		if at+1 == len(versions) {
			continue
		}
		next := versions[at+1]
		switch {
		case next.Deprecated && find(s.Domain, s.Name, s.Since, 0) == nil:
			if s.Domain != schema.ML {
				t.Errorf("%s %d was removed in %d, and there is no row", s.Name, s.Since, next.Since)
			}
		case !next.Deprecated && missing(s, next) && find(s.Domain, s.Name, s.Since, next.Since) == nil:
			t.Errorf("%s %d to %d has no row", s.Name, s.Since, next.Since)
		}
	}
}
