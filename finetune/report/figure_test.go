package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

// svgText returns the words of an SVG file and fails where it is no XML or holds coordinates that are no numbers.
func svgText(t *testing.T, f *Figure) string {
	t.Helper()
	var out bytes.Buffer
	if err := f.WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Errorf("%s: coordinates that are no numbers", f.Name)
	}
	var words []string
	d := xml.NewDecoder(&out)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return strings.Join(words, " ")
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if text, ok := token.(xml.CharData); ok {
			words = append(words, strings.Fields(string(text))...)
		}
	}
}

func history(list ...Event) *History {
	h := &History{}
	for _, e := range list {
		h.Add(e)
	}
	return h
}

// TestFigures draws histories of all lengths and with numbers that cannot be drawn.
func TestFigures(t *testing.T) {
	nan, inf := metric.Undefined(), metric.Value(math.Inf(1))
	long := &History{}
	for i := 1; i <= 10_000; i++ {
		long.Add(Step{Step: i, Loss: metric.Value(1 + math.Sin(float64(i))), Rate: 1})
	}
	for _, tc := range []struct {
		name    string
		history *History
		want    []string // one for each figure, a part of its words
	}{
		{"empty", history(), nil},
		{"one step", history(Step{Step: 1, Loss: 2, Rate: 0.1}), []string{"loss per step", "Learning rate"}},
		{"equal losses", history(Step{Step: 1, Loss: 2}, Step{Step: 2, Loss: 2}), []string{"2.0", "rate"}},
		{"zero losses", history(Step{Step: 1}, Step{Step: 2}), []string{"loss", "rate"}},
		{"no finite loss", history(Step{Step: 1, Loss: nan, Rate: 1}, Step{Step: 2, Loss: inf, Rate: 1}), []string{"Learning rate"}},
		{"loss out of range", history(Step{Step: 1, Loss: 1e200, Rate: nan}, Step{Step: 2, Loss: 1, Rate: nan}), []string{"loss"}},
		{"decades", history(Step{Step: 1, Loss: 1000, Rate: 1}, Step{Step: 2, Loss: 0.001, Rate: 1}), []string{"logarithmic", "rate"}},
		{"huge", history(Step{Step: 1, Loss: -1e149, Rate: 1e-300}, Step{Step: 1 << 30, Loss: 1e149, Rate: 1e-300}), []string{"loss", "rate"}},
		{"one epoch", history(Epoch{Epoch: 1, Loss: 1, ValLoss: nan, Best: true}), []string{"training"}},
		{"epochs", history(
			Epoch{Epoch: 1, Loss: 1, ValLoss: 2, Metrics: map[string]float64{"accuracy": 0.5, "mae": 3, "other": 1}},
			Epoch{Epoch: 2, Loss: nan, ValLoss: 1, Metrics: map[string]float64{"accuracy": 0.75, "mae": 2}, Best: true},
		), []string{"training validation best epoch", "Accuracy best epoch", "MAE best epoch"}},
		{"skips", history(Step{Step: 1, Loss: 1}, Skip{Step: 2, Reason: "x"}, Step{Step: 3, Loss: 2}), []string{"skipped step", "rate"}},
		{"long", long, []string{"loss smoothed", "rate"}},
	} {
		figures := tc.history.Figures()
		if len(figures) != len(tc.want) {
			t.Errorf("%s: %d figures, want %d", tc.name, len(figures), len(tc.want))
			continue
		}
		for i, f := range figures {
			if text := svgText(t, f); !strings.Contains(text, tc.want[i]) || !strings.Contains(text, f.Title) {
				t.Errorf("%s: %s says %q, want %q", tc.name, f.Name, text, tc.want[i])
			}
			inline, err := f.Inline()
			if err != nil || !strings.HasPrefix(string(inline), "<svg class=") || strings.Contains(string(inline), "<?xml") {
				t.Errorf("%s: %s inline starts with %.40q, %v", tc.name, f.Name, inline, err)
			}
		}
	}
}

// TestKeysWrap checks that keys which do not fit into one row stand below each other, within the figure.
func TestKeysWrap(t *testing.T) {
	f := newFigure("x", "x", "", "")
	for range 4 {
		f.add(plotter.XYs{{X: 1, Y: 1}}, line{key: strings.Repeat("long ", 8), tone: series[0], width: 1})
	}
	var out bytes.Buffer
	if err := f.WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, m := range regexp.MustCompile(`<text x="([\d.]+)" y="([-\d.]+)"[^>]*>long`).FindAllStringSubmatch(out.String(), -1) {
		rows[m[2]]++
		if x, err := strconv.ParseFloat(m[1], 64); err != nil || x > float64(wide)-100 {
			t.Errorf("a key at %s", m[1])
		}
	}
	if len(rows) < 2 {
		t.Errorf("keys in rows %v", rows)
	}
}

