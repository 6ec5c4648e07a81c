package onnxrun_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestReadmeProgram holds the program in README.md to the body of Example.
func TestReadmeProgram(t *testing.T) {
	if body(t, "README.md", "func main() {") != body(t, "example_test.go", "func Example() {") {
		t.Error("the program in README.md is not the body of Example in example_test.go")
	}
}

// TestReadmeCache holds the call that README.md shows to the one of ExampleOptions, whose folder is a temporary one.
func TestReadmeCache(t *testing.T) {
	call := regexp.MustCompile(`(?m)^    (s, err := onnxrun\.Open\(.*)$`).FindStringSubmatch(read(t, "README.md"))
	if call == nil || !strings.Contains(read(t, "example_test.go"), strings.Replace(call[1], `"packed"`, "dir", 1)) {
		t.Errorf("README.md shows the call %q, ExampleOptions another", call)
	}
}

// body returns the lines between a function's first line and its closing brace, without comments that say
// what the output is.
func body(t *testing.T, file, first string) string {
	t.Helper()
	_, rest, ok := strings.Cut(read(t, file), first+"\n")
	if !ok {
		t.Fatalf("%s holds no %q", file, first)
	}
	rest, _, _ = strings.Cut(rest, "\n}\n")
	var lines []string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(strings.TrimSpace(line), "// Output:") {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// TestReadmeFigures holds the table of suites to the archives and to the list of cases that do not pass. The row that links to
// the list of archives counts those that no other row names.
func TestReadmeFigures(t *testing.T) {
	archives := caseArchives(t)
	excluded := map[string]bool{}
	for line := range strings.Lines(read(t, "testdata/conformance/exclusions.txt")) {
		name, _, _ := strings.Cut(line, "\t")
		excluded[name] = true
	}
	row := func(file string) string {
		cases := archives[file]
		delete(archives, file)
		passed := slices.DeleteFunc(slices.Clone(cases), func(name string) bool { return excluded[name] })
		return fmt.Sprintf("| %d | %d |", len(cases), len(passed))
	}
	readme := read(t, "README.md")
	for _, m := range regexp.MustCompile("(?m)^\\|.*\\(`([a-z-]+\\.zip)`\\) (\\|.*\\|)$").FindAllStringSubmatch(readme, -1) {
		if want := row(m[1]); m[2] != want {
			t.Errorf("README.md says %q of %s, want %q", m[2], m[1], want)
		}
	}
	archives["the others"] = slices.Concat(slices.Collect(maps.Values(archives))...)
	if want := "(testdata/conformance/README.md)) " + row("the others"); !strings.Contains(readme, want) {
		t.Errorf("README.md does not say %q of the archives that it does not name", want)
	}
}

// TestArchivesListed holds testdata/conformance/README.md to the archives that lie beside it.
func TestArchivesListed(t *testing.T) {
	list := read(t, "testdata/conformance/README.md")
	for file, cases := range caseArchives(t) {
		if want := fmt.Sprintf("\n| %s | %d | ", file, len(cases)); !strings.Contains(list, want) {
			t.Errorf("testdata/conformance/README.md has no row %q", strings.TrimSpace(want))
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\| (\S+\.zip) \| (\d+) \|`).FindAllStringSubmatch(list, -1) {
		if _, err := os.Stat(filepath.Join("testdata/conformance", m[1])); err != nil {
			t.Errorf("testdata/conformance/README.md lists %s: %v", m[1], err)
		}
		if n, err := strconv.Atoi(m[2]); err != nil || n == 0 {
			t.Errorf("%s has %s cases", m[1], m[2])
		}
	}
}

// caseArchives returns the names of the cases in each archive of testdata/conformance; shapes.zip, which holds what is
// inferred of the cases of others, is left out.
func caseArchives(t *testing.T) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob("testdata/conformance/*.zip")
	if err != nil {
		t.Fatal(err)
	}
	archives := map[string][]string{}
	for _, path := range paths {
		if file := filepath.Base(path); file != "shapes.zip" {
			archives[file] = caseNames(t, path)
		}
	}
	return archives
}

// caseNames returns the names in the manifest.json or index.json of an archive.
func caseNames(t *testing.T, path string) []string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	type named struct{ Name string }
	var cases []named
	if f, err := z.Open("manifest.json"); err == nil {
		var manifest struct{ Cases []named }
		if err := json.NewDecoder(f).Decode(&manifest); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		cases = manifest.Cases
	} else if f, err := z.Open("index.json"); err != nil {
		t.Fatalf("%s: neither manifest.json nor index.json", path)
	} else if err := json.NewDecoder(f).Decode(&cases); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	names := make([]string, len(cases))
	for i, c := range cases {
		names[i] = c.Name
	}
	return names
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
