package onnxgo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx" // registers the cases
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// corpusSize is the number of cases that onnx-go v0.5.0 registers.
const corpusSize = 348

// TestCorpus runs the models of onnx-go's corpus as files, with the operator set that they are written for.
func TestCorpus(t *testing.T) {
	cases := testbackend.GetAllRegisteredTests()
	if len(cases) != corpusSize {
		t.Errorf("%d cases, want %d", len(cases), corpusSize)
	}
	for _, tc := range cases {
		c := tc()
		t.Run(c.Title, func(t *testing.T) { runFile(t, c) })
	}
}

// TestReadme holds what README.md says of this package to what the tests find.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	change := `gorgonnx "github.com/onnxrun/onnxrun/adapters/onnxgo" // was github.com/owulveryck/onnx-go/backend/x/gorgonnx`
	if !strings.Contains(string(example), change) {
		t.Error("the example does not change the import that README.md tells to change")
	}
	for _, claim := range []string{
		"    import " + change,
		fmt.Sprintf("| models of onnx-go v0.5.0 (`adapters/onnxgo`), rtol 1e-3, atol 1e-7 | %d | %[1]d |", corpusSize),
		fmt.Sprintf("Of the %d cases that onnx-go registers", corpusSize),
	} {
		if !strings.Contains(string(text), claim) {
			t.Errorf("README.md does not say %q", claim)
		}
	}
}

func runFile(t *testing.T, c *testbackend.TestCase) {
	s, err := runtime.OpenBytes(c.ModelB, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.Inputs()) != len(c.Input) || len(s.Outputs()) != len(c.ExpectedOutput) {
		t.Fatalf("%d inputs, %d outputs, recorded are %d and %d", len(s.Inputs()), len(s.Outputs()), len(c.Input), len(c.ExpectedOutput))
	}
	in := map[string]*tensor.Tensor{}
	for i, v := range s.Inputs() {
		in[v.Name] = recorded(t, c.Input[i], v)
	}
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	rule := conform.Rule{Rel: 1e-3, Abs: 1e-7}
	for i, v := range s.Outputs() {
		if _, err := rule.Compare(out[v.Name], recorded(t, c.ExpectedOutput[i], v)); err != nil {
			t.Errorf("output %s: %v", v.Name, err)
		}
	}
}

// recorded returns a tensor of the corpus. The corpus writes tensors of one element as float32 of shape (1), of
// whatever type and rank they are: type and rank come from the model.
func recorded(t *testing.T, g gorgonia.Tensor, v runtime.ValueInfo) *tensor.Tensor {
	t.Helper()
	x, err := fromGorgonia(g)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range dtypes {
		if d == v.DType && x.Len() == 1 {
			if x, err = recast(x, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if v.Ranked && len(v.Dims) == 0 && x.Len() == 1 {
		if x, err = x.Reshaped(); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

// A departure is a line of testdata/harness.txt.
type departure struct{ where, reason string }

func departures(t *testing.T) map[string]departure {
	t.Helper()
	text, err := os.ReadFile("testdata/harness.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]departure{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 {
			t.Fatalf("harness.txt: %q has %d columns, want 3", line, len(f))
		}
		list[f[0]] = departure{f[1], f[2]}
	}
	return list
}

// here reports whether the departure is to be seen on this machine, and whether that is known.
func (d departure) here() (is, known bool) {
	vector := cpu.Has(cpu.AVX2)
	switch d.where {
	case "all":
		return true, true
	case "vector":
		return vector, goruntime.GOARCH == "amd64"
	case "plain":
		return !vector, goruntime.GOARCH == "amd64"
	}
	return false, true
}

// listedOnly makes TestHarness run the listed cases, which fail, in a process of their own.
const listedOnly = "ONNXGO_HARNESS_LISTED"

// TestHarness runs the corpus in onnx-go's harness, through its decoder and this backend. The harness skips what
// is not implemented; that, too, must be listed.
func TestHarness(t *testing.T) {
	listed, alone := departures(t), os.Getenv(listedOnly) != ""
	for _, tc := range testbackend.GetAllRegisteredTests() {
		c := tc()
		d, found := listed[c.Title]
		if is, known := d.here(); found && (is || !known) != alone || !found && alone {
			continue
		}
		t.Run(c.Title, c.RunTest(NewGraph(), false))
		if c.Skipped != (d.where == "skipped") {
			t.Errorf("%s: skipped %v, in harness.txt %q", c.Title, c.Skipped, d.where)
		}
	}
	if !alone && !testing.Short() {
		checkListed(t, listed)
	}
}

func checkListed(t *testing.T, listed map[string]departure) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestHarness$", "-test.v")
	cmd.Env = append(os.Environ(), listedOnly+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("no listed case fails:\n%s", out)
	}
	for name, d := range listed {
		failed := strings.Contains(string(out), "--- FAIL: TestHarness/"+name+" ")
		passed := strings.Contains(string(out), "--- PASS: TestHarness/"+name+" ")
		switch is, known := d.here(); {
		case is && known && passed:
			t.Errorf("%s passes, but stands in harness.txt", name)
		case (is || !known) && !failed && !passed:
			t.Errorf("harness.txt names %s, which the corpus does not hold", name)
		}
	}
}
