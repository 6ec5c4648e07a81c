package finetune

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

const trajectoryArchive = "../../shared/gradcases/gradcases-visible.zip"

// A trajectory is a training that PyTorch recorded in float32 and float64: train.json and data.npz of an archive of
// gradient cases.
type trajectory struct {
	Kind       string
	Steps      int
	Accumulate int
	Inputs     []string
	Trainable  json.RawMessage
	BatchNorm  string
	Loss       map[string]any
	Optimizer  map[string]any
	Scheduler  map[string]any
	Clip       any

	model  []byte
	data   map[string]*tensor.Tensor
	params []string
}

// TestTrajectories trains with the parts of this package what PyTorch trained, without a trainer: a graph with loss and
// gradients, and a plain loop.
func TestTrajectories(t *testing.T) {
	archive, err := zip.OpenReader(trajectoryArchive)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is absent: recorded trainings are not compared", trajectoryArchive)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string][]byte{}
	for _, f := range archive.File {
		if dir, name, _ := strings.Cut(f.Name, "/"); dir == "trajectories" {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if files[name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	ran := 0
	for name, text := range files {
		dir, ok := strings.CutSuffix(name, "/train.json")
		if !ok {
			continue
		}
		c := &trajectory{model: files[path.Join(dir, "model.onnx")]}
		if err := json.Unmarshal(text, c); err != nil {
			t.Fatal(err)
		}
		if c.Kind != "train" || c.BatchNorm != "eval" || json.Unmarshal(c.Trainable, &c.params) != nil || strings.Contains(string(c.Trainable), "lora") {
			continue // these need more than loss, gradients and optimizer
		}
		ran++
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			npz := files[path.Join(dir, "data.npz")]
			var err error
			if c.data, err = tensor.ReadNPZ(bytes.NewReader(npz), int64(len(npz))); err != nil {
				t.Fatal(err)
			}
			c.train(t)
		})
	}
	if ran < 8 {
		t.Errorf("%d trajectories", ran)
	}
}

// setting is a number, a flag or a list in the text form of settings; without the key it is nothing.
func setting(m map[string]any, key, as string) string {
	switch v := m[key].(type) {
	case float64:
		return fmt.Sprintf(",%s=%v", as, v)
	case bool:
		return fmt.Sprintf(",%s=%v", as, v)
	case []any:
		var list []string
		for _, x := range v {
			list = append(list, fmt.Sprint(x))
		}
		return "," + as + "=" + strings.Join(list, ",")
	}
	return ""
}

// joined puts settings behind a name.
func joined(name any, list ...string) string {
	return strings.TrimSuffix(fmt.Sprint(name)+":"+strings.TrimPrefix(strings.Join(list, ""), ","), ":")
}

func (c *trajectory) loss() (Loss, error) {
	m := c.Loss
	return ParseLoss(joined(m["type"], setting(m, "label_smoothing", "smoothing"), setting(m, "weight", "weights"), setting(m, "pos_weight", "pos-weight"), setting(m, "delta", "delta")))
}

func (c *trajectory) optimizer() (Optimizer, Rates, error) {
	m := c.Optimizer
	text := []string{setting(m, "lr", "rate"), setting(m, "weight_decay", "decay")}
	if betas, ok := m["betas"].([]any); ok {
		text = append(text, fmt.Sprintf(",beta1=%v,beta2=%v", betas[0], betas[1]))
	}
	for _, key := range []string{"momentum", "dampening", "nesterov", "amsgrad", "alpha", "eps", "centered"} {
		text = append(text, setting(m, key, key))
	}
	return ParseOptimizer(joined(m["type"], text...))
}

func (c *trajectory) schedule() (Schedule, error) {
	m := c.Scheduler
	name := strings.TrimPrefix(fmt.Sprint(m["type"]), "warmup_")
	return ParseSchedule(joined(name, setting(m, "warmup", "warmup"), setting(m, "step", "size"), setting(m, "gamma", "gamma")))
}

// program is the graph of the model with its parameters as inputs, and the loss and their gradients as outputs.
func (c *trajectory) program(t *testing.T, l Loss, batch int) (*plan.Program, [][]float32, ops.Type) {
	t.Helper()
	f, err := onnx.OpenBytes(c.model, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build(f.Model, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	values := g.Names()
	var w [][]float32
	var params []*graph.Value
	for _, name := range c.params {
		v := values[name]
		if v == nil || !v.IsConst() {
			t.Fatalf("no parameter %q", name)
		}
		w = append(w, slices.Clone(tensor.Of[float32](v.Const)))
		params = append(params, v)
		v.Const = nil
	}
	var shapes []tensor.Shape
	for _, v := range g.Inputs {
		shapes = append(shapes, append(tensor.Shape{batch}, c.data["in."+v.Name].Shape()[1:]...))
	}
	g.FixInputs(shapes)
	g.Inputs = append(g.Inputs, params...)
	if err := opt.Resolve(g); err != nil {
		t.Fatal(err)
	}
	scores := g.Outputs[0]
	want, err := l.Target(scores.Type)
	if err != nil {
		t.Fatal(err)
	}
	target := &graph.Value{Name: "target", Value: ops.Value{Type: want}}
	e := autodiff.NewEmitter(ops.Default())
	loss, err := l.emit(e, scores, target, false)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := e.Gradients(autodiff.Request{Y: []*graph.Value{loss}, X: params})
	if err != nil {
		t.Fatal(err)
	}
	g.Inputs, g.Outputs = append(g.Inputs, target), append(append(g.Outputs[:1], loss), grads...)
	g.Nodes = append(g.Nodes, e.Nodes...)
	if g, err = opt.Apply(g, opt.Options{}); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(g, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p, w, want
}

// rows gathers rows of a tensor, in the given shape.
func rows(x *tensor.Tensor, at []int64, shape tensor.Shape) *tensor.Tensor {
	size := len(x.Bytes()) / x.Shape()[0]
	out := tensor.New(x.DType(), shape...)
	for i, k := range at {
		copy(out.Bytes()[i*size:][:size], x.Bytes()[int(k)*size:])
	}
	return out
}

func (c *trajectory) train(t *testing.T) {
	l, err := c.loss()
	if err != nil {
		t.Fatal(err)
	}
	o, r, err := c.optimizer()
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.schedule()
	if err != nil {
		t.Fatal(err)
	}
	clip := Clip{}
	if m, ok := c.Clip.(map[string]any); ok {
		if clip, err = ParseClip(fmt.Sprintf("%v=%v", m["type"], m["max"])); err != nil {
			t.Fatal(err)
		}
	}
	order := c.data["order"]
	batch := order.Shape()[1]
	p, w, target := c.program(t, l, batch)
	targetShape, _ := target.Static()

	states := make([][][]float32, len(w))
	params := make([]*tensor.Tensor, len(w))
	out := []*tensor.Tensor{new(tensor.Tensor), new(tensor.Tensor)} // scores, loss, gradients
	var lengths []int
	for i := range w {
		params[i] = tensor.FromSlice(w[i], c.data["final."+c.params[i]].Shape()...)
		out = append(out, new(tensor.Tensor))
		lengths = append(lengths, len(w[i]))
		for range o.Slots() {
			states[i] = append(states[i], make([]float32, len(w[i])))
		}
	}
	losses, rates := tensor.Of[float64](c.data["loss64"]), tensor.Of[float64](c.data["lr"])
	sum := NewAccumulator(lengths...)
	for step := range c.Steps {
		loss := 0.0
		sum.Reset()
		for k := range c.Accumulate {
			at := tensor.Of[int64](order)[(step*c.Accumulate+k)*batch:][:batch]
			var in []*tensor.Tensor
			for _, name := range c.Inputs {
				x := c.data["in."+name]
				in = append(in, rows(x, at, append(tensor.Shape{batch}, x.Shape()[1:]...)))
			}
			in = append(append(in, params...), rows(c.data["y"], at, targetShape))
			if err := p.Run(context.Background(), 1, in, out); err != nil {
				t.Fatal(err)
			}
			loss += float64(tensor.Of[float32](out[1])[0]) / float64(c.Accumulate)
			grads := make([][]float32, len(w))
			for i := range grads {
				grads[i] = tensor.Of[float32](out[2+i])
			}
			if err := sum.Add(grads, 1); err != nil {
				t.Fatal(err)
			}
		}
		if want := losses[step]; !(math.Abs(loss-want) <= 1e-5*max(1, math.Abs(want))) {
			t.Fatalf("step %d: loss %v, want %v", step, loss, want)
		}
		rate := r.Rate * s.Factor(step, c.Steps)
		if !(math.Abs(rate-rates[step]) <= 1e-15) {
			t.Fatalf("step %d: rate %v, want %v", step, rate, rates[step])
		}
		grads := sum.Mean()
		if _, finite := clip.Apply(grads, 1); !finite {
			t.Fatalf("step %d: gradients are not finite", step)
		}
		for i := range w {
			o.Update(Update{W: w[i], G: grads[i], State: states[i], Step: step + 1, Rate: rate, Decay: r.Decay})
		}
	}
	for i, name := range c.params {
		want := tensor.Float64s(c.data["final64."+name], len(w[i]))
		if recorded := tensor.Of[float32](c.data["final."+name]); farthest(recorded, want) <= 1e-5 {
			if d := farthest(w[i], want); !(d <= 2e-5) {
				t.Errorf("%s is %v off", name, d)
			}
		}
	}
}

// farthest is the largest difference.
func farthest(got []float32, want []float64) float64 {
	top := 0.0
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); d > top || d != d {
			top = d
		}
	}
	return top
}
