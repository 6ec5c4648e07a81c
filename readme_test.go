package onnxrun_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeProgram holds the program in README.md to the body of Example.
func TestReadmeProgram(t *testing.T) {
	if body(t, "README.md", "func main() {") != body(t, "example_test.go", "func Example() {") {
		t.Error("the program in README.md is not the body of Example in example_test.go")
	}
}

// body returns the lines between a function's first line and its closing brace, without comments that say
// what the output is.
func body(t *testing.T, file, first string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), first+"\n")
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
