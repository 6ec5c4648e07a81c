package finetune

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

type headCase struct {
	Method, Loss     string
	Samples, Outputs int
	X, Y, Weights    []float32
	Classes          []int64
	Lambda           float64
	W, B             []float64
}

func (c *headCase) problem() HeadProblem {
	return HeadProblem{X: c.X, Samples: c.Samples, Y: c.Y, Classes: c.Classes, Outputs: c.Outputs, Weights: c.Weights}
}

// TestHeads has the optima of heads.json, by scikit-learn and PyTorch: see testdata/_recipe/heads.py.
func TestHeads(t *testing.T) {
	text, err := os.ReadFile("testdata/heads.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []headCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d/%s %s", i, c.Method, c.Loss), func(t *testing.T) {
			var h LinearHead
			tolerance := 1e-6
			if c.Method == "ridge" {
				h, err = Ridge(c.problem(), c.Lambda)
			} else {
				tolerance = 2e-5
				h, err = c.lbfgs(t)
			}
			if err != nil {
				t.Fatal(err)
			}
			checkNumbers(t, "weights", h.W, c.W, tolerance)
			checkNumbers(t, "intercepts", h.B, c.B, 4*tolerance)
		})
	}
}

// lbfgs fits, and once more from another start.
func (c *headCase) lbfgs(t *testing.T) (LinearHead, error) {
	l, err := ParseLoss(c.Loss)
	if err != nil {
		return LinearHead{}, err
	}
	o := LBFGSOptions{Lambda: c.Lambda, Tolerance: 1e-9}
	h, r, err := LBFGS(context.Background(), c.problem(), l, o)
	if err == nil && (!r.Converged || r.Gradient > 1e-6 || r.Iterations > 200) {
		t.Errorf("went %+v", r)
	}
	o.Start = &LinearHead{W: make([]float32, len(h.W)), B: make([]float32, len(h.B))}
	for i := range h.W {
		o.Start.W[i] = float32(Random{Seed: 1}.Normal(uint64(i)))
	}
	again, s, errAgain := LBFGS(context.Background(), c.problem(), l, o)
	if errAgain != nil || math.Abs(s.Loss-r.Loss) > 1e-9*(1+r.Loss) {
		t.Errorf("from another start %+v (%v), want %+v", s, errAgain, r)
	}
	checkNumbers(t, "weights from another start", again.W, widened(h.W), 2e-5)
	if h.B != nil && l.Name() == "cross-entropy" { // scores may all be moved alike
		mean := float32(0)
		for _, b := range h.B {
			mean += b / float32(len(h.B))
		}
		for k := range h.B {
			h.B[k] -= mean
		}
	}
	return h, err
}

func checkNumbers(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d %s, want %d", len(got), what, len(want))
	}
	peak := 1.0
	for _, w := range want {
		peak = max(peak, math.Abs(w))
	}
	if d := farthest(got, want); !(d <= tolerance*peak) {
		t.Errorf("%s are %v off: %v, want %v", what, d, got, want)
	}
}

// wideProblem is large enough for several blocks and for products on several goroutines.
func wideProblem() HeadProblem {
	const n, d, k = 700, 90, 70
	p := HeadProblem{X: make([]float32, n*d), Samples: n, Classes: make([]int64, n), Outputs: k}
	r := Random{Seed: 9}
	for i := range p.X {
		p.X[i] = float32(r.Normal(uint64(i)))
	}
	for i := range p.Classes {
		p.Classes[i] = int64(r.Below(uint64(len(p.X)+i), k))
	}
	return p
}

