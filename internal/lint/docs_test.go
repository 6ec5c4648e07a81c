package lint

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// TestPackageDocs demands one package comment per package; outside package main it says what the package
// may import.
func TestPackageDocs(t *testing.T) {
	docs := map[string]string{}
	for _, src := range load(t) {
		if !src.Library() {
			continue
		}
		docs[src.Pkg] += src.File.Doc.Text()
		want := "Package " + src.File.Name.Name + " "
		if src.File.Name.Name == "main" {
			want = "Command "
		}
		if doc := src.File.Doc.Text(); doc != "" && !strings.HasPrefix(doc, want) && !src.Generated {
			t.Errorf("%s: package comment does not start with %q", src.Path, want)
		}
	}
	for pkg, doc := range docs {
		switch {
		case doc == "":
			t.Errorf("%s: no package comment", pkg)
		case strings.HasPrefix(doc, "Package ") && !strings.Contains(doc, "import"):
			t.Errorf("%s: the package comment does not say what the package may import", pkg)
		}
	}
}

// TestExportedDocs demands that every exported name has a comment that starts with it. The members of a
// group in parentheses may share the comment of the group or carry one on their line.
func TestExportedDocs(t *testing.T) {
	for _, src := range load(t) {
		if !src.Library() || src.Generated || src.File.Name.Name == "main" {
			continue
		}
		for _, decl := range src.File.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) {
					checkDoc(t, src, d.Name, d.Doc)
				}
			case *ast.GenDecl:
				checkGroup(t, src, d)
			}
		}
	}
}

func checkGroup(t *testing.T, src *Source, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && !inDocumentedGroup(d, s.Comment) {
				checkDoc(t, src, s.Name, firstDoc(s.Doc, d.Doc))
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && !inDocumentedGroup(d, s.Comment) {
					checkDoc(t, src, name, firstDoc(s.Doc, d.Doc))
				}
			}
		}
	}
}

func inDocumentedGroup(d *ast.GenDecl, line *ast.CommentGroup) bool {
	return d.Lparen.IsValid() && (line != nil || d.Doc != nil)
}

func firstDoc(docs ...*ast.CommentGroup) *ast.CommentGroup {
	for _, d := range docs {
		if d != nil {
			return d
		}
	}
	return nil
}

func checkDoc(t *testing.T, src *Source, name *ast.Ident, doc *ast.CommentGroup) {
	text := doc.Text()
	for _, article := range []string{"A ", "An ", "The "} {
		text = strings.TrimPrefix(text, article)
	}
	if rest, ok := strings.CutPrefix(text, name.Name); !ok || rest == "" || token.IsIdentifier("a"+rest[:1]) {
		t.Errorf("%s:%d: exported %s has no comment that starts with its name", src.Path, src.Line(name.Pos()), name.Name)
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}
