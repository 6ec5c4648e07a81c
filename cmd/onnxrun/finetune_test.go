package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// asCommand in the environment makes the test binary the command, for tests that kill it.
const asCommand = "ONNXRUN_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// perceptron writes a model 6 -> 16 -> 3 with dropout to a folder.
func perceptron(t *testing.T, dir string) string {
	t.Helper()
	b := nn.New("perceptron", 3)
	x := b.Input("x", tensor.Float32, nn.Batch, 6)
	b.Output("probabilities", nn.Sequential{nn.Linear{Out: 16}, nn.ReLU{}, nn.Dropout{P: 0.2}, nn.Linear{Out: 3}, nn.Softmax{}}.Apply(x))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "model.onnx")
	if err := onnx.WriteFile(name, m, nil); err != nil {
		t.Fatal(err)
	}
	return name
}

// points writes a table of n points in three groups.
func points(t *testing.T, dir string, n int) string {
	t.Helper()
	r := finetune.Random{Seed: 5}
	var text bytes.Buffer
	fmt.Fprintln(&text, "label,a,b,c,d,e,f")
	for i := range n {
		class := i % 3
		fmt.Fprint(&text, []string{"red", "green", "blue"}[class])
		for k := range 6 {
			v := r.Normal(uint64(6*i + k))
			if k%3 == class {
				v += 2.5
			}
			fmt.Fprintf(&text, ",%.4f", v)
		}
		fmt.Fprintln(&text)
	}
	name := filepath.Join(dir, "points.csv")
	if err := os.WriteFile(name, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFinetune(t *testing.T) {
	dir := t.TempDir()
	model, table := perceptron(t, dir), points(t, dir, 300)
	out := filepath.Join(dir, "out.onnx")
	code, stdout, stderr := onnxrun(t, "finetune", model, "--data", table, "--train", "all", "--epochs", "15", "--lr", "0.02", "--activations", "bfloat16", "-o", out, "--json")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	rep := lastLine(t, stdout)
	metrics := rep["metrics"].(map[string]any)
	if metrics["accuracy"].(float64) < 0.9 {
		t.Errorf("accuracy %v, want at least 0.9: %s", metrics["accuracy"], stderr)
	}
	if loss := rep["loss"].([]any); len(loss) != 15 || loss[14].(float64) >= loss[0].(float64) {
		t.Errorf("losses %v", loss)
	}
	hash, err := fileHash(out)
	if err != nil || hash != rep["sha256"] {
		t.Errorf("sha256 %v, of the file %v (%v)", rep["sha256"], hash, err)
	}
	for _, name := range []string{"metrics.jsonl", "report.html"} {
		if info, err := os.Stat(filepath.Join(out+".run", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := onnx.Open(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := onnx.Check(f.Model).Err(); err != nil {
		t.Error(err)
	}
	if len(f.Graph.Nodes) != 6 && len(f.Graph.Nodes) != 5 || strings.Contains(stderr, dir) && !strings.Contains(stderr, "points.csv") {
		t.Errorf("%d nodes: %s", len(f.Graph.Nodes), stderr)
	}
}

// TestFinetuneFindsRate trains as well with a rate that the command finds, on the optimised graph and as it is written.
func TestFinetuneFindsRate(t *testing.T) {
	dir := t.TempDir()
	model, table := perceptron(t, dir), points(t, dir, 300)
	for _, opt := range []string{"on", "off"} {
		code, stdout, stderr := onnxrun(t, "finetune", model, "--data", table, "--train", "all", "--epochs", "10", "--lr", "find", "--opt", opt, "-o", filepath.Join(dir, "out.onnx"), "--json")
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		rep := lastLine(t, stdout)
		if rate, accuracy := rep["rate"].(float64), rep["metrics"].(map[string]any)["accuracy"].(float64); rate == 1e-3 || accuracy < 0.85 {
			t.Errorf("--opt=%s: rate %v, accuracy %v", opt, rate, accuracy)
		}
	}
}

// TestFinetuneThreads wants the same file for any number of threads, with and without kept features.
func TestFinetuneThreads(t *testing.T) {
	dir := t.TempDir()
	model, table := perceptron(t, dir), points(t, dir, 200)
	var want any
	for i, flags := range [][]string{{"--threads", "1"}, {"--threads", "2"}, {"--threads", "2", "--no-cache"}, {"--feature-memory", "1k"}} {
		out := filepath.Join(dir, fmt.Sprintf("out%d.onnx", i))
		code, stdout, stderr := onnxrun(t, append([]string{"finetune", model, "--data", table, "--epochs", "3", "-o", out, "--json"}, flags...)...)
		if code != exitOK {
			t.Fatalf("%v: exit %d: %s", flags, code, stderr)
		}
		got := lastLine(t, stdout)["sha256"]
		if want == nil {
			want = got
		}
		if got != want {
			t.Errorf("%v: sha256 %v, want %v", flags, got, want)
		}
	}
}

// TestFinetuneCache runs twice in one run folder: the second run finds all features.
func TestFinetuneCache(t *testing.T) {
	dir := t.TempDir()
	model, table := perceptron(t, dir), points(t, dir, 100)
	var runs []float64
	for i := range 2 {
		code, stdout, stderr := onnxrun(t, "finetune", model, "--data", table, "--epochs", "2", "-o", filepath.Join(dir, "out.onnx"), "--json")
		if code != exitOK {
			t.Fatalf("run %d: exit %d: %s", i, code, stderr)
		}
		runs = append(runs, lastLine(t, stdout)["frozen_runs"].(float64))
	}
	if runs[0] == 0 || runs[1] != 0 {
		t.Errorf("runs of the frozen layers: %v, want some and then none", runs)
	}
}

// TestFinetuneSolver fits the last layer at once, and no worse than many steps do.
func TestFinetuneSolver(t *testing.T) {
	dir := t.TempDir()
	model, table := perceptron(t, dir), points(t, dir, 300)
	loss := map[string]float64{}
	for _, flags := range [][]string{{"--solver", "lbfgs"}, {"--solver", "ridge"}, {"--epochs", "60", "--lr", "0.05"}} {
		code, stdout, stderr := onnxrun(t, append([]string{"finetune", model, "--data", table, "-o", filepath.Join(dir, "out.onnx"), "--json"}, flags...)...)
		if code != exitOK {
			t.Fatalf("%v: exit %d: %s", flags, code, stderr)
		}
		metrics := lastLine(t, stdout)["metrics"].(map[string]any)
		if metrics["accuracy"].(float64) < 0.85 {
			t.Errorf("%v: accuracy %v", flags, metrics["accuracy"])
		}
		loss[flags[1]] = metrics["loss"].(float64)
	}
	if loss["lbfgs"] > loss["60"]*1.5 {
		t.Errorf("loss on validation samples: %v", loss)
	}
	code, _, stderr := onnxrun(t, "finetune", model, "--data", table, "--train", "all", "--solver", "lbfgs", "-o", filepath.Join(dir, "out.onnx"))
	if code != exitUnsupported || !strings.Contains(stderr, "solver") {
		t.Errorf("all layers: exit %d: %s", code, stderr)
	}
}

func TestFinetuneSynthetic(t *testing.T) {
	model := digits(t)
	for _, train := range []string{"last", "all"} {
		out := filepath.Join(t.TempDir(), "out.onnx")
		code, stdout, stderr := onnxrun(t, "finetune", model, "--data", "synthetic", "--steps", "20", "--train", train, "-o", out, "--json")
		if code != exitOK {
			t.Fatalf("%s: exit %d: %s", train, code, stderr)
		}
		loss := lastLine(t, stdout)["loss"].([]any)
		first, last := 0.0, 0.0
		for i := range 5 {
			first += loss[i].(float64)
			last += loss[len(loss)-1-i].(float64)
		}
		if len(loss) != 20 || !(last < first) {
			t.Errorf("%s: losses %v", train, loss)
		}
	}
}

func TestFinetunePlan(t *testing.T) {
	dir := t.TempDir()
	model := perceptron(t, dir)
	code, stdout, stderr := onnxrun(t, "finetune", model, "--plan", "--json")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if v := lastLine(t, stdout); v["trained"] != 51.0 || v["parameters"] != 163.0 {
		t.Errorf("plan: %v", v)
	}
	code, stdout, stderr = onnxrun(t, "finetune", model, "--data", points(t, dir, 60), "--dry-run", "--json", "--epochs", "2")
	if v := lastLine(t, stdout); code != exitOK || v["steps"] != 4.0 || v["weight_bytes"] != 204.0 {
		t.Errorf("dry run: exit %d, %v, %s", code, v, stderr)
	}
}

func TestFinetuneRefuses(t *testing.T) {
	dir := t.TempDir()
	model, table := perceptron(t, dir), points(t, dir, 30)
	out := filepath.Join(dir, "out.onnx")
	bad := filepath.Join(dir, "bad.csv")
	if err := os.WriteFile(bad, []byte("label,a,b,c,d,e,f\nred,1,2,3,4,5,6\nblue,1,2,x,4,5,6\ngreen,1,2,3,NaN,5,6\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{model, "-o", out}, exitUsage, "--data"},
		{[]string{model, "--data", table}, exitUsage, "-o OUT"},
		{[]string{model, "--data", table, "-o", out, "--optimizer", "adum"}, exitUsage, "adum"},
		{[]string{model, "--data", table, "-o", out, "--lr", "-1"}, exitUsage, "--lr"},
		{[]string{model, "--data", table, "-o", out, "--activations", "half"}, exitUsage, "--activations"},
		{[]string{model, "--data", table, "-o", out, "--loss", "mze"}, exitUsage, "mze"},
		{[]string{model, "--data", table, "-o", out, "--train", "nothing_like_it"}, exitFailed, "nothing_like_it"},
		{[]string{model, "--data", bad, "-o", out}, exitFailed, "bad.csv"},
		{[]string{model, "--data", filepath.Join(dir, "absent"), "-o", out}, exitFailed, "absent"},
	} {
		code, _, stderr := onnxrun(t, append([]string{"finetune"}, tc.args...)...)
		if code != tc.code || !strings.Contains(stderr, tc.want) {
			t.Errorf("%v: exit %d, want %d: %s", tc.args, code, tc.code, stderr)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a refused run has written a model")
	}
}

// command starts the test binary as the command.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// TestFinetuneKilled kills runs at random moments, lets them go on, and wants the file of a run that was left alone.
func TestFinetuneKilled(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	model, table := perceptron(t, dir), points(t, dir, 400)
	args := func(name string) []string {
		return []string{"finetune", model, "--data", table, "--train", "all", "--dropout", "0.1", "--epochs", "12", "--checkpoint-steps", "2", "--ema", "0.9",
			"--schedule", "plateau", "-o", filepath.Join(dir, name+".onnx"), "--json"}
	}
	start := time.Now()
	stdout, err := command(args("whole")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	whole := time.Since(start)
	want := lastLine(t, string(stdout))["sha256"]
	r := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	killed := 0
	for round := range rounds {
		name := fmt.Sprintf("round%d", round)
		var got any
		for try := 0; got == nil; try++ {
			list := args(name)
			if try > 0 {
				list = append(list, "--resume")
			}
			cmd := command(list...)
			var out bytes.Buffer
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(time.Duration(r.Int64N(int64(whole)*int64(try+2)/2)), func() { cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			if err == nil {
				got = lastLine(t, out.String())["sha256"]
			} else if killed++; cmd.ProcessState.ExitCode() > 0 {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if got != want {
			t.Fatalf("round %d: sha256 %v, want %v", round, got, want)
		}
	}
	if killed == 0 && !testing.Short() {
		t.Error("no run was killed")
	}
}

// TestFinetuneInterrupted wants exit code 130, and the file of a run that was left alone after going on.
func TestFinetuneInterrupted(t *testing.T) {
	dir := t.TempDir()
	model, table := perceptron(t, dir), points(t, dir, 300)
	args := []string{"finetune", model, "--data", table, "--train", "all", "--epochs", "4000", "-o", filepath.Join(dir, "out.onnx"), "--json"}
	cmd := command(args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "out.onnx.run", "metrics.jsonl")
	for range 200 {
		if info, err := os.Stat(log); err == nil && info.Size() > 2000 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Skipf("skipped: interrupts: %v", err)
	}
	err := cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupt {
		t.Fatalf("exit %d (%v), want %d", code, err, exitInterrupt)
	}
	if finetune.LastCheckpoint(filepath.Dir(log)) == 0 {
		t.Error("no checkpoint was saved")
	}
	var first map[string]any
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(bytes.SplitN(data, []byte("\n"), 2)[0], &first); err != nil {
		t.Errorf("metrics.jsonl: %v", err)
	}
}

// TestFinetuneBinary trains a model with one score on two classes.
func TestFinetuneBinary(t *testing.T) {
	dir := t.TempDir()
	b := nn.New("binary", 4)
	x := b.Input("x", tensor.Float32, nn.Batch, 2)
	b.Output("p", nn.Sequential{nn.Linear{Out: 8}, nn.Tanh{}, nn.Linear{Out: 1}, nn.Sigmoid{}}.Apply(x))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	model, table := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "table.csv")
	if err := onnx.WriteFile(model, m, nil); err != nil {
		t.Fatal(err)
	}
	r := finetune.Random{Seed: 9}
	text := "a,b,label\n"
	for i := range 200 {
		shift := float64(i%2)*3 - 1.5
		text += fmt.Sprintf("%.3f,%.3f,%s\n", r.Normal(uint64(2*i))+shift, r.Normal(uint64(2*i+1))-shift, []string{"no", "yes"}[i%2])
	}
	if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := onnxrun(t, "finetune", model, "--data", table, "--train", "all", "--epochs", "10", "--lr", "0.02", "-o", filepath.Join(dir, "out.onnx"), "--json")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if accuracy := lastLine(t, stdout)["metrics"].(map[string]any)["accuracy"].(float64); accuracy < 0.9 {
		t.Errorf("accuracy %v: %s", accuracy, stderr)
	}
}
