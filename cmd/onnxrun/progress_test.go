package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/finetune/report"
)

func TestSparkline(t *testing.T) {
	for _, tc := range []struct {
		numbers []float64
		want    string
	}{
		{nil, ""},
		{[]float64{3}, "▁"},
		{[]float64{8, 7, 6, 5, 4, 3, 2, 1, math.NaN(), 0}, "██▇▆▅▄▃▂▁"},
		{[]float64{math.Inf(1), 2, 2}, "▁▁"},
	} {
		var s sparkline
		for _, v := range tc.numbers {
			s.add(v)
		}
		if got := s.String(); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.numbers, got, tc.want)
		}
	}
	var long sparkline
	for i := range 1000 {
		long.add(float64(-i))
		if n := len([]rune(long.String())); i >= sparkCells && (n <= sparkCells/2 || n > sparkCells) {
			t.Fatalf("%d characters after %d numbers", n, i+1)
		}
	}
	if got := long.String(); !strings.HasPrefix(got, "█") || !strings.HasSuffix(got, "▁") {
		t.Errorf("falling numbers give %s", got)
	}
}

// TestProgressPlain checks that a stream that is no terminal gets one line per epoch and nothing else.
func TestProgressPlain(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.Start(4, 1, 2)
	for i := range 2 {
		p.Step(0.5, 1e-3)
		p.Step(0.25, 1e-3)
		p.Epoch(report.Epoch{
			Epoch: i + 1, Loss: 0.375, ValLoss: metric.Value(0.5 - float64(i)/8), Best: i == 1,
			Metrics: map[string]float64{metric.Accuracy: 0.75, metric.MacroF1: 0.7, metric.AUC: 0.8},
		})
	}
	p.Print("note")
	p.Epoch(report.Epoch{Epoch: 3, Loss: metric.Undefined(), ValLoss: metric.Undefined()})
	p.Done()
	want := `epoch 1/2  loss 0.375  val loss 0.5  accuracy 0.75  macro f1 0.7
epoch 2/2  loss 0.375  val loss 0.375  accuracy 0.75  macro f1 0.7  best
note
epoch 2/2  loss NaN
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestProgressDrawn checks the line that a terminal gets, and that NO_COLOR leaves colours out of it.
func TestProgressDrawn(t *testing.T) {
	for _, color := range []bool{true, false} {
		var out bytes.Buffer
		p := newProgress(&out)
		p.tty, p.color = true, color
		p.Start(10, 1, 5)
		for i := range 10 {
			p.drawn = p.drawn.AddDate(-1, 0, 0)
			p.Step(1/float64(i+1), 1e-3)
		}
		p.Epoch(report.Epoch{Epoch: 1, Loss: 0.5, ValLoss: 0.25})
		p.Print("note")
		p.Done()
		p.Step(1, 1)
		got := out.String()
		for _, want := range []string{"epoch 1/5", "▁ loss ", "(5/10)", "note\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in %q", want, got)
			}
		}
		if strings.Contains(got, "\x1b[36m") != color {
			t.Errorf("colours wanted: %v, got %q", color, got)
		}
		if strings.Count(got, "\n") != 1 {
			t.Errorf("lines besides the note in %q", got)
		}
	}
}

func TestProgressOfFiles(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if p := newProgress(f); p.tty || p.color {
		t.Error("a file counts as a terminal")
	}
}

// TestProgressFits checks that a line keeps to the width of the terminal.
func TestProgressFits(t *testing.T) {
	p := &progress{epochs: 100, epoch: 99, loss: 0.123456, last: "val 0.1234  accuracy 0.9123  macro f1 0.9"}
	for range 100 {
		p.losses.add(1)
	}
	if got := p.describe(); len([]rune(got)) > plainWidth-barRest || !strings.HasPrefix(got, "epoch 99/100") {
		t.Errorf("%d columns: %s", len([]rune(got)), got)
	}
}
