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
	want := operatorList()
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

var flagNames = []string{"Commutative", "InPlace", "View", "Random", "ShapeOnly", "Managed", "Codes", "Rewritten"}

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

func operatorList() string {
	var b strings.Builder
	b.WriteString(`# Operators

Written by ` + "`go generate ./ops`" + ` from the operator table and the schemas of ONNX; a test compares. *Versions* are those of the schema that a row
covers, *missing* those that none does (versions that only deprecate an operator are left out). *Types* are the element types that the
kernel takes, version by version where rows differ; kernels may refuse combinations of types, with a message that says so.

`)
	for _, l := range listed {
		fmt.Fprintf(&b, "- *%s*: %s\n", l.name, members(l.set))
	}
	var domain string
	var without []entry
	for i, e := range entries() {
		if i == 0 || e.domain != domain {
			missingList(&b, without)
			without, domain = nil, e.domain
			fmt.Fprintf(&b, "\n## %s\n\n| operator | versions | missing | types | differentiable | flags |\n|---|---|---|---|---|---|\n", domainTitle(domain))
		}
		if len(e.rows) == 0 {
			without = append(without, e)
			continue
		}
		e.write(&b)
	}
	missingList(&b, without)
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

func (e *entry) write(b *strings.Builder) {
	var have, missing []string
	for _, s := range e.versions {
		switch {
		case s.Deprecated:
		case Default().Find(e.domain, e.name, s.Since) != nil:
			have = append(have, fmt.Sprint(s.Since))
		default:
			missing = append(missing, fmt.Sprint(s.Since))
		}
	}
	if len(e.versions) == 0 {
		for _, r := range e.rows {
			have = append(have, fmt.Sprint(r.Since))
		}
	}
	var types []string
	grad := ""
	for i, r := range e.rows {
		if text := typeNames(r.Types); i == 0 || typeNames(e.rows[i-1].Types) != text {
			if i > 0 {
				text = fmt.Sprintf("%d: %s", r.Since, text)
			}
			types = append(types, text)
		}
		if r.Grad != nil {
			grad = "yes"
		}
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", e.name, strings.Join(have, " "), strings.Join(missing, " "),
		strings.Join(types, "; "), grad, flagText(e.rows[len(e.rows)-1].Flags))
}

// missingList writes the operators of a domain that have no row. Those with a function body in the standard
// run by it, as far as the operators in it do.
func missingList(b *strings.Builder, list []entry) {
	var functions, missing []string
	for _, e := range list {
		last := e.versions[len(e.versions)-1]
		switch {
		case last.Deprecated:
		case last.HasFunction():
			functions = append(functions, e.name)
		default:
			missing = append(missing, e.name)
		}
	}
	if len(functions) > 0 {
		fmt.Fprintf(b, "\nBy the function body of the standard, without a row (%d): %s\n", len(functions), strings.Join(functions, ", "))
	}
	if len(missing) > 0 {
		fmt.Fprintf(b, "\nMissing (%d): %s\n", len(missing), strings.Join(missing, ", "))
	}
}

// TestRowsOnce: no list of rows names an operator and version twice.
func TestRowsOnce(t *testing.T) {
	for _, list := range [][]Op{onnxTable, mlTable, trainingTable, microsoftTable, internalTable} {
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
