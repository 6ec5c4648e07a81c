// Package nn writes models as Go code: a Builder takes layers and makes a standard *onnx.Model of them, initialised and
// ready to be trained by package finetune or run by any ONNX runtime.
//
//	b := nn.New("demo", 1)
//	x := b.Input("x", tensor.Float32, nn.Batch, 2)
//	y := nn.Sequential{nn.Linear{Out: 10}, nn.ReLU{}, nn.Linear{Out: 1}}.Apply(x)
//	b.Output("logits", y)
//	model, err := b.Model()
//
// A layer is a plain value that says what shall be added; applying it to a Value adds its nodes and weights to the
// Builder of that value and returns the result. Types and shapes are inferred at once, so a layer knows what it is
// applied to, and the first mistake is kept: Model returns it, with the layer, what it expected and what came.
//
// Weights are named after their layers, such as "fc1.weight", and laid out as PyTorch lays them out, but for those of
// recurrent layers, which are ONNX's. Their first values are PyTorch's defaults for each layer, drawn from a generator
// that knows only the Builder's seed and the name of the weight: they are the same on every machine, and stay the same
// when other layers come and go.
//
// Models are in inference form: BatchNorm normalises by its running statistics and Dropout passes everything on.
// finetune.Spec switches them over for training.
//
// The package imports finetune and what that may import.
package nn
