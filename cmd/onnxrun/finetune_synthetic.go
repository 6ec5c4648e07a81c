package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A made is a synthetic batch: seeded inputs, and as targets the model's own outputs with noise of their own spread.
type made struct {
	batch finetune.Batch
	terms []finetune.Term
}

// openSizes are tried for the open dimensions of inputs, in this order, until the model runs.
var openSizes = []int{1, 8, 16, 32, 64, 128, 224, 256, 320, 480, 512, 640, 1024, 2048, 4000, 8000, 16000}

// synthetic makes a batch for training the given weights of m.
func (t *tuner) synthetic(ctx context.Context, m *onnx.Model, train []*finetune.Weight, loss finetune.Loss) (*made, error) {
	terms, err := finetune.OutputTerms(m, train, loss)
	if err != nil {
		return nil, err
	}
	o, err := t.options()
	if err != nil {
		return nil, err
	}
	for _, term := range terms {
		o.Outputs = append(o.Outputs, term.At)
	}
	s, err := runtime.New(onnx.FileOf(m), o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	in, out, err := t.firstRun(ctx, s)
	if err != nil {
		return nil, err
	}
	b := &made{batch: finetune.Batch{Inputs: in}}
	for i, term := range terms {
		if y := noisy(out[term.At], t.seed, uint64(i)); y != nil {
			b.terms = append(b.terms, term)
			b.batch.Targets = append(b.batch.Targets, y)
		}
	}
	if len(b.terms) == 0 {
		return nil, ops.Unsupported("training: no output of the model on synthetic inputs is a non-empty tensor of finite numbers")
	}
	for i := range b.terms {
		b.terms[i].Weight = 1 / float64(len(b.terms))
	}
	return b, nil
}

// firstRun runs the model on synthetic inputs of the first sizes that it takes.
func (t *tuner) firstRun(ctx context.Context, s *runtime.Session) (in, out map[string]*tensor.Tensor, err error) {
	var first error
	for _, size := range openSizes {
		in, _, err := (&feed.Source{Seed: t.seed, Dims: t.sizes(s.Inputs(), size)}).Inputs(s.Inputs())
		if err != nil {
			return nil, nil, err
		}
		out, err := s.Run(ctx, in)
		if err == nil {
			return in, out, nil
		}
		var limit *runtime.LimitError
		if ctx.Err() != nil || errors.As(err, &limit) {
			return nil, nil, err
		}
		if first == nil {
			first = err
		}
		if !slices.ContainsFunc(s.Inputs(), hasOpenSize) {
			break
		}
	}
	return nil, nil, fmt.Errorf("the model does not run on synthetic inputs: %w", first)
}

// hasOpenSize reports whether an input has an open dimension besides the first.
func hasOpenSize(info runtime.ValueInfo) bool {
	return slices.ContainsFunc(info.Dims[min(1, len(info.Dims)):], func(d runtime.Dim) bool { return d.Value < 0 })
}

// sizes gives all open dimensions but the batch the same size, and those that --dim names theirs.
func (t *tuner) sizes(infos []runtime.ValueInfo, size int) map[string]int {
	dims := map[string]int{}
	batch := map[string]bool{}
	for _, info := range infos {
		if len(info.Dims) > 0 && info.Dims[0].Value < 0 {
			batch[info.Dims[0].Name] = true
		}
	}
	for _, info := range infos {
		for _, d := range info.Dims {
			if d.Value < 0 && !batch[d.Name] {
				dims[d.Name] = size
			}
		}
	}
	return dims
}

// noisy returns y with normal noise of its own standard deviation, or of 1 where that is 0; nil if y has no element or one
// that is not finite.
func noisy(y *tensor.Tensor, seed, stream uint64) *tensor.Tensor {
	if y == nil || y.Kind() != tensor.KindTensor || y.Len() == 0 {
		return nil
	}
	v := tensor.Float64s(y, y.Len())
	mean, spread := 0.0, 0.0
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		spread += (x - mean) * (x - mean) / float64(len(v))
	}
	if spread = math.Sqrt(spread); math.IsNaN(spread) || math.IsInf(spread, 0) {
		return nil
	}
	if spread == 0 {
		spread = 1
	}
	r := finetune.Random{Seed: seed, Stream: finetune.NamedStream("synthetic targets") + stream}
	out := tensor.New(tensor.Float32, y.Shape()...)
	w := tensor.Of[float32](out)
	for i, x := range v {
		w[i] = float32(x + spread*r.Normal(uint64(i)))
	}
	return out
}
