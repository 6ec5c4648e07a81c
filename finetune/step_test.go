package finetune_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// built is a model of the given layers on rows of x [batch, width].
func built(t testing.TB, width int, layers ...nn.Layer) *onnx.Model {
	t.Helper()
	b := nn.New("model", 1)
	b.Output("y", nn.Sequential(layers).Apply(b.Input("x", tensor.Float32, nn.Batch, nn.Dim(width))))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// classes are n class ids below k.
func classes(n, k int) *tensor.Tensor {
	out := tensor.New(tensor.Int64, n)
	for i := range n {
		tensor.Of[int64](out)[i] = int64(i * 7 % k)
	}
	return out
}

// headStep prepares steps of a layer of 512 inputs and 10 classes with Adam.
func headStep(t testing.TB, rows int) (*finetune.Trainer, finetune.Batch) {
	t.Helper()
	terms := []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}
	tr := newTrainer(t, built(t, 512, nn.Linear{Out: 10}), finetune.Spec{Terms: terms, Optimizer: finetune.Adam{}, Threads: 1})
	batch := finetune.Batch{Inputs: tensors{"x": f32(1, rows, 512)}, Targets: []*tensor.Tensor{classes(rows, 10)}}
	if err := tr.Freeze(context.Background(), &batch); err != nil {
		t.Fatal(err)
	}
	return tr, batch
}

// TestStepAllocates counts what a step with known features allocates.
func TestStepAllocates(t *testing.T) {
	tr, batch := headStep(t, 32)
	got := testing.AllocsPerRun(50, func() {
		if _, err := tr.Step(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%v allocations", got)
	if got > 0 {
		t.Errorf("a step makes %v allocations, want none", got)
	}
}

// BenchmarkHeadStep trains a layer of 512 inputs and 10 classes with Adam and cross entropy, on features that are kept.
func BenchmarkHeadStep(b *testing.B) {
	for _, rows := range []int{32, 256} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			tr, batch := headStep(b, rows)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tr.Step(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// digits are samples of 512 features and 10 classes.
type digits int

func (n digits) Len() int { return int(n) }

func (n digits) Sample(i int) (finetune.Sample, error) {
	return finetune.Sample{Inputs: tensors{"x": f32(uint64(i), 512)}, Targets: []*tensor.Tensor{tensor.Scalar(int64(i % 10))}}, nil
}

// BenchmarkHeadFit is BenchmarkHeadStep with what Fit does around a step: batches of shuffled samples, the log of losses.
func BenchmarkHeadFit(b *testing.B) {
	for _, rows := range []int{32, 256} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			tr, _ := headStep(b, rows)
			b.ReportAllocs()
			o := finetune.FitOptions{Steps: b.N, Batch: rows, Begin: func(int, int, int) { b.ResetTimer() }}
			fitted(b, tr, digits(2048), o)
		})
	}
}
