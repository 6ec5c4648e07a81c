package ops

// trainingTable lists the operators of the ai.onnx.preview.training domain, sorted by name. The element type of a row is
// that of the learning rate.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var trainingTable = []Op{
	{"ai.onnx.preview.training", "Adagrad", 1, f32 | f64, optimizerInfer(1), adagradKernel, nil, 0},
	{"ai.onnx.preview.training", "Adam", 1, f32 | f64, optimizerInfer(2), adamKernel, nil, 0},
	{"ai.onnx.preview.training", "Gradient", 1, num | boolean, gradientInfer, nil, nil, Rewritten},
	{"ai.onnx.preview.training", "Momentum", 1, f32 | f64, optimizerInfer(1), momentumKernel, nil, 0},
}