// TestHeadsThreads compares bits over numbers of processors.
func TestHeadsThreads(t *testing.T) {
	fit := func() [2]LinearHead {
		ridge, err := Ridge(wideProblem(), 1)
		if err != nil {
			t.Fatal(err)
		}
		lbfgs, _, err := LBFGS(context.Background(), wideProblem(), CrossEntropy{}, LBFGSOptions{Lambda: 0.01, Iterations: 10})
		if err != nil {
			t.Fatal(err)
		}
		return [2]LinearHead{ridge, lbfgs}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := fit()
	runtime.GOMAXPROCS(4)
	if four := fit(); !reflect.DeepEqual(one, four) {
		t.Error("four processors give other bits than one")
	}
}

// TestSeparable has no optimum: the iterations end, with every sample on its side.
func TestSeparable(t *testing.T) {
	p := HeadProblem{X: []float32{-2, -1, 1, 3}, Samples: 4, Y: []float32{0, 0, 1, 1}}
	h, r, err := LBFGS(context.Background(), p, BCEWithLogits{}, LBFGSOptions{Iterations: 50})
	if err != nil || h.W[0] <= 0 || math.IsNaN(r.Loss) || r.Loss > 1e-3 || r.Iterations > 50 {
		t.Errorf("got %+v, %+v, %v", h, r, err)
	}
}

func TestHeadsRefuse(t *testing.T) {
	x := []float32{1, 2, 3, 4}
	nan := float32(math.NaN())
	for _, c := range []struct {
		p    HeadProblem
		want string
	}{
		{HeadProblem{}, "0 samples"},
		{HeadProblem{X: x, Samples: 3, Y: x}, "4 numbers as features of 3 samples"},
		{HeadProblem{X: x, Samples: 2}, "want one of them"},
		{HeadProblem{X: x, Samples: 2, Y: x, Classes: []int64{0, 1}, Outputs: 2}, "want one of them"},
		{HeadProblem{X: x, Samples: 2, Y: x[:3]}, "3 numbers as targets"},
		{HeadProblem{X: x, Samples: 2, Classes: []int64{0}, Outputs: 2}, "1 ids of 2 classes"},
		{HeadProblem{X: x, Samples: 2, Classes: []int64{0, 2}, Outputs: 2}, "the class of sample 1 is 2"},
		{HeadProblem{X: x, Samples: 2, Y: x, Weights: x[:1]}, "1 weights of 2 samples"},
		{HeadProblem{X: x, Samples: 2, Y: x, Weights: []float32{1, -1}}, "a weight of sample 1 is -1"},
		{HeadProblem{X: []float32{1, 2, nan, 4}, Samples: 2, Y: x}, "a feature of sample 1 is NaN"},
		{HeadProblem{X: x, Samples: 2, Y: x, Weights: []float32{0, 0}}, "0"},
	} {
		_, err := Ridge(c.p, 1)
		_, _, err2 := LBFGS(context.Background(), c.p, MSE{}, LBFGSOptions{})
		for _, err := range []error{err, err2} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: got %v, want %q", c.p, err, c.want)
			}
		}
	}
	same := HeadProblem{X: []float32{1, 1, 2, 2, 3, 3}, Samples: 3, Y: []float32{1, 2, 3}}
	if _, err := Ridge(same, 0); err == nil || !strings.Contains(err.Error(), "depend on each other") {
		t.Errorf("equal features: got %v", err)
	}
	if _, err := Ridge(same, -1); err == nil {
		t.Error("a negative lambda was taken")
	}
	classes := HeadProblem{X: x, Samples: 2, Classes: []int64{0, 1}, Outputs: 2}
	numbers := HeadProblem{X: x, Samples: 2, Y: x}
	for _, c := range []struct {
		p    HeadProblem
		l    Loss
		o    LBFGSOptions
		want string
	}{
		{classes, MSE{}, LBFGSOptions{}, "mse of class ids"},
		{classes, BCEWithLogits{}, LBFGSOptions{}, "bce-with-logits of class ids"},
		{classes, CrossEntropy{Smoothing: 0.1}, LBFGSOptions{}, "want none of them"},
		{classes, CrossEntropy{Weights: x}, LBFGSOptions{}, "4 weights of 2 classes"},
		{classes, Hinge{}, LBFGSOptions{}, "loss is hinge"},
		{numbers, CrossEntropy{}, LBFGSOptions{}, "want class ids"},
		{numbers, BCEWithLogits{PosWeight: x}, LBFGSOptions{}, "4 positive weights for 2 outputs"},
		{numbers, MSE{}, LBFGSOptions{Lambda: math.NaN()}, "lambda is NaN"},
		{numbers, MSE{}, LBFGSOptions{Start: &LinearHead{W: x[:1], B: x[:2]}}, "1 weights and 2 intercepts, want 4 and 2"},
	} {
		if _, _, err := LBFGS(context.Background(), c.p, c.l, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%#v: got %v, want %q", c.l, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := LBFGS(ctx, numbers, MSE{}, LBFGSOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}
