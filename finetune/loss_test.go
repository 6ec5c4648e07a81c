package finetune

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// lossGraph compiles a loss of two inputs with its gradient by the scores. With each, the gradient is of the sum weighted
// by 1, 2, 3, ...
func lossGraph(t *testing.T, l Loss, scores, target ops.Type, each bool) (*plan.Program, error) {
	t.Helper()
	g := &graph.Graph{Name: "loss"}
	x := &graph.Value{Name: "scores", Value: ops.Value{Type: scores}}
	g.Inputs = []*graph.Value{x}
	var y *graph.Value
	if target.Present() {
		y = &graph.Value{Name: "target", Value: ops.Value{Type: target}}
		g.Inputs = append(g.Inputs, y)
	}
	e := autodiff.NewEmitter(ops.Default())
	loss, err := l.emit(e, x, y, each)
	if err != nil {
		return nil, err
	}
	if want := 0; each && loss.Rank() != 1 || !each && loss.Rank() != want {
		t.Fatalf("each %v: the loss is %v", each, loss.Type)
	}
	r := autodiff.Request{Y: []*graph.Value{loss}, X: []*graph.Value{x}}
	if each {
		dy := &graph.Value{Name: "dy", Value: ops.Value{Type: loss.Type}}
		r.Dy = []*graph.Value{dy}
		g.Inputs = append(g.Inputs, dy)
	}
	dx, err := e.Gradients(r)
	if err != nil {
		return nil, err
	}
	g.Nodes, g.Outputs = e.Nodes, []*graph.Value{loss, dx[0]}
	if g, err = opt.Apply(g, opt.Options{}); err != nil {
		return nil, err
	}
	return plan.Compile(g, plan.Options{})
}

// runLoss returns the loss and the gradient.
func runLoss(t *testing.T, p *plan.Program, threads int, in ...*tensor.Tensor) (loss, grad *tensor.Tensor) {
	t.Helper()
	out := []*tensor.Tensor{new(tensor.Tensor), new(tensor.Tensor)}
	if err := p.Run(context.Background(), threads, in, out); err != nil {
		t.Fatal(err)
	}
	return out[0], out[1]
}

// symbolic is a type of the given rank whose sizes only running tells.
func symbolic(d tensor.DType, shape tensor.Shape) ops.Type {
	dims := make([]ops.Dim, len(shape))
	for i := range dims {
		dims[i] = sym.Symbol(fmt.Sprintf("d%d", i))
	}
	return ops.TensorType(d, dims...)
}

func static(d tensor.DType, shape tensor.Shape) ops.Type {
	dims := make([]ops.Dim, len(shape))
	for i, n := range shape {
		dims[i] = sym.Const(int64(n))
	}
	return ops.TensorType(d, dims...)
}

type lossCase struct {
	Text               string
	Shape, TargetShape tensor.Shape
	Scores, Target     []float64
	IDs                bool
	Loss               float64
	Grad               []float64
	Each, GradEach     []float64
}

// TestLosses compares with losses.json, which PyTorch made in float64: see testdata/_recipe/losses.py.
func TestLosses(t *testing.T) {
	text, err := os.ReadFile("testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []lossCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d/%s", i, c.Text), func(t *testing.T) {
			l, err := ParseLoss(c.Text)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
				c.check(t, l, static(d, c.Shape))
				c.check(t, l, symbolic(d, c.Shape))
			}
		})
	}
}

func (c *lossCase) check(t *testing.T, l Loss, scores ops.Type) {
	t.Helper()
	want, err := l.Target(scores)
	if err != nil {
		t.Fatal(err)
	}
	if want.Rank() != len(c.TargetShape) || (want.DType == tensor.Int64) != c.IDs {
		t.Fatalf("the target of %v is %v, want shape %v", scores, want, c.TargetShape)
	}
	x, target := numbers(t, scores.DType, c.Shape, singles(c.Scores)), numbers(t, want.DType, c.TargetShape, singles(c.Target))
	tolerance := 4e-7
	if l.Name() == "kl" {
		tolerance = 2e-6 // terms of either sign, times T*T, cancel: PyTorch's own float32 is that far off
	}
	if scores.DType == tensor.Float64 {
		tolerance = 1e-8 // the values are recorded with nine digits
	}
	for _, each := range []bool{false, true} {
		p, err := lossGraph(t, l, scores, want, each)
		if err != nil {
			t.Fatal(err)
		}
		in, losses, grad := []*tensor.Tensor{x, target}, []float64{c.Loss}, c.Grad
		if each {
			var weights []float64
			for i := range c.Each {
				weights = append(weights, float64(i+1))
			}
			in = append(in, numbers(t, scores.DType, tensor.Shape{len(c.Each)}, weights))
			losses, grad = c.Each, c.GradEach
		}
		loss, dx := runLoss(t, p, 1, in...)
		near(t, fmt.Sprintf("%v, each %v: loss", scores, each), loss, losses, tolerance)
		near(t, fmt.Sprintf("%v, each %v: gradient", scores, each), dx, grad, tolerance)
		again, dx2 := runLoss(t, p, 2, in...)
		if !bytes.Equal(loss.Bytes(), again.Bytes()) || !bytes.Equal(dx.Bytes(), dx2.Bytes()) {
			t.Errorf("%v, each %v: two threads give other bits than one", scores, each)
		}
	}
}

// singles rounds to float32, which the recorded inputs are.
func singles(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(float32(x))
	}
	return out
}

