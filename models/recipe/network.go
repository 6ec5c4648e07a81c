package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// network returns the network with its first weights: three convolutions, each with a normalisation and a pooling, and two
// dense layers.
func network() (*onnx.Model, error) {
	b := nn.New("digits", weightSeed)
	layers := nn.Sequential{}
	for _, channels := range []int{8, 16, 32} {
		layers = append(layers, nn.Conv{Out: channels, Kernel: nn.Size{3}, Padding: nn.Size{1}, NoBias: true},
			nn.BatchNorm{}, nn.ReLU{}, nn.MaxPool{Kernel: nn.Size{2}})
	}
	layers = append(layers, nn.Flatten{}, nn.Linear{Out: 64}, nn.ReLU{}, nn.Linear{Out: 10}, nn.Softmax{})
	b.Output(models.DigitsOutput, layers.Apply(b.Input(models.DigitsInput, tensor.Float32, nn.Batch, 1, side, side)))
	m, err := b.Model()
	if err != nil {
		return nil, err
	}
	m.Doc = "Reads one printed digit, 28 x 28 grey values in [0, 1], dark on light or light on dark."
	return m, nil
}

// newTrainer returns a trainer of all weights of the network, on the cross entropy of the scores before the Softmax. The rate
// falls like half a cosine.
func newTrainer() (*finetune.Trainer, error) {
	m, err := network()
	if err != nil {
		return nil, err
	}
	scores, err := finetune.FindScores(m)
	if err != nil {
		return nil, err
	}
	return finetune.NewTrainer(m, finetune.Spec{
		Train: "all", Terms: []finetune.Term{{At: scores.Name, Loss: finetune.CrossEntropy{}}},
		Optimizer: finetune.Adam{}, Rate: 4e-3, Schedule: finetune.CosineDecay{}, BatchNorm: true,
	})
}

// train goes through the samples in another order each time, and prints the mean loss of each epoch.
func train(ctx context.Context, t *finetune.Trainer, s *samples, epochs int) (*finetune.Fitted, error) {
	return t.Fit(ctx, s, finetune.FitOptions{
		Epochs: epochs, Batch: 64, Cache: finetune.CacheOptions{Off: true},
		Event: func(e finetune.Event) error {
			if epoch, ok := e.(finetune.EpochEvent); ok {
				fmt.Printf("epoch %d of %d, loss %.4f\n", epoch.Epoch, epochs, epoch.Loss)
			}
			return nil
		},
	})
}

// correct counts the samples whose highest score is that of their digit.
func correct(ctx context.Context, t *finetune.Trainer, s *samples) (int, error) {
	right := 0
	_, err := t.Evaluate(ctx, s, finetune.CacheOptions{Off: true}, func(scores, targets []*tensor.Tensor) error {
		rows := tensor.Of[float32](scores[0])
		for i, digit := range tensor.Of[int64](targets[0]) {
			row := rows[10*i:][:10]
			if row[digit] == slices.Max(row) {
				right++
			}
		}
		return nil
	})
	return right, err
}
