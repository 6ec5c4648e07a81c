package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

// events are a run of 3 epochs of 2 steps.
func events() []Event {
	list := []Event{Start{Seed: 1, Steps: 6, Epochs: 3, Settings: map[string]string{"optimizer": "adamw"}}}
	for step := 1; step <= 6; step++ {
		epoch := (step + 1) / 2
		list = append(list, Step{Step: step, Epoch: epoch, Loss: metric.Value(1 / float64(step)), Rate: 0.001, GradNorm: 2})
		if step%2 == 0 {
			list = append(list, Epoch{
				Step: step, Epoch: epoch, Loss: 0.5, ValLoss: metric.Value(0.75), Rate: 0.001, Seconds: 0.25,
				Metrics: map[string]float64{"accuracy": 0.5, "macro_f1": 0.25}, Best: step == 4,
			})
		}
	}
	return append(list, End{Step: 6, Epoch: 3, Reason: "finished", Seconds: 1})
}

func write(t *testing.T, l *Log, list ...Event) {
	t.Helper()
	for _, e := range list {
		if err := l.Write(e); err != nil {
			t.Fatal(err)
		}
	}
}

func record(t *testing.T, list ...Event) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "metrics.jsonl")
	l, err := CreateLog(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, l, list...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLogLines(t *testing.T) {
	list := []Event{
		Start{Seed: 7, Epochs: 2},
		Step{Step: 1, Epoch: 1, Loss: 0.5, Rate: 1e-3, GradNorm: metric.Undefined()},
		Skip{Step: 2, Epoch: 1, Reason: "gradient of \"w\" is not finite"},
		Epoch{Step: 2, Epoch: 1, Loss: 0.5, ValLoss: metric.Value(math.Inf(1)), Rate: 1e-3, Metrics: map[string]float64{"accuracy": 1}, Best: true},
		End{Step: 2, Epoch: 1, Reason: "interrupted"},
	}
	text, err := os.ReadFile(record(t, list...))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"event":"start","step":0,"seed":7,"epochs":2}
{"event":"step","step":1,"epoch":1,"loss":0.5,"rate":0.001,"grad_norm":null}
{"event":"skip","step":2,"epoch":1,"reason":"gradient of \"w\" is not finite"}
{"event":"epoch","step":2,"epoch":1,"loss":0.5,"val_loss":null,"rate":0.001,"metrics":{"accuracy":1},"best":true,"seconds":0}
{"event":"end","step":2,"epoch":1,"reason":"interrupted","seconds":0}
`
	if string(text) != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
}

func TestLogRefuses(t *testing.T) {
	l, err := CreateLog(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Write(Epoch{Metrics: map[string]float64{"x": math.NaN()}}); err == nil || !strings.Contains(err.Error(), "report: event epoch") {
		t.Errorf("a metric that is NaN: %v", err)
	}
	if _, err := CreateLog(filepath.Join(t.TempDir(), "no", "log")); err == nil {
		t.Error("a folder that does not exist was accepted")
	}
}

// TestResumeAnywhere cuts a log after every byte and resumes after every step: the log that is then written to its end equals
// the one that was never interrupted, but for the line that says so.
func TestResumeAnywhere(t *testing.T) {
	all := events()
	whole, err := os.ReadFile(record(t, all...))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	for step := range 7 {
		covered := 0 // bytes up to the step: a run syncs them before it writes the checkpoint
		for text := range bytes.Lines(whole) {
			if e, err := parse(text); err != nil {
				t.Fatal(err)
			} else if _, end := e.(End); e.step() <= step && !end {
				covered += len(text)
			}
		}
		for cut := covered; cut <= len(whole); cut += 7 {
			if err := os.WriteFile(path, whole[:cut], 0o644); err != nil {
				t.Fatal(err)
			}
			l, err := ResumeLog(path, step)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				if _, end := e.(End); e.step() > step || end {
					write(t, l, e)
				}
			}
			if h := l.History(); h.Steps != 6 || len(h.Points) != 6 || len(h.Epochs) != 3 || h.End == nil {
				t.Fatalf("step %d, %d bytes: history %+v", step, cut, h)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, whole) {
				t.Fatalf("step %d, %d bytes: %v\n%s", step, cut, err, got)
			}
		}
	}
}

// TestResumeDamaged resumes from logs that a crash has damaged, and from none.
func TestResumeDamaged(t *testing.T) {
	good := "{\"event\":\"start\",\"step\":0,\"seed\":1}\n{\"event\":\"step\",\"step\":1,\"loss\":1,\"rate\":1,\"grad_norm\":1}\n"
	for _, tc := range []struct{ name, text, want string }{
		{"absent", "", ""},
		{"torn", good + `{"event":"st`, good},
		{"zeros", good + strings.Repeat("\x00", 50) + "\n" + good, good},
		{"no event", good + "{}\n", good},
		{"wrong type", good + "{\"event\":\"step\",\"step\":\"two\"}\n", good},
		{"later version", good + "{\"event\":\"novelty\",\"step\":1}\n", good + "{\"event\":\"novelty\",\"step\":1}\n"},
		{"endless line", good + strings.Repeat("x", 2*maxLine), good},
	} {
		path := filepath.Join(t.TempDir(), "log")
		if tc.text != "" {
			if err := os.WriteFile(path, []byte(tc.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		l, err := ResumeLog(path, 9)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != tc.want {
			t.Errorf("%s: %v, left %q", tc.name, err, got)
		}
	}
}

func TestStartsCount(t *testing.T) {
	h, err := ReadHistory(strings.NewReader("{\"event\":\"start\",\"seed\":5}\n{\"event\":\"start\",\"step\":3,\"seed\":5}\n"))
	if err != nil || h.Start.Seed != 5 || h.Resumed != 1 || h.Steps != 3 {
		t.Errorf("%+v %v", h, err)
	}
}

// TestFullDisk writes to a device that is always full, then to a file: nothing is lost in between.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no /dev/full: %v", err)
	}
	defer full.Close()
	l, err := CreateLog(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	file := l.f
	l.f = full
	list := events()
	for _, e := range list[:len(list)-1] {
		if err := l.Write(e); err == nil {
			if _, step := e.(Step); !step {
				t.Errorf("a full disk took %+v", e)
			}
		}
	}
	l.f = file
	write(t, l, list[len(list)-1])
	got, err := os.ReadFile(file.Name())
	if want, _ := os.ReadFile(record(t, list...)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, got\n%s", err, got)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestPendingIsBounded(t *testing.T) {
	l, err := CreateLog(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	l.pending = make([]byte, maxPending-10)
	if err := l.Write(Skip{Step: 1}); err == nil || len(l.pending) > 0 {
		t.Errorf("%d bytes wait, error %v", len(l.pending), err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestHistoryIsBounded checks that long runs keep means and neighbours, and that nothing is counted twice.
func TestHistoryIsBounded(t *testing.T) {
	const n = 5*maxPoints + 3
	var h History
	for i := 1; i <= n; i++ {
		h.Add(Step{Step: i, Loss: metric.Value(i), Rate: metric.Value(-i)})
		h.Add(Epoch{Step: i, Epoch: i, Best: i == 17})
		h.Add(Skip{Step: i, Reason: fmt.Sprint(i)})
	}
	count, sum := 0, 0.0
	for i, p := range h.Points {
		count += p.Count
		sum += p.Loss * float64(p.Count)
		if p.Low > p.Loss || p.High < p.Loss || p.High != float64(p.Step) || i > 0 && p.Low != h.Points[i-1].High+1 {
			t.Fatalf("point %d: %+v", i, p)
		}
	}
	if count != n || sum != n*(n+1)/2 || len(h.Points) > maxPoints || len(h.Points) < maxPoints/2 {
		t.Errorf("%d points of %d steps, sum %v", len(h.Points), count, sum)
	}
	epochs := len(h.Epochs)
	if epochs > maxEpochs || epochs < maxEpochs/2 || h.Epochs[epochs-1].Epoch != n || h.Best.Epoch != 17 {
		t.Errorf("%d epochs, the last %+v, the best %+v", epochs, h.Epochs[epochs-1], h.Best)
	}
	for i := range epochs - 2 {
		if h.Epochs[i+1].Epoch-h.Epochs[i].Epoch != h.epochStride {
			t.Fatalf("epochs %d and %d are neighbours", h.Epochs[i].Epoch, h.Epochs[i+1].Epoch)
		}
	}
	if h.Skipped != n || len(h.Skips) != maxSkips || h.Skips[0].Reason != "1" {
		t.Errorf("%d of %d skips", len(h.Skips), h.Skipped)
	}
}

func TestHistoryLeavesOutWhatIsNotFinite(t *testing.T) {
	var h History
	h.Add(Step{Step: 1, Loss: metric.Undefined()})
	h.Add(Step{Step: 2, Loss: 3})
	if h.Points[0].Count != 0 || h.Points[1].Count != 1 || h.Points[1].Loss != 3 {
		t.Errorf("%+v", h.Points)
	}
	if got := (Point{Count: 1, Loss: 2, Low: 2, High: 2, steps: 1}).join(h.Points[0]); !reflect.DeepEqual(got.Loss, 2.0) || got.Count != 1 {
		t.Errorf("%+v", got)
	}
}
