package main

import (
	"context"
	"math/rand/v2"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

const (
	latent = 100 // numbers that a picture is made from
	width  = 64  // channels of the largest pictures
)

// generator makes pictures [batch, 3, 64, 64] of numbers [batch, latent, 1, 1], as that of Radford et al., 2015.
func generator() nn.Layer {
	up := func(out, stride, padding int) nn.Layer {
		return nn.ConvTranspose{Out: out, Kernel: nn.Size{4}, Stride: nn.Size{stride}, Padding: nn.Size{padding}, NoBias: true}
	}
	net := nn.Sequential{up(8*width, 1, 0), nn.BatchNorm{}, nn.ReLU{}}
	for _, factor := range []int{4, 2, 1} {
		net = append(net, up(factor*width, 2, 1), nn.BatchNorm{}, nn.ReLU{})
	}
	return nn.Named("G", append(net, up(3, 2, 1), nn.Tanh{}))
}

// discriminator gives each picture a score [batch, 1].
func discriminator() nn.Layer {
	down := func(out, stride, padding int) nn.Layer {
		return nn.Conv{Out: out, Kernel: nn.Size{4}, Stride: nn.Size{stride}, Padding: nn.Size{padding}, NoBias: true}
	}
	net := nn.Sequential{down(width, 2, 1), nn.LeakyReLU{Slope: 0.2}}
	for _, factor := range []int{2, 4, 8} {
		net = append(net, down(factor*width, 2, 1), nn.BatchNorm{}, nn.LeakyReLU{Slope: 0.2})
	}
	return nn.Named("D", append(net, down(1, 1, 0), nn.Flatten{}))
}

// adversaries starts a session in which a discriminator learns from real pictures and the generator's, and then the
// generator from the discriminator.
func adversaries(s settings) (*session, error) {
	batch := 16
	if s.batch > 0 {
		batch = s.batch
	}
	pair, err := chain([]nn.Layer{generator(), discriminator()}, []string{"picture", "scores"}, latent, 1, 1)
	if err != nil {
		return nil, err
	}
	judge, err := chain([]nn.Layer{discriminator()}, []string{"scores"}, 3, 64, 64)
	if err != nil {
		return nil, err
	}
	o := finetune.Adam{Beta1: 0.5}
	spec := finetune.Spec{Terms: []finetune.Term{{At: "scores", Loss: finetune.BCEWithLogits{}, Weight: 2}}, // the sum over both batches
		Optimizer: o, Rate: 2e-4, BatchNorm: true, Threads: s.threads, Memory: s.memory, HalfSaved: s.half, Clip: finetune.Clip{Norm: s.clip}, NoOptimize: s.plain, Weights: named(judge, []string{"D"})}
	d, err := finetune.NewTrainer(judge, spec)
	if err != nil {
		return nil, err
	}
	spec.Held, spec.Weights, spec.Terms = spec.Weights, named(pair, []string{"G"}), []finetune.Term{{At: "scores", Loss: finetune.BCEWithLogits{}}}
	g, err := finetune.NewTrainer(pair, spec)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(1, 2))
	z, real := tensor.New(tensor.Float32, batch, latent, 1, 1), tensor.New(tensor.Float32, batch, 3, 64, 64)
	normal(r, z)
	normal(r, real)
	zeros, ones := tensor.New(tensor.Float32, batch, 1), tensor.New(tensor.Float32, batch, 1)
	for i := range batch {
		tensor.Of[float32](ones)[i] = 1
	}
	x := func(t *tensor.Tensor) map[string]*tensor.Tensor { return map[string]*tensor.Tensor{"x": t} }
	learn := func(ctx context.Context, fake *tensor.Tensor) error {
		_, err := d.Step(ctx, finetune.Batch{Inputs: x(real), Targets: []*tensor.Tensor{ones}},
			finetune.Batch{Inputs: x(fake), Targets: []*tensor.Tensor{zeros}})
		for _, p := range d.Params() {
			copy(tensor.Of[float32](g.Param(p.Name).W), tensor.Of[float32](p.W))
		}
		return err
	}
	generate := finetune.Batch{Inputs: x(z), Targets: []*tensor.Tensor{ones}}
	step := func(ctx context.Context) (float64, error) {
		res, err := g.StepThrough(ctx, generate, "picture", func(fake *tensor.Tensor) error { return learn(ctx, fake) })
		return res.Loss, err
	}
	if s.memory > 0 { // one network's values at a time: the generator runs twice
		step = func(ctx context.Context) (float64, error) {
			fake, err := g.Probe(ctx, x(z), "picture")
			if err != nil {
				return 0, err
			}
			if err := learn(ctx, fake[0]); err != nil {
				return 0, err
			}
			res, err := g.Step(ctx, generate)
			return res.Loss, err
		}
	}
	return &session{step, stateBytes(d, o) + stateBytes(g, o)}, nil
}

// chain makes a model of layers one after the other, whose results are outputs of the given names.
func chain(layers []nn.Layer, names []string, shape ...nn.Dim) (*onnx.Model, error) {
	b := nn.New("model", 1)
	x := b.Input("x", tensor.Float32, append([]nn.Dim{nn.Batch}, shape...)...)
	for i, l := range layers {
		x = l.Apply(x)
		b.Output(names[i], x)
	}
	return b.Model()
}