// TestFigureSize checks that a long run does not make a large figure.
func TestFigureSize(t *testing.T) {
	var h History
	for i := 1; i <= 200_000; i++ {
		h.Add(Step{Step: i, Loss: metric.Value(i), Rate: metric.Value(i)})
	}
	for _, f := range h.Figures() {
		var out bytes.Buffer
		if err := f.WriteSVG(&out); err != nil || out.Len() > 100_000 {
			t.Errorf("%s has %d bytes, %v", f.Name, out.Len(), err)
		}
	}
}

func TestDiagramsOfNothing(t *testing.T) {
	if Reliability(nil) != nil || Reliability(metric.NewCalibration(3).Bins()) != nil || ROC(nil) != nil || ROC(&metric.Curve{}) != nil ||
		Scatter(nil) != nil || Scatter([]metric.Pair{{Predicted: float32(math.NaN()), Target: 1}}) != nil {
		t.Error("a diagram without data")
	}
}

func TestDiagrams(t *testing.T) {
	c := metric.NewCalibration(4)
	c.Add(0.9, true)
	for _, f := range []*Figure{
		Reliability(c.Bins()),
		ROC(&metric.Curve{FPR: []float64{0, 0, 1e-9, 1}, TPR: []float64{0, 0.5, 0.5, 1}}),
		Scatter([]metric.Pair{{Predicted: 1, Target: 1}}),
		Scatter([]metric.Pair{{Predicted: 1e38, Target: -1e38}, {Predicted: 0, Target: float32(math.Inf(1))}}),
	} {
		if text := svgText(t, f); !strings.Contains(text, f.Title) {
			t.Errorf("%s says %q", f.Name, text)
		}
	}
}

// TestSmooth compares with pandas: Series.ewm(alpha=1/4, adjust=True).mean() of 1, 2, 4, 0.
func TestSmooth(t *testing.T) {
	got := smooth(plotter.XYs{{X: 1, Y: 1}, {X: 2, Y: 2}, {X: 3, Y: 4}, {X: 4, Y: 0}}, 4)
	for i, want := range []float64{1, 1.5714285714285714, 2.6216216216216215, 1.6628571428571428} {
		if math.Abs(got[i].Y-want) > 1e-12 || got[i].X != float64(i+1) {
			t.Errorf("value %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, tc := range []struct {
		low, high float64
		whole     bool
		want      string
	}{
		{0, 1, false, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{1, 20, true, "5 10 15 20"},
		{1, 3, true, "1 2 3"},
		{1, 3, false, "1.0 1.5 2.0 2.5 3.0"},
		{-0.3, 0.3, false, "-0.3 -0.2 -0.1 0.0 0.1 0.2 0.3"},
		{0, 3e-6, false, "0 5e-07 1e-06 1.5e-06 2e-06 2.5e-06 3e-06"},
		{0, 5e6, true, "0 1e+06 2e+06 3e+06 4e+06 5e+06"},
		{1, 1, false, ""},
		{math.Inf(-1), math.Inf(1), false, ""},
	} {
		var words []string
		for _, tick := range (evenTicks{tc.whole}).Ticks(tc.low, tc.high) {
			words = append(words, tick.Label)
		}
		if got := strings.Join(words, " "); got != tc.want {
			t.Errorf("%v to %v: %s, want %s", tc.low, tc.high, got, tc.want)
		}
	}
	for _, tc := range []struct {
		low, high float64
		want      string
	}{{0.03, 4, "0.05 0.1 0.2 0.5 1 2"}, {1e-5, 10, "1e-05 0.0001 0.001 0.01 0.1 1 10"}, {1e-20, 1e20, "1e-20 1e-14 1e-08 0.01 1e+04 1e+10 1e+16"}} {
		var words []string
		for _, tick := range (decadeTicks{}).Ticks(tc.low, tc.high) {
			words = append(words, tick.Label)
		}
		if got := strings.Join(words, " "); got != tc.want {
			t.Errorf("decades of %v to %v: %s, want %s", tc.low, tc.high, got, tc.want)
		}
	}
}
