package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/models"
)

// onnxrun runs a command line in this process.
func onnxrun(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = execute(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

// lastLine decodes the last line of stdout.
func lastLine(t *testing.T, stdout string) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimRight(stdout, "\n"), "\n")
	var v map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		t.Fatalf("last line %q: %v", lines[len(lines)-1], err)
	}
	return v
}

// digits writes the embedded model to a folder and returns its path.
func digits(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "digits.onnx")
	if err := os.WriteFile(name, models.Digits, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestNoArguments(t *testing.T) {
	code, out, stderr := onnxrun(t)
	if code != exitOK || !strings.Contains(out, "the picture shows the digits "+models.DigitsText) {
		t.Errorf("exit %d, %q, %q", code, out, stderr)
	}
}

// TestReadmeCommands holds the command lines of README.md to the commands and flags that there are.
func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		line, ok := strings.CutPrefix(line, "    onnxrun ")
		if !ok {
			continue
		}
		found++
		line, _, _ = strings.Cut(line, "#")
		root := newRoot()
		cmd, args, err := root.Find(withCommand(root, strings.Fields(line)))
		if err != nil {
			t.Errorf("onnxrun %s: %v", line, err)
		} else if err := cmd.ParseFlags(args); err != nil {
			t.Errorf("onnxrun %s: %v", line, err)
		} else if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
			t.Errorf("onnxrun %s: %v", line, err)
		}
	}
	if found == 0 {
		t.Error("README.md shows no command")
	}
}

