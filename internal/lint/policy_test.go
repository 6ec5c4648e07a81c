package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// policy is the import graph of the module: "a < b" lets b, and whatever may import b, import a.
// It covers non-test files. internal/sym holds symbolic integers; it is a leaf below ops.
const policy = `
nothing < tensor/num, internal/measure, internal/cpu, internal/mmap, internal/pb, internal/sym, onnx/schema, internal/lint, internal/onnxpb
internal/pb < tensor
tensor/num < tensor, internal/kernel/*
internal/cpu < internal/par < internal/kernel/*
internal/measure < internal/mem < internal/kernel/*, onnx
internal/mem, internal/mmap, internal/par < internal/cache < internal/plan
internal/kernel/window, internal/kernel/gemm < internal/kernel/conv
internal/kernel/conv, internal/kernel/vec, internal/kernel/depthwise, internal/kernel/direct, internal/kernel/winograd < internal/kernel/nhwc
internal/kernel/gemm, internal/kernel/vec < internal/kernel/rnn, internal/kernel/quant
internal/kernel/move < internal/kernel/rnn
internal/kernel/window < internal/kernel/pool, internal/kernel/resize
internal/kernel/vec < internal/kernel/pool
internal/kernel/move < internal/kernel/resize
internal/kernel/vec, internal/kernel/move < internal/kernel/reduce, internal/kernel/roi
internal/kernel/vec, internal/kernel/panel < internal/kernel/gemm
internal/kernel/find < internal/kernel/nms
internal/kernel/jpeg < internal/kernel/picture
internal/kernel/gemm, internal/kernel/vec, internal/kernel/move < internal/kernel/attention
internal/kernel/gemm, internal/kernel/vec < internal/kernel/nbits
internal/mmap, onnx/schema, tensor < onnx
internal/kernel/*, internal/sym, onnx < ops < internal/graph < internal/autodiff < internal/opt, internal/plan < runtime
internal/graph < onnx/convert
tensor < pipeline, pipeline/tokenizer
internal/kernel/picture < pipeline
runtime, pipeline < pipeline/generate
nothing < finetune/metric, finetune/privacy
runtime, finetune/metric, finetune/privacy < finetune < finetune/nn
finetune/metric < finetune/report
finetune, pipeline, pipeline/tokenizer < finetune/data
runtime, pipeline < internal/feed
runtime < internal/survey
internal/feed < internal/survey
internal/feed, finetune/nn, finetune/data < internal/conform, models
models < internal/doctor, models/recipe
tensor, runtime < .
everything < cmd/onnxrun, adapters/*, bench/*
`

// rootImports is all that the root package may import of the module.
var rootImports = []string{"runtime", "tensor"}

// libraries are the packages that embedders compile in; outside is what these may reach, transitively,
// besides the standard library. The first is about packages of this module, the second about modules.
var (
	libraries = []string{".", "./tensor/...", "./onnx/...", "./ops/...", "./runtime/...", "./finetune", "./finetune/nn"}
	outside   = []string{"google.golang.org/protobuf", "github.com/klauspost/cpuid/v2", "github.com/zeebo/xxh3", "gonum.org/v1/gonum", "golang.org/x/sys", "golang.org/x/image"}
)

func load(t *testing.T) []*Source {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	list, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no sources")
	}
	return list
}

func TestImportPolicy(t *testing.T) {
	p, err := ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range load(t) {
		if !src.Library() {
			continue
		}
		if !p.Names(src.Pkg) {
			t.Errorf("%s: package %s does not stand in the import policy", src.Path, src.Pkg)
		}
		for _, imp := range src.OwnImports() {
			if !p.May(src.Pkg, imp) {
				t.Errorf("%s: %s may not import %s", src.Path, src.Pkg, imp)
			}
			if src.Pkg == "." && !slices.Contains(rootImports, imp) {
				t.Errorf("%s: the root package may import %v only, not %s", src.Path, rootImports, imp)
			}
		}
	}
}

func TestPolicyText(t *testing.T) {
	p, err := ParsePolicy("a < b/*, c < d\n# e < f\nnothing < g\neverything < h")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		importer, pkg string
		want          bool
	}{
		{"b/x", "a", true}, {"d", "b/x", true}, {"d", "a", true}, {"c", "b/x", false}, {"a", "d", false},
		{"h", "z", true}, {"g", "a", false}, {"f", "e", false}, {"b", "a", false},
	} {
		if got := p.May(tc.importer, tc.pkg); got != tc.want {
			t.Errorf("may %s import %s: %v", tc.importer, tc.pkg, got)
		}
	}
	if _, err := ParsePolicy("a b"); err == nil {
		t.Error("a line without < was accepted")
	}
}

// TestOutsideReach lists, for several platforms, the modules that the library packages reach.
func TestOutsideReach(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{.Module.Path}}{{end}}"}
	for _, pkg := range libraries {
		dir, tree := strings.CutSuffix(pkg, "/...")
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err == nil && (tree || len(files) > 0) && exists(filepath.Join(root, dir)) {
			args = append(args, pkg)
		}
	}
	for _, platform := range [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"windows", "amd64"}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+platform[0], "GOARCH="+platform[1])
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %v: %v", platform, err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			if len(f) == 2 && f[1] != ModulePath && !slices.Contains(outside, f[1]) {
				t.Errorf("%v: the library reaches %s of module %s", platform, f[0], f[1])
			}
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func TestOneImporterOfCPUID(t *testing.T) {
	for _, src := range load(t) {
		for _, imp := range src.Imports() {
			if strings.HasPrefix(imp, "github.com/klauspost/cpuid") && src.Pkg != "internal/cpu" {
				t.Errorf("%s imports %s: only internal/cpu may", src.Path, imp)
			}
		}
	}
}
