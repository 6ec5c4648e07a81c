package nn_test

import (
	"fmt"
	"log"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/tensor"
)

// A convolutional network for small grey pictures, and the weights that it gets.
func ExampleSequential() {
	b := nn.New("digits", 1)
	image := b.Input("image", tensor.Float32, nn.Batch, 1, 28, 28)
	scores := nn.Sequential{
		nn.Conv{Out: 8, Kernel: nn.Size{3}, Padding: nn.Size{1}}, nn.ReLU{}, nn.MaxPool{Kernel: nn.Size{2}},
		nn.Conv{Out: 16, Kernel: nn.Size{3}, Padding: nn.Size{1}}, nn.ReLU{}, nn.MaxPool{Kernel: nn.Size{2}},
		nn.Flatten{}, nn.Linear{Out: 48}, nn.ReLU{}, nn.Linear{Out: 10},
	}.Apply(image)
	b.Output("scores", scores)
	model, err := b.Model()
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range model.Graph.Initializers {
		fmt.Println(w.Name, w.Dims)
	}
	fmt.Println(scores)
	// Output:
	// conv1.weight [8 1 3 3]
	// conv1.bias [8]
	// conv2.weight [16 8 3 3]
	// conv2.bias [16]
	// fc1.weight [48 784]
	// fc1.bias [48]
	// fc2.weight [10 48]
	// fc2.bias [10]
	// float32[batch,10]
}

// A small language model whose scores are read with the matrix of the embedding.
func ExampleTransformerBlock() {
	b := nn.New("gpt", 1)
	words := b.Weight("wte", finetune.NormalInit{Std: 0.02}, tensor.Float32, 1000, 64)
	ids := b.Input("ids", tensor.Int64, nn.Batch, nn.Sequence)
	body := nn.Sequential{nn.Embedding{Weight: words}, nn.Positions{Max: 128}}
	for range 4 {
		body = append(body, nn.TransformerBlock{Heads: 4, Causal: true, Dropout: 0.1})
	}
	body = append(body, nn.LayerNorm{}, nn.Linear{Weight: words, NoBias: true})
	scores := body.Apply(ids)
	b.Output("scores", scores)
	_, err := b.Model()
	fmt.Println(scores, err)
	// Output: float32[batch,sequence,1000] <nil>
}

// A mistake names the layer, what it expected and what came.
func ExampleBuilder_Model() {
	b := nn.New("mistake", 1)
	x := b.Input("x", tensor.Float32, nn.Batch, 3, 32, 32)
	b.Output("y", nn.Sequential{nn.Conv{Out: 8, Kernel: nn.Size{3}}, nn.Named("head", nn.LSTM{Hidden: 16})}.Apply(x))
	_, err := b.Model()
	fmt.Println(err)
	// Output: nn: layer "head" (LSTM): is applied to float32[batch,8,30,30], want rank 3
}
