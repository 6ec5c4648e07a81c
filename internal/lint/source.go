// Package lint holds the architecture tests of the module: who may import whom, what the library reaches
// outside the module, documentation, sizes and the words that must not occur in certain packages.
//
// The rules are data in the test files; this file reads the module's sources. It imports nothing of this
// module.
package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// ModulePath is the import path of the module.
const ModulePath = "github.com/onnxrun/onnxrun"

// A Source is one Go file of the module.
type Source struct {
	Path      string // slash-separated, relative to the root of the module
	Pkg       string // its folder: the import path below ModulePath, "." for the root package
	Test      bool   // named *_test.go
	Generated bool   // carries the standard "Code generated" header
	Hidden    bool   // below a folder that ./... leaves out: its own module, or a name starting with _
	Text      []byte
	File      *ast.File
	Fset      *token.FileSet
}

// Line returns the line of a position in the file.
func (s *Source) Line(p token.Pos) int { return s.Fset.Position(p).Line }

// Lines returns the number of lines of the file.
func (s *Source) Lines() int { return bytes.Count(s.Text, []byte("\n")) }

// Library reports whether the file is compiled into other programs: neither a test nor hidden.
func (s *Source) Library() bool { return !s.Test && !s.Hidden }

// Imports returns the import paths of the file.
func (s *Source) Imports() []string {
	var list []string
	for _, imp := range s.File.Imports {
		list = append(list, strings.Trim(imp.Path.Value, `"`))
	}
	return list
}

// OwnImports returns the packages of this module that the file imports, relative to ModulePath.
func (s *Source) OwnImports() []string {
	var list []string
	for _, p := range s.Imports() {
		if rel, ok := strings.CutPrefix(p, ModulePath+"/"); ok {
			list = append(list, rel)
		} else if p == ModulePath {
			list = append(list, ".")
		}
	}
	return list
}

// Root returns the folder of the go.mod that governs the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("lint: no go.mod above the working directory")
		}
		dir = up
	}
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// Load parses every Go file below root, whatever its build constraints. Folders named testdata or starting
// with a dot are left out.
func Load(root string) ([]*Source, error) {
	var list []*Source
	hidden := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			_, statErr := os.Stat(filepath.Join(name, "go.mod"))
			hidden[rel] = hidden[path.Dir(rel)] && rel != "." || strings.HasPrefix(d.Name(), "_") || rel != "." && statErr == nil
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := parse(name, rel)
		if err == nil {
			src.Hidden = hidden[src.Pkg]
			list = append(list, src)
		}
		return err
	})
	return list, err
}

func parse(name, rel string) (*Source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	src := &Source{
		Path: rel, Pkg: path.Dir(rel), Text: text, Fset: token.NewFileSet(),
		Test: strings.HasSuffix(rel, "_test.go"), Generated: generated.Match(text),
	}
	src.File, err = parser.ParseFile(src.Fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	return src, err
}
