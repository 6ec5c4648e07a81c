package lint

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// operatorFree are the packages that know neither the names of operators nor single element types.
var operatorFree = []string{"runtime", "internal/plan"}

// vagueNames say nothing about what a package holds.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "extra", "shared", "base"}

func TestNoOperatorNames(t *testing.T) {
	known := operatorNames(t)
	for _, src := range load(t) {
		if !src.Library() || !slices.Contains(operatorFree, src.Pkg) {
			continue
		}
		ast.Inspect(src.File, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && known[s] {
					t.Errorf("%s:%d: names the operator %s", src.Path, src.Line(lit.Pos()), s)
				}
			}
			return true
		})
	}
}

// operatorNames reads the names out of the operator tables, the second field of each row.
func operatorNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	for _, src := range load(t) {
		if src.Pkg != "ops" || !strings.HasPrefix(path.Base(src.Path), "table") || src.Test {
			continue
		}
		ast.Inspect(src.File, func(n ast.Node) bool {
			row, ok := n.(*ast.CompositeLit)
			if !ok || len(row.Elts) < 3 {
				return true
			}
			if lit, ok := row.Elts[1].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					names[s] = true
				}
			}
			return true
		})
	}
	return names
}

// TestNoDTypeSwitch keeps choices by element type where kernels are bound: in ops.
func TestNoDTypeSwitch(t *testing.T) {
	for _, src := range load(t) {
		if !src.Library() || !slices.Contains(operatorFree, src.Pkg) {
			continue
		}
		ast.Inspect(src.File, func(n ast.Node) bool {
			if sw, ok := n.(*ast.SwitchStmt); ok && (mentionsDType(sw.Tag) || casesDType(sw.Body)) {
				t.Errorf("%s:%d: switch over an element type", src.Path, src.Line(sw.Pos()))
			}
			return true
		})
	}
}

func mentionsDType(e ast.Expr) bool {
	found := false
	if e != nil {
		ast.Inspect(e, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && strings.EqualFold(id.Name, "dtype") {
				found = true
			}
			return true
		})
	}
	return found
}

func casesDType(body *ast.BlockStmt) bool {
	for _, stmt := range body.List {
		for _, e := range stmt.(*ast.CaseClause).List {
			sel, ok := e.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "tensor" && slices.Contains(dtypeNames, sel.Sel.Name) {
				return true
			}
		}
	}
	return false
}

var dtypeNames = []string{
	"Float32", "Float64", "Float16", "BFloat16", "Int8", "Int16", "Int32", "Int64", "Uint8", "Uint16", "Uint32", "Uint64",
	"Bool", "String", "Complex64", "Complex128", "Int4", "Uint4", "Int2", "Uint2", "Float4E2M1",
	"Float8E4M3FN", "Float8E4M3FNUZ", "Float8E5M2", "Float8E5M2FNUZ", "Float8E8M0",
}

func TestPackageNames(t *testing.T) {
	for _, src := range load(t) {
		if slices.Contains(vagueNames, strings.TrimSuffix(src.File.Name.Name, "_test")) {
			t.Errorf("%s: package name %s says nothing about its content", src.Path, src.File.Name.Name)
		}
	}
}

// TestNoUnfinishedMarks keeps notes about work to do out of the sources: they belong into issues.
func TestNoUnfinishedMarks(t *testing.T) {
	marks := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X:"}
	for _, src := range load(t) {
		for _, group := range src.File.Comments {
			for _, mark := range marks {
				if strings.Contains(group.Text(), mark) {
					t.Errorf("%s:%d: comment holds %s", src.Path, src.Line(group.Pos()), mark)
				}
			}
		}
	}
}

// TestSkipsSayWhy finds calls that skip a test without a reason.
func TestSkipsSayWhy(t *testing.T) {
	for _, src := range load(t) {
		ast.Inspect(src.File, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) > 0 {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Skip" || sel.Sel.Name == "SkipNow") {
				t.Errorf("%s:%d: skips without a reason", src.Path, src.Line(call.Pos()))
			}
			return true
		})
	}
}