func TestExitCodes(t *testing.T) {
	model := digits(t)
	dir := filepath.Dir(model)
	broken := filepath.Join(dir, "broken.onnx")
	if err := os.WriteFile(broken, []byte("\xff\xff no model"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		code int
	}{
		{[]string{model}, exitOK},
		{[]string{"run", model}, exitOK},
		{[]string{"version", "--json"}, exitOK},
		{[]string{"completion", "bash"}, exitOK},
		{[]string{"help"}, exitOK},
		{[]string{"info", model}, exitOK},
		{[]string{"check", model}, exitOK},
		{[]string{"infer", model, "--json"}, exitOK},
		{[]string{"dump", model, "--stage=graph"}, exitOK},
		{[]string{"doctor"}, exitOK},
		{[]string{"run", "--nonsense"}, exitUsage},
		{[]string{"run", model, model}, exitUsage},
		{[]string{"run", model, "--opt=maybe"}, exitUsage},
		{[]string{"run", model, "--mem", "much"}, exitUsage},
		{[]string{"run", model, "--dim", "batch"}, exitUsage},
		{[]string{"bench"}, exitUsage},
		{[]string{"bench", model, "--rounds", "0"}, exitUsage},
		{[]string{"test"}, exitUsage},
		{[]string{"test", dir, "--run", "("}, exitUsage},
		{[]string{"dump", model, "--stage=nowhere"}, exitUsage},
		{[]string{broken}, exitInvalid},
		{[]string{"check", broken}, exitInvalid},
		{[]string{filepath.Join(dir, "absent.onnx")}, exitFailed},
		{[]string{model, "--input", "image=absent.png"}, exitFailed},
		{[]string{model, "--timeout", "1ns"}, exitLimit},
		{[]string{model, "--mem", "1kB"}, exitLimit},
	} {
		if code, out, stderr := onnxrun(t, tc.args...); code != tc.code {
			t.Errorf("%v: exit %d, want %d\n%s%s", tc.args, code, tc.code, out, stderr)
		}
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, stderr bytes.Buffer
	if code := execute(ctx, []string{digits(t)}, &out, &stderr); code != exitInterrupt {
		t.Errorf("exit %d: %s", code, &stderr)
	}
}

func TestRunJSON(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	code, out, stderr := onnxrun(t, digits(t), "--dim", "batch=3", "--seed", "4", "--json", "--output-dir", dir)
	if code != exitOK || strings.Count(out, "\n") != 1 {
		t.Fatalf("exit %d, %q, %q", code, out, stderr)
	}
	if !strings.Contains(stderr, "synthetic inputs (seed 4): image") {
		t.Errorf("stderr does not say that the inputs are made up: %q", stderr)
	}
	v := lastLine(t, out)
	o := v["outputs"].([]any)[0].(map[string]any)
	shape, head := o["shape"].([]any), o["head"].([]any)
	if o["name"] != "probability" || o["kind"] != "tensor" || o["dtype"] != "float32" || len(head) != 8 || shape[0] != 3.0 || shape[1] != 10.0 {
		t.Errorf("output %v", o)
	}
	if _, err := os.Stat(filepath.Join(dir, "probability.npy")); err != nil {
		t.Error(err)
	}
	if ms, ok := v["ms"].(float64); !ok || ms <= 0 {
		t.Errorf("ms %v", v["ms"])
	}
}

func TestOutputPrunes(t *testing.T) {
	code, out, stderr := onnxrun(t, digits(t), "--output", "relu3", "--json")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	outs := lastLine(t, out)["outputs"].([]any)
	if len(outs) != 1 || outs[0].(map[string]any)["name"] != "relu3" {
		t.Errorf("outputs %v", outs)
	}
}

func TestBenchJSON(t *testing.T) {
	code, out, stderr := onnxrun(t, "bench", digits(t), "--warmup", "1", "--rounds", "3", "--json", "--threads", "1")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	v := lastLine(t, out)
	for _, key := range []string{"load_ms", "first_run_ms", "base_rss_mb", "peak_rss_mb"} {
		if x, ok := v[key].(float64); !ok || x <= 0 {
			t.Errorf("%s is %v", key, v[key])
		}
	}
	if len(v["times_ms"].([]any)) != 3 || len(v["out0_head"].([]any)) != 8 {
		t.Errorf("%v", v)
	}
}

// TestCases writes a case with a right and one with a wrong expectation, and judges them.
func TestCases(t *testing.T) {
	root := t.TempDir()
	for i, name := range []string{"right", "wrong"} {
		set := filepath.Join(root, name, "test_data_set_0")
		if err := os.MkdirAll(set, 0o755); err != nil {
			t.Fatal(err)
		}
		writeCase(t, filepath.Join(root, name), set, float32(i)*0.01)
	}
	code, out, _ := onnxrun(t, "test", root, "--json")
	v := lastLine(t, out)
	if code != exitMismatch || v["passed"] != 1.0 || v["failed"] != 1.0 || v["skipped"] != 0.0 {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out, _ = onnxrun(t, "test", filepath.Join(root, "right")); code != exitOK {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out, _ = onnxrun(t, "test", root, "--run", "^right$"); code != exitOK {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out, _ = onnxrun(t, "test", root, "--run", "^left$"); code != exitUsage {
		t.Errorf("no case runs: exit %d, %s", code, out)
	}
	if err := os.Remove(filepath.Join(root, "right", "test_data_set_0", "output_0.pb")); err != nil {
		t.Fatal(err)
	}
	if code, out, _ = onnxrun(t, "test", filepath.Join(root, "right")); code != exitMismatch {
		t.Errorf("nothing recorded: exit %d, %s", code, out)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"1024": 1024, "512MB": 512e6, "2GiB": 2 << 30, "1.5k": 1536, " 3 b": 3} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "0", "1e30", "NaN"} {
		if n, err := parseSize(text); err == nil {
			t.Errorf("%q was read as %d", text, n)
		}
	}
}

// TestGrad differentiates the embedded model, whose batch is open, and wants the files.
func TestGrad(t *testing.T) {
	model, dir := digits(t), t.TempDir()
	for _, dy := range []string{"seed", "ones"} {
		code, _, stderr := onnxrun(t, "grad", model, "--dim", "batch=2", "--dy", dy, "--output-dir", dir, "--json")
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, stderr)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "grad.*.npy"))
	if err != nil || len(files) == 0 {
		t.Errorf("no gradients in %s: %v", dir, err)
	}
	if code, _, _ := onnxrun(t, "grad", model, "--dy", "twos"); code != exitUsage {
		t.Errorf("--dy twos: exit %d", code)
	}
}
