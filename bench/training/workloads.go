package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

var (
	momentum = finetune.SGD{Momentum: 0.9}
	adamW    = finetune.AdamW{}
)

// workloads are the models of the comparison, and those whose last block alone trains.
var workloads = map[string]func(settings) (*session, error){
	"resnet18":      classifier(resNet18, 8, momentum, 0.01, ""),
	"mobilenet_v2":  classifier(mobileNetV2, 8, momentum, 0.01, ""),
	"encoder4":      classifier(bert(4, 256, 4, 8192), 8, adamW, 1e-4, ""),
	"bert_tiny":     classifier(bert(2, 128, 2, 30522), 8, adamW, 1e-4, ""),
	"minilm_l6":     classifier(bert(6, 384, 12, 30522), 8, adamW, 1e-4, ""),
	"lstm128":       classifier(lstm, 16, adamW, 1e-3, ""),
	"dcgan":         adversaries,
	"resnet18_last": classifier(resNet18, 8, momentum, 0.01, "block8.,fc"),
	"encoder4_last": classifier(bert(4, 256, 4, 8192), 8, adamW, 1e-4, "block4.,fc"),
	"minilm_last":   classifier(bert(6, 384, 12, 30522), 8, adamW, 1e-4, "block6.,fc"),
}

// A network is a model with one input "x", whose values without the batch axis have a shape and are classes below a bound,
// or normal numbers where that is 0.
type network struct {
	model   *onnx.Model
	shape   []int
	words   int64
	classes int64
}

// classifier starts a session that trains a network on the cross entropy of its output "scores": all weights, or those
// whose names begin with one of a list.
func classifier(build func() (network, error), batch int, o finetune.Optimizer, rate float64, last string) func(settings) (*session, error) {
	return func(s settings) (*session, error) {
		net, err := build()
		if err != nil {
			return nil, err
		}
		spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}},
			Optimizer: o, Rate: rate, BatchNorm: true, Threads: s.threads, Memory: s.memory, HalfSaved: s.half, Clip: finetune.Clip{Norm: s.clip}, NoOptimize: s.plain}
		if last != "" {
			spec.Weights = named(net.model, strings.Split(last, ","))
		}
		t, err := finetune.NewTrainer(net.model, spec)
		if err != nil {
			return nil, err
		}
		if s.batch > 0 {
			batch = s.batch
		}
		b := net.draw(batch)
		step := func(ctx context.Context) (float64, error) {
			r, err := t.Step(ctx, b)
			return r.Loss, err
		}
		return &session{step, stateBytes(t, o)}, nil
	}
}

func named(m *onnx.Model, prefixes []string) []string {
	var names []string
	for _, w := range m.Graph.Initializers {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(w.Name, p) }) && !strings.Contains(w.Name, "running") {
			names = append(names, w.Name)
		}
	}
	return names
}

func stateBytes(t *finetune.Trainer, o finetune.Optimizer) int {
	n := 0
	for _, p := range t.Params() {
		n += 4 * o.Slots() * p.W.Len()
	}
	return n
}

// draw makes a batch of random inputs and classes.
func (n network) draw(batch int) finetune.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	shape := append([]int{batch}, n.shape...)
	x := tensor.New(tensor.Float32, shape...)
	if n.words > 0 {
		x = tensor.New(tensor.Int64, shape...)
		for i, v := 0, tensor.Of[int64](x); i < len(v); i++ {
			v[i] = r.Int64N(n.words)
		}
	} else {
		normal(r, x)
	}
	y := tensor.New(tensor.Int64, batch)
	for i, v := 0, tensor.Of[int64](y); i < len(v); i++ {
		v[i] = r.Int64N(n.classes)
	}
	return finetune.Batch{Inputs: map[string]*tensor.Tensor{"x": x}, Targets: []*tensor.Tensor{y}}
}

func normal(r *rand.Rand, x *tensor.Tensor) {
	for i, v := 0, tensor.Of[float32](x); i < len(v); i++ {
		v[i] = float32(r.NormFloat64())
	}
}

func build(n network, layer nn.Layer) (network, error) {
	dims := []nn.Dim{nn.Batch}
	for _, d := range n.shape {
		dims = append(dims, nn.Dim(d))
	}
	kind := tensor.Float32
	if n.words > 0 {
		kind = tensor.Int64
	}
	b := nn.New("model", 1)
	b.Output("scores", layer.Apply(b.Input("x", kind, dims...)))
	var err error
	n.model, err = b.Model()
	return n, err
}
