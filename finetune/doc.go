// Package finetune trains the weights of a plain inference model where it runs: it attaches a loss and gradients to the last
// layers of an .onnx file, or to all of them, fits them to a Dataset, and writes a standard .onnx back. There is no step in
// another language and no training form of the model: what is not trained runs once per sample, and its results are kept.
//
// A training step is a run of a graph like any other: internal/autodiff extends the model's graph by the loss and its
// gradients, and the optimiser, planner and kernels of inference execute it.
//
// It imports runtime and what that may import, finetune/metric and finetune/privacy.
package finetune
