package schema

import (
	"cmp"
	"iter"
	"slices"
	"sync"
)

// operator is a row of a table: the versions of one operator, parsed on demand.
type operator struct {
	domain, name string
	text         string
	once         sync.Once
	versions     []*Schema
}

type domainVersion struct {
	domain string
	opset  int
}

// tables returns all tables, each sorted by domain and name.
func tables() [3][]operator {
	return [3][]operator{onnxOperators, microsoftOperators, internalOperators}
}

// parsed returns the versions of an operator, oldest first. The texts are
// constants that the tests parse one by one; an operator that does not parse
// has no versions.
func (op *operator) parsed() []*Schema {
	op.once.Do(func() { op.versions, _ = parseOperator(op.domain, op.name, op.text) })
	return op.versions
}

// normal returns the spelling of a domain that the tables use.
func normal(domain string) string {
	if domain == "ai.onnx" {
		return ONNX
	}
	return domain
}

// Versions returns all versions of an operator, oldest first, or nil. The
// slice is shared and must not be changed.
func Versions(domain, name string) []*Schema {
	domain = normal(domain)
	for _, table := range tables() {
		low, high := 0, len(table)
		for low < high {
			mid := int(uint(low+high) >> 1)
			op := &table[mid]
			order := cmp.Or(cmp.Compare(op.domain, domain), cmp.Compare(op.name, name))
			switch {
			case order == 0:
				return op.parsed()
			case order < 0:
				low = mid + 1
			default:
				high = mid
			}
		}
	}
	return nil
}

// Lookup returns the version of an operator that holds in an operator set: the
// one with the greatest Since that is not above opset. It returns nil when the
// operator set has no such operator; one that was removed is returned with
// Deprecated set.
func Lookup(domain, name string, opset int) *Schema {
	list := Versions(domain, name)
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Since <= opset {
			return list[i]
		}
	}
	return nil
}

// Domains returns the names of all domains, sorted.
func Domains() []string {
	names := []string{Microsoft, Internal}
	for _, d := range onnxDomains {
		names = append(names, d.domain)
	}
	slices.Sort(names)
	return names
}

// LatestOpset returns the newest operator set of a domain, 0 for one that is
// not known.
func LatestOpset(domain string) int {
	domain = normal(domain)
	for _, d := range onnxDomains {
		if d.domain == domain {
			return d.opset
		}
	}
	if domain == Microsoft || domain == Internal {
		return 1
	}
	return 0
}

// All yields every version of every operator: table by table (ONNX,
// com.microsoft, internal), sorted by domain, name and version.
func All() iter.Seq[*Schema] {
	return func(yield func(*Schema) bool) {
		for _, table := range tables() {
			for i := range table {
				for _, s := range table[i].parsed() {
					if !yield(s) {
						return
					}
				}
			}
		}
	}
}
