package finetune

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

type scheduleCase struct {
	Text    string
	Total   int
	Factors []float64
}

// schedulesFile is schedules.json, which PyTorch made: see testdata/_recipe/schedules.py. A metric that is missing is NaN.
type schedulesFile struct {
	Schedules []scheduleCase
	Metrics   []*float64
	Plateaus  []scheduleCase
}

func readSchedules(t *testing.T) (f schedulesFile) {
	t.Helper()
	text, err := os.ReadFile("testdata/schedules.json")
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSchedules(t *testing.T) {
	for _, c := range readSchedules(t).Schedules {
		s, err := ParseSchedule(c.Text)
		if err != nil {
			t.Fatal(err)
		}
		for step, want := range c.Factors {
			if got := s.Factor(step, c.Total); !(math.Abs(got-want) <= 1e-12) {
				t.Errorf("%s: step %d of %d: %v, want %v", c.Text, step, c.Total, got, want)
			}
		}
		if beyond := s.Factor(2*c.Total, c.Total); !(beyond >= 0 && beyond <= 1) {
			t.Errorf("%s: %v beyond the last step", c.Text, beyond)
		}
	}
}

// TestScheduleEdges are trainings of no or one step.
func TestScheduleEdges(t *testing.T) {
	for _, text := range []string{"constant", "step:size=1", "linear", "cosine", "cosine:warmup=5", "linear:warmup=0.5", "one-cycle", "plateau"} {
		s, err := ParseSchedule(text)
		if err != nil {
			t.Fatal(err)
		}
		for total := range 4 {
			for step := range 4 {
				if got := s.Factor(step, total); !(got >= 0 && got <= 1) {
					t.Errorf("%s: step %d of %d: %v", text, step, total, got)
				}
			}
		}
	}
}

// TestPlateau saves and loads the state after every metric.
func TestPlateau(t *testing.T) {
	f := readSchedules(t)
	for _, c := range f.Plateaus {
		s, err := ParseSchedule(c.Text)
		if err != nil {
			t.Fatal(err)
		}
		p := s.(*Plateau)
		for i, m := range f.Metrics {
			metric := math.NaN()
			if m != nil {
				metric = *m
			}
			before := p.Factor(i, 0)
			fell := p.Observe(metric)
			if got := p.Factor(i, 0); math.Abs(got-c.Factors[i]) > 1e-12 || fell != (got < before) {
				t.Errorf("%s: %v after metric %d, want %v; fell: %v", c.Text, got, i, c.Factors[i], fell)
			}
			text, err := json.Marshal(p)
			loaded := new(Plateau)
			if err == nil {
				err = json.Unmarshal(text, loaded)
			}
			if err != nil || !reflect.DeepEqual(loaded, p) {
				t.Fatalf("%s: saved as %s, loaded as %+v: %v", c.Text, text, loaded, err)
			}
			p = loaded
		}
	}
}

func TestParseScheduleRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "want NAME",
		"sinus":                 `unknown name "sinus"`,
		"step":                  "size is missing",
		"step:size=0":           "size is",
		"step:size=2.5":         "want an integer",
		"cosine:warmup=2.5":     "warmup is 2.5",
		"cosine:warmup=-1":      "warmup is",
		"linear:floor=2":        "from 0 to 1",
		"one-cycle:warmup=3":    "unknown setting",
		"one-cycle:rise=1":      "rise is",
		"plateau:mode=up":       "want one of min, max",
		"plateau:factor=1":      "factor is",
		"plateau:patience=-1":   "at least 0",
		"constant:gamma=0.5":    `unknown setting "gamma", want one of warmup`,
		"plateau:patience=many": "patience is",
	} {
		_, err := ParseSchedule(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "finetune: schedule ") {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// valley is the loss of a training at rate r: it falls fastest at 0.01, is least at 0.1, and explodes.
func valley(r float64) float64 {
	x := math.Log10(r)
	return 2 - math.Tanh((x+2)*2) + math.Max(0, x+1)*math.Exp(3*(x+1))
}

func TestFinder(t *testing.T) {
	f := &Finder{Low: 1e-5, High: 10, Steps: 601}
	for rate, more := f.Rate(); more; rate, more = f.Rate() {
		f.Observe(valley(rate))
	}
	n := len(f.Rates)
	if n < 300 || n >= 601 || f.Rates[0] != 1e-5 || math.Abs(f.Rates[100]-1e-4) > 1e-15 {
		t.Fatalf("%d rates from %v over %v", n, f.Rates[0], f.Rates[100])
	}
	c, err := f.Choose()
	if err != nil {
		t.Fatal(err)
	}
	// The running mean lags 49 steps behind, 0.49 of a power of ten.
	if c.Steepest < 0.01 || c.Steepest > 0.05 || c.Minimum < 0.01 || c.Minimum > 0.05 {
		t.Errorf("chose %+v", c)
	}
}

func TestFinderFails(t *testing.T) {
	for want, loss := range map[string]func(float64) float64{
		"falls at no rate":            func(r float64) float64 { return 1 + r },
		"0 steps had a finite loss":   func(float64) float64 { return math.NaN() },
		"finite loss, want at least":  func(r float64) float64 { return 1 / (1e-7*1.3 - math.Min(r, 1e-7*1.3)) },
		"the loss falls at no rate f": func(float64) float64 { return 1 },
	} {
		f := &Finder{}
		for rate, more := f.Rate(); more; rate, more = f.Rate() {
			f.Observe(loss(rate))
		}
		if _, err := f.Choose(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
