package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// synthetic makes a batch for training the given weights of m, of the first sizes with which the model runs and use
// returns no error.
func (t *tuner) synthetic(ctx context.Context, m *onnx.Model, train []*finetune.Weight, loss finetune.Loss, use func(*made) error) error {
	terms, err := finetune.OutputTerms(m, train, loss)
	if err != nil {
		return err
	}
	o, err := t.options()
	if err != nil {
		return err
	}
	for _, term := range terms {
		o.Outputs = append(o.Outputs, term.At)
	}
	s, err := runtime.New(onnx.FileOf(m), o)
	if err != nil {
		return err
	}
	defer s.Close()
	var first error
	for _, dims := range t.candidates(s.Inputs()) {
		b, err := t.made(ctx, s, terms, dims)
		if err == nil {
			err = use(b)
		}
		var limit *runtime.LimitError
		var missing *ops.UnsupportedError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || errors.As(err, &limit) || errors.As(err, &missing):
			return err
		case first == nil:
			first = err
		}
	}
	return fmt.Errorf("the model does not train on synthetic inputs: %w", first)
}

// made runs the model on synthetic inputs and makes targets of its outputs.
func (t *tuner) made(ctx context.Context, s *runtime.Session, terms []finetune.Term, dims map[string]int) (*made, error) {
	in, _, err := (&feed.Source{Seed: t.seed, Dims: dims}).Inputs(s.Inputs())
	if err != nil {
		return nil, err
	}
	out, err := s.Run(ctx, in)
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
		return nil, fmt.Errorf("no output of the model on synthetic inputs is a non-empty tensor of finite numbers")
	}
	for i := range b.terms {
		b.terms[i].Weight = 1 / float64(len(b.terms))
	}
	return b, nil
}

// candidates are sizes of open dimensions to try, in this order: the same for all but the batch; the same for the last
// dimension of each input and 1 for the others; and the same for all but one, which is the sum of two, as where a mask
// covers what is cached and what is new.
func (t *tuner) candidates(infos []runtime.ValueInfo) []map[string]int {
	var all, last []string
	for _, info := range infos {
		for i, d := range info.Dims {
			if d.Value >= 0 || i == 0 {
				continue
			}
			all = append(all, d.Name)
			if i == len(info.Dims)-1 {
				last = append(last, d.Name)
			}
		}
	}
	var out []map[string]int
	for _, names := range [][]string{all, last} {
		for _, size := range openSizes {
			dims := map[string]int{}
			for _, name := range names {
				dims[name] = size
			}
			maps.Copy(dims, t.dims)
			out = append(out, dims)
			if len(names) == 0 {
				break
			}
		}
	}
	for _, sum := range slices.Compact(slices.Sorted(slices.Values(all))) {
		for _, size := range []int{1, 8} {
			dims := map[string]int{}
			for _, name := range all {
				dims[name] = size
			}
			dims[sum] = 2 * size
			maps.Copy(dims, t.dims)
			out = append(out, dims)
		}
	}
	return out
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
