package finetune_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// everything is a training with all that has a state: averages, dropout, a plateau, running statistics, an optimizer.
func everything() finetune.Spec {
	return finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.MSE{}}}, Optimizer: finetune.Adam{}, Rate: 0.02,
		Schedule: &finetune.Plateau{Gamma: 0.5, Patience: 1}, EMA: finetune.EMA{Decay: 0.9}, Dropout: true,
		BatchNorm: true, Seed: 3, Clip: finetune.Clip{Norm: 1}}
}

func deep(t testing.TB) *onnx.Model {
	return built(t, 8, nn.Linear{Out: 12}, nn.BatchNorm{}, nn.ReLU{}, nn.Dropout{P: 0.3}, nn.Linear{Out: 2})
}

func newTrainer(t testing.TB, m *onnx.Model, s finetune.Spec) *finetune.Trainer {
	t.Helper()
	tr, err := finetune.NewTrainer(m, s)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// written is the trained model's encoding.
func written(t testing.TB, tr *finetune.Trainer) []byte {
	t.Helper()
	var out []byte
	if err := tr.Export(func(m *onnx.Model) error { out = onnx.Encode(m); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func fitted(t testing.TB, tr *finetune.Trainer, ds finetune.Dataset, o finetune.FitOptions) *finetune.Fitted {
	t.Helper()
	r, err := tr.Fit(context.Background(), ds, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var longRun = finetune.FitOptions{Validation: rows(9), Epochs: 5, Batch: 8, Accumulate: 2, Every: 1}

// countdown is a context that ends when it has been asked a number of times.
type countdown struct {
	context.Context
	left atomic.Int64
	done chan struct{}
}

func newCountdown(n int) *countdown {
	c := &countdown{Context: context.Background(), done: make(chan struct{})}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) Done() <-chan struct{} {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
	return c.done
}

func (c *countdown) Err() error {
	select {
	case <-c.Done():
		return context.Canceled
	default:
		return nil
	}
}

// TestResume interrupts a training at many places, between the parts of a step and while an epoch is measured, too, and
// resumes it: the model is that of the uninterrupted one, bit for bit, and so are the losses.
func TestResume(t *testing.T) {
	m := deep(t)
	whole := newTrainer(t, m, everything())
	want := fitted(t, whole, rows(28), longRun)
	model := written(t, whole)
	interrupted := 0
	for n := 5; ; n += 2 {
		o := longRun
		o.Dir, o.Every = t.TempDir(), 3
		if _, err := newTrainer(t, m, everything()).Fit(newCountdown(n), rows(28), o); err == nil {
			break
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		interrupted++
		o.Resume = true
		tr := newTrainer(t, m, everything())
		got := fitted(t, tr, rows(28), o)
		if !bytes.Equal(written(t, tr), model) || fmt.Sprint(got.Losses) != fmt.Sprint(want.Losses) || got.BestEpoch != want.BestEpoch {
			t.Fatalf("interrupted at %d: losses %v, best epoch %d, want %v and %d; same model: %v",
				n, got.Losses, got.BestEpoch, want.Losses, want.BestEpoch, bytes.Equal(written(t, tr), model))
		}
	}
	if interrupted < 10 {
		t.Errorf("the training was interrupted %d times, want 10", interrupted)
	}
}

// checkpointsIn lists the files of a folder.
func checkpointsIn(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// stopped runs a training for some steps, and leaves its checkpoints in a folder.
func stopped(t *testing.T, m *onnx.Model, steps int) finetune.FitOptions {
	t.Helper()
	o := longRun
	o.Dir = t.TempDir()
	enough := errors.New("enough")
	o.Event = func(e finetune.Event) error {
		if s, ok := e.(finetune.StepEvent); ok && s.Step > steps {
			return enough
		}
		return nil
	}
	if _, err := newTrainer(t, m, everything()).Fit(context.Background(), rows(28), o); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	o.Event, o.Resume = nil, true
	return o
}

// TestDamagedCheckpoint falls back to the checkpoint before a damaged one, of which two are kept; where all are damaged, the
// error names them.
func TestDamagedCheckpoint(t *testing.T) {
	m := deep(t)
	whole := newTrainer(t, m, everything())
	fitted(t, whole, rows(28), longRun)
	o := stopped(t, m, 6)
	files := checkpointsIn(t, o.Dir)
	if len(files) != 2 || finetune.LastCheckpoint(o.Dir) != 6 {
		t.Fatalf("checkpoints %q, want those of steps 5 and 6", files)
	}
	damage := map[string]func([]byte) []byte{
		"a byte":     func(b []byte) []byte { b[len(b)-3] ^= 1; return b },
		"cut short":  func(b []byte) []byte { return b[:len(b)/2] },
		"empty":      func([]byte) []byte { return nil },
		"other file": func([]byte) []byte { return []byte("something else\n") },
	}
	newest, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range damage {
		if err := os.WriteFile(files[1], change(bytes.Clone(newest)), 0o600); err != nil {
			t.Fatal(err)
		}
		first := 0
		o.Begin = func(from, _, _ int) { first = from }
		tr := newTrainer(t, m, everything())
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(o.Dir)); err != nil {
			t.Fatal(err)
		}
		again := o
		again.Dir = dir
		fitted(t, tr, rows(28), again)
		if first != 5 || !bytes.Equal(written(t, tr), written(t, whole)) {
			t.Errorf("%s: goes on after step %d, want 5, with the same result", name, first)
		}
	}
	if err := os.WriteFile(files[0], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = newTrainer(t, m, everything()).Fit(context.Background(), rows(28), o)
	if err == nil || !strings.Contains(err.Error(), files[0]) || !strings.Contains(err.Error(), files[1]) {
		t.Errorf("%v, want an error that names both files", err)
	}
	if err := finetune.RemoveCheckpoints(o.Dir); err != nil || len(checkpointsIn(t, o.Dir)) != 0 {
		t.Errorf("checkpoints are left: %v", err)
	}
}

// shifted are other inputs for the same targets.
type shifted struct{ rows }

func (s shifted) Sample(i int) (finetune.Sample, error) {
	out, err := s.rows.Sample(i)
	x := out.Inputs["x"].Clone()
	tensor.Of[float32](x)[0]++
	return finetune.Sample{Inputs: tensors{"x": x}, Targets: out.Targets}, err
}

// TestCheckpointOfAnotherRun refuses to go on with other settings, weights or data.
func TestCheckpointOfAnotherRun(t *testing.T) {
	m := deep(t)
	o := stopped(t, m, 3)
	for name, c := range map[string]struct {
		spec func(*finetune.Spec)
		fit  func(*finetune.FitOptions)
		ds   finetune.Dataset
	}{
		"rate":      {spec: func(s *finetune.Spec) { s.Rate = 0.5 }},
		"optimizer": {spec: func(s *finetune.Spec) { s.Optimizer = finetune.AdamW{} }},
		"beta":      {spec: func(s *finetune.Spec) { s.Optimizer = finetune.Adam{Beta1: 0.5} }},
		"loss":      {spec: func(s *finetune.Spec) { s.Terms[0].Loss = finetune.L1{} }},
		"average":   {spec: func(s *finetune.Spec) { s.EMA.Decay = 0.5 }},
		"dropout":   {spec: func(s *finetune.Spec) { s.Dropout = false }},
		"seed":      {spec: func(s *finetune.Spec) { s.Seed++ }},
		"schedule":  {spec: func(s *finetune.Spec) { s.Schedule = &finetune.Plateau{Gamma: 0.1} }},
		"weights":   {spec: func(s *finetune.Spec) { s.Train = "last" }},
		"batch":     {fit: func(o *finetune.FitOptions) { o.Batch = 7 }},
		"epochs":    {fit: func(o *finetune.FitOptions) { o.Epochs = 6 }},
		"config":    {fit: func(o *finetune.FitOptions) { o.Config = "other" }},
		"targets":   {ds: rows(27)},
		"inputs":    {ds: shifted{28}},
		"nothing":   {},
	} {
		spec, options, ds := everything(), o, c.ds
		if c.spec != nil {
			c.spec(&spec)
		}
		if c.fit != nil {
			c.fit(&options)
		}
		if ds == nil {
			ds = rows(28)
		}
		options.Event = func(finetune.Event) error { return os.ErrClosed } // the first step is enough
		_, err := newTrainer(t, m, spec).Fit(context.Background(), ds, options)
		refused := err != nil && strings.Contains(err.Error(), "the checkpoint belongs to a training with other settings, weights or data")
		if refused == (name == "nothing") {
			t.Errorf("other %s: %v", name, err)
		}
	}
}
