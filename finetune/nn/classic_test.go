package nn_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/tensor"
)

// The smallest example: a network is made, initialised and trained, and predicts.
func Example() {
	b := nn.New("demo", 1)
	x := b.Input("x", tensor.Float32, nn.Batch, 2)
	b.Output("logits", nn.Sequential{nn.Linear{Out: 10}, nn.ReLU{}, nn.Linear{Out: 1}}.Apply(x))
	model, err := b.Model()
	if err != nil {
		log.Fatal(err)
	}
	trainer, err := finetune.NewTrainer(model, finetune.Spec{
		Train: "all", Terms: []finetune.Term{{At: "logits", Loss: finetune.BCEWithLogits{}}}, Optimizer: finetune.Adam{}, Rate: 0.001,
	})
	if err != nil {
		log.Fatal(err)
	}
	points := finetune.Batch{
		Inputs:  map[string]*tensor.Tensor{"x": tensor.FromSlice([]float32{.1, .2, .3, .4, .5, .6}, 3, 2)},
		Targets: []*tensor.Tensor{tensor.FromSlice([]float32{1, 0, 1}, 3, 1)},
	}
	for epoch := 1; epoch <= 100; epoch++ {
		step, err := trainer.Step(context.Background(), points)
		if err != nil {
			log.Fatal(err)
		}
		if epoch%25 == 0 {
			fmt.Printf("epoch %d loss %.4f\n", epoch, step.Loss)
		}
	}
	logits, err := trainer.Scores(context.Background(), points.Inputs)
	if err != nil {
		log.Fatal(err)
	}
	for _, z := range tensor.Of[float32](logits[0]) {
		fmt.Printf("%.4f\n", 1/(1+math.Exp(-float64(z))))
	}
	// Output:
	// epoch 25 loss 0.6526
	// epoch 50 loss 0.6442
	// epoch 75 loss 0.6378
	// epoch 100 loss 0.6336
	// 0.6337
	// 0.6325
	// 0.6420
}
