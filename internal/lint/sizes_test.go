package lint

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const (
	maxFileLines     = 600
	maxFunctionLines = 120
	tableShare       = 0.75 // a file that gives this share of its lines to one table literal is a table
)

// TestFileSizes exempts, by rule, generated files (which must be named z*) and tables.
func TestFileSizes(t *testing.T) {
	for _, src := range load(t) {
		if src.Generated {
			if !strings.HasPrefix(path.Base(src.Path), "z") && !strings.HasSuffix(src.Path, "_stubs.go") && !src.Hidden {
				t.Errorf("%s: generated files are named z*.go", src.Path)
			}
			continue
		}
		if n := src.Lines(); n > maxFileLines && !isTable(src) {
			t.Errorf("%s: %d lines, want at most %d", src.Path, n, maxFileLines)
		}
	}
}

// isTable reports whether one variable or constant declaration takes up most of the file.
func isTable(src *Source) bool {
	for _, decl := range src.File.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && (d.Tok == token.VAR || d.Tok == token.CONST) {
			if n := src.Line(d.End()) - src.Line(d.Pos()) + 1; float64(n) >= tableShare*float64(src.Lines()) {
				return true
			}
		}
	}
	return false
}

func TestFunctionSizes(t *testing.T) {
	for _, src := range load(t) {
		if src.Generated {
			continue
		}
		for _, decl := range src.File.Decls {
			d, ok := decl.(*ast.FuncDecl)
			if !ok || d.Body == nil {
				continue
			}
			if n := src.Line(d.End()) - src.Line(d.Pos()) + 1; n > maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines, want at most %d", src.Path, src.Line(d.Pos()), d.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// TestAssemblySizes holds assembly that is written by hand to the size of any other file.
func TestAssemblySizes(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".s") {
			return err
		}
		text, err := os.ReadFile(name)
		if n := bytes.Count(text, []byte("\n")); n > maxFileLines && !generated.Match(text) {
			t.Errorf("%s: %d lines, want at most %d", name, n, maxFileLines)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormatted(t *testing.T) {
	for _, src := range load(t) {
		out, err := format.Source(src.Text)
		if err != nil {
			t.Errorf("%s: %v", src.Path, err)
		} else if !bytes.Equal(out, src.Text) {
			t.Errorf("%s is not formatted: run gofmt", src.Path)
		}
	}
}