func numbers(t *testing.T, d tensor.DType, shape tensor.Shape, v []float64) *tensor.Tensor {
	t.Helper()
	x, err := tensor.FromFloat64s(d, shape, v)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// near compares with a tolerance that is relative to the largest number, and absolute below one.
func near(t *testing.T, what string, got *tensor.Tensor, want []float64, tolerance float64) {
	t.Helper()
	if got.Len() != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, got.Len(), len(want))
	}
	peak := 1.0
	for _, w := range want {
		peak = max(peak, math.Abs(w))
	}
	for i, g := range tensor.Float64s(got, len(want)) {
		if !(math.Abs(g-want[i]) <= tolerance*peak) {
			t.Errorf("%s: element %d is %v, want %v", what, i, g, want[i])
		}
	}
}

// TestScalarLoss takes an output of the model as the loss.
func TestScalarLoss(t *testing.T) {
	for _, c := range []struct {
		shape tensor.Shape
		each  bool
		loss  []float64
		grad  []float64
	}{
		{tensor.Shape{}, false, []float64{3}, []float64{1}},
		{tensor.Shape{1, 1}, false, []float64{3}, []float64{1}},
		{tensor.Shape{2}, false, []float64{4}, []float64{0.5, 0.5}},
		{tensor.Shape{2}, true, []float64{3, 5}, []float64{1, 2}},
	} {
		scores := static(tensor.Float32, c.shape)
		p, err := lossGraph(t, Scalar{}, scores, ops.Type{}, c.each)
		if err != nil {
			t.Fatal(err)
		}
		in := []*tensor.Tensor{numbers(t, tensor.Float32, c.shape, []float64{3, 5}[:c.shape.Len()])}
		if c.each {
			in = append(in, tensor.FromSlice([]float32{1, 2}))
		}
		loss, dx := runLoss(t, p, 1, in...)
		near(t, "loss", loss, c.loss, 0)
		near(t, "gradient", dx, c.grad, 0)
	}
}

// TestLossOfHalves computes in float32 what a model gives in float16, where the squares would overflow.
func TestLossOfHalves(t *testing.T) {
	scores := static(tensor.Float16, tensor.Shape{2})
	want, err := MSE{}.Target(scores)
	if err != nil || want.DType != tensor.Float32 {
		t.Fatal(want, err)
	}
	p, err := lossGraph(t, MSE{}, scores, want, false)
	if err != nil {
		t.Fatal(err)
	}
	loss, dx := runLoss(t, p, 1, numbers(t, tensor.Float16, tensor.Shape{2}, []float64{400, 2}), tensor.FromSlice([]float32{0, 2}))
	near(t, "loss", loss, []float64{80000}, 0)
	if dx.DType() != tensor.Float16 {
		t.Errorf("the gradient is %v", dx.DType())
	}
}

func TestIgnoredOnly(t *testing.T) {
	p, err := lossGraph(t, CrossEntropy{}, static(tensor.Float32, tensor.Shape{1, 2}), static(tensor.Int64, tensor.Shape{1}), false)
	if err != nil {
		t.Fatal(err)
	}
	loss, dx := runLoss(t, p, 1, tensor.FromSlice([]float32{1, 2}, 1, 2), tensor.FromSlice([]int64{-100}))
	if got := tensor.Of[float32](loss)[0]; got == got {
		t.Errorf("the mean of nothing is %v, want NaN as in PyTorch", got)
	}
	near(t, "gradient", dx, []float64{0, 0}, 0)
}

// TestLossRefused lists scores, targets and settings that do not go together.
func TestLossRefused(t *testing.T) {
	classes := static(tensor.Float32, tensor.Shape{2, 3})
	ids := static(tensor.Int64, tensor.Shape{2})
	for _, c := range []struct {
		l              Loss
		scores, target ops.Type
		want           string
	}{
		{MSE{}, static(tensor.Int64, tensor.Shape{2}), ids, "want a tensor of floating-point numbers"},
		{MSE{}, classes, ids, "target is int64[2] for scores float32[2,3], want float32[2,3]"},
		{MSE{}, classes, static(tensor.Float32, tensor.Shape{2, 4}), "want float32[2,3]"},
		{MSE{}, classes, ops.Type{}, "no target"},
		{MSE{}, static(tensor.Float32, tensor.Shape{}), ops.Type{}, "want a batch axis"},
		{Huber{Delta: -1}, classes, classes, "delta is -1"},
		{CrossEntropy{}, classes, classes, "want int64[2]"},
		{CrossEntropy{}, static(tensor.Float32, tensor.Shape{2}), ids, "classes on axis 1"},
		{CrossEntropy{Axis: -2}, classes, ids, "classes on axis -2"},
		{CrossEntropy{Weights: []float32{1, 2}}, classes, ids, "one for each of 3 classes"},
		{CrossEntropy{Smoothing: 1.5}, classes, ids, "smoothing is 1.5"},
		{CrossEntropy{Axis: -1}, ops.Unranked(tensor.Float32), ops.Unranked(tensor.Int64), "known rank"},
		{NLL{Weights: []float32{1}}, classes, ids, "one for each of 3 classes"},
		{BCEWithLogits{PosWeight: []float32{1, 2}}, classes, classes, "one for each of 3 classes"},
		{KL{Temperature: -1}, classes, classes, "temperature is -1"},
		{Hinge{Margin: math.NaN()}, classes, classes, "margin is NaN"},
		{Hinge{MultiClass: true}, classes, classes, "want int64[2]"},
		{Scalar{}, classes, ops.Type{}, "want a scalar"},
	} {
		for _, each := range []bool{false, true} {
			_, err := lossGraph(t, c.l, c.scores, c.target, each)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "finetune: "+c.l.Name()) {
				t.Errorf("%#v of %v and %v: got %v, want %q", c.l, c.scores, c.target, err, c.want)
			}
		}
	}
	if _, err := lossGraph(t, Scalar{}, static(tensor.Float32, tensor.Shape{}), ops.Type{}, true); err == nil {
		t.Error("a scalar was taken as one loss for each sample")
	}
}
