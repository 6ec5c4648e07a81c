package ops

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx/schema"
)

//go:generate go test -run ^TestOperatorList$ -update .

var update = flag.Bool("update", false, "write OPERATORS.md anew")

// TestOperatorList holds OPERATORS.md to the table and to the schemas.
func TestOperatorList(t *testing.T) {
	want := operatorList(vectorCounts(t))
	if *update {
		if err := os.WriteFile("OPERATORS.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile("OPERATORS.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("OPERATORS.md is not what the table says; go generate ./ops writes it")
	}
}

// TestRowsHaveSchemas: a row of an operator of the standard starts at a version that its schema knows.
func TestRowsHaveSchemas(t *testing.T) {
	for _, r := range Default().Rows() {
		if r.Domain == schema.Microsoft || r.Domain == schema.Internal {
			continue
		}
		versions := schema.Versions(r.Domain, r.Name)
		if !slices.ContainsFunc(versions, func(s *schema.Schema) bool { return s.Since == r.Since }) {
			t.Errorf("%s:%s: the row's version %d is none of the schema's", r.Domain, r.Name, r.Since)
		}
	}
}

// listed are the named sets of element types, for a short list.
var listed = []struct {
	name string
	set  DTypes
}{
	{"float", float}, {"integer", integer}, {"num", num}, {"float8", float8}, {"packed", packed}, {"bytes", bytes}, {"all", anyType},
}

func typeNames(s DTypes) string {
	for _, l := range listed {
		if s == l.set {
			return "*" + l.name + "*"
		}
		if s == l.set|str {
			return "*" + l.name + "* string"
		}
	}
	return s.String()
}

var flagNames = []string{"Commutative", "InPlace", "View", "Random", "ShapeOnly", "Managed", "Codes", "Rewritten", "Bodied", "Elementwise", "Changes"}

func flagText(f Flags) string {
	var w []string
	for i, name := range flagNames {
		if f>>i&1 != 0 {
			w = append(w, name)
		}
	}
	return strings.Join(w, " ")
}

// An entry is all rows of one operator and all versions of its schema.
type entry struct {
	domain, name string
	rows         []Op
	versions     []*schema.Schema
}

// entries lists all operators that the table or the schemas know, by domain and name.
func entries() []entry {
	index := map[[2]string]int{}
	var list []entry
	at := func(domain, name string) *entry {
		k := [2]string{domain, name}
		if _, ok := index[k]; !ok {
			index[k] = len(list)
			list = append(list, entry{domain: domain, name: name, versions: schema.Versions(domain, name)})
		}
		return &list[index[k]]
	}
	for s := range schema.All() {
		at(s.Domain, s.Name)
	}
	for _, r := range Default().Rows() {
		e := at(r.Domain, r.Name)
		e.rows = append(e.rows, r)
	}
	slices.SortFunc(list, func(a, b entry) int {
		return strings.Compare(a.domain+"\x00"+a.name, b.domain+"\x00"+b.name)
	})
	return list
}

func operatorList(vectors map[[2]string]int) string {
	var b strings.Builder
	b.WriteString(`# Operators

Written by ` + "`go generate ./ops`" + ` from the operator table, the schemas of ONNX and the archives of cases; a test compares. *Versions* are those of
the schema that are covered (versions that only deprecate an operator are left out), *types* the element types that the kernel takes, version by
version where rows differ, *vectors* the cases in testdata/conformance that use the operator. *Kernels*: native ones, the function body that the
standard gives, or expanded into other operators when the graph is built. *Gradient*: whether training goes through.

`)
	for _, l := range listed {
		fmt.Fprintf(&b, "- *%s*: %s\n", l.name, members(l.set))
	}
	var domain string
	for i, e := range entries() {
		if i == 0 || e.domain != domain {
			domain = e.domain
			fmt.Fprintf(&b, "\n## %s\n\n| operator | versions | types | vectors | kernels | gradient | flags |\n|---|---|---|---|---|---|---|\n", domainTitle(domain))
		}
		e.write(&b, vectors[[2]string{e.domain, e.name}])
	}
	return b.String()
}

func domainTitle(d string) string {
	switch d {
	case "":
		return "ai.onnx"
	case schema.Internal:
		return d + " (made by passes and gradients)"
	}
	return d
}

func members(s DTypes) string {
	if s == anyType {
		return "everything, strings included"
	}
	return s.String()
}

func (e *entry) write(b *strings.Builder, vectors int) {
	var have, missing []string
	native, body, expands := len(e.versions) == 0, false, false
	for _, s := range e.versions {
		row := Default().Find(e.domain, e.name, s.Since)
		switch {
		case s.Deprecated:
			continue
		case row != nil && row.Flags&Rewritten != 0:
			expands = true
		case row != nil:
			native = true
		case s.HasFunction():
			body = true
		default:
			missing = append(missing, fmt.Sprint(s.Since))
			continue
		}
		have = append(have, fmt.Sprint(s.Since))
	}
	if len(e.versions) == 0 {
		for _, r := range e.rows {
			have = append(have, fmt.Sprint(r.Since))
		}
	}
	if len(have)+len(missing) == 0 {
		return // was never more than deprecated
	}
	var kernels []string
	for _, k := range []struct {
		name string
		is   bool
	}{{"native", native}, {"function body", body}, {"expands", expands}, {"missing: " + strings.Join(missing, " "), len(missing) > 0}} {
		if k.is {
			kernels = append(kernels, k.name)
		}
	}
	types, grad, flags := e.columns()
	fmt.Fprintf(b, "| %s | %s | %s | %d | %s | %s | %s |\n", e.name, strings.Join(have, " "), types, vectors, strings.Join(kernels, ", "), grad, flags)
}

// columns returns the types, the gradient and the flags of the rows.
func (e *entry) columns() (types, grad, flags string) {
	var list []string
	for i, r := range e.rows {
		if text := typeNames(r.Types); i == 0 || typeNames(e.rows[i-1].Types) != text {
			if i > 0 {
				text = fmt.Sprintf("%d: %s", r.Since, text)
			}
			list = append(list, text)
		}
		if r.Grad != nil || r.Flags&Bodied != 0 {
			grad = "yes"
		}
		flags = flagText(r.Flags)
	}
	return strings.Join(list, "; "), grad, flags
}

// TestRowsOnce: no list of rows names an operator and version twice.
func TestRowsOnce(t *testing.T) {
	for _, list := range [][]Op{onnxTable, mlTable, previewTable, trainingTable, microsoftTable, internalTable} {
		seen := map[string]bool{}
		for _, r := range list {
			key := fmt.Sprintf("%s:%s %d", r.Domain, r.Name, r.Since)
			if seen[key] {
				t.Errorf("%s: two rows", key)
			}
			seen[key] = true
		}
	}
}
