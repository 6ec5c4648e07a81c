package finetune_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/internal/measure"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// BenchmarkPrivacy takes plain and private steps in turns, and reports the median of the ratios of their processor times and the least
// times: of a layer of 512 inputs and 10 classes at 256 samples, on features that are kept, and of an encoder of 4 layers of width 256 at
// 8 samples of 128 words, and at 256 in parts of 8. The private ones draw no noise, which has a benchmark of its own. Weights hardly
// move: once a batch is known by heart its gradients are as good as zero.
func BenchmarkPrivacy(b *testing.B) {
	const still = 1e-12
	head := built(b, 512, nn.Linear{Out: 10})
	layers := nn.Sequential{nn.Embedding{Count: 500, Width: 256}, nn.Positions{Max: 128}, nn.LayerNorm{}}
	for range 4 {
		layers = append(layers, nn.TransformerBlock{Heads: 4, PostNorm: true})
	}
	builder := nn.New("model", 1)
	builder.Output("y", append(layers, nn.Flatten{}, nn.Linear{Out: 10}).Apply(builder.Input("x", tensor.Int64, nn.Batch, 128)))
	encoder, err := builder.Model()
	if err != nil {
		b.Fatal(err)
	}
	words := tensor.New(tensor.Int64, 8, 128)
	for i := range tensor.Of[int64](words) {
		tensor.Of[int64](words)[i] = int64(i * i % 500)
	}
	silent := &finetune.DP{Delta: 1e-5, Noise: 1, Normals: func(string, int, []float32) error { return nil }}
	for _, c := range []struct {
		name  string
		model *onnx.Model
		x     *tensor.Tensor
		parts int
		round int // steps of a side between two of the other
	}{{"head", head, f32(1, 256, 512), 1, 50}, {"encoder", encoder, words, 1, 1}, {"encoder of 256", encoder, words, 32, 1}} {
		b.Run(c.name, func(b *testing.B) {
			var steps [2]func()
			for i, private := range []*finetune.DP{nil, silent} {
				spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}, Privacy: private, Threads: 1, Rate: still}
				tr := newTrainer(b, c.model, spec)
				batch := finetune.Batch{Inputs: tensors{"x": c.x}, Targets: []*tensor.Tensor{classes(c.x.Shape()[0], 10)}}
				if err := tr.Freeze(context.Background(), &batch); err != nil {
					b.Fatal(err)
				}
				batches := slices.Repeat([]finetune.Batch{batch}, c.parts)
				steps[i] = func() {
					if _, err := tr.Step(context.Background(), batches...); err != nil {
						b.Fatal(err)
					}
				}
			}
			var ratios []float64
			least := [2]time.Duration{time.Hour, time.Hour}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b.Loop() {
				var used [2]time.Duration
				for i, step := range steps {
					step() // brings back what the other has displaced from the caches
					for range c.round {
						start := measure.ThreadTime()
						step()
						took := measure.ThreadTime() - start
						used[i] += took
						least[i] = min(least[i], took)
					}
				}
				ratios = append(ratios, float64(used[1])/float64(used[0]))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "private/plain")
			b.ReportMetric(least[0].Seconds()*1e6, "us-plain")
			b.ReportMetric(least[1].Seconds()*1e6, "us-private")
			b.ReportMetric(0, "ns/op")
		})
	}
}
