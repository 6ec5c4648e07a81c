package ops

// internalTable lists the operators of the onnxrun domain, which only the optimiser, the gradients and fine-tuning emit.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var internalTable = []Op{
	{"onnxrun", "AveragePoolGrad", 1, float, averagePoolGradInfer, averagePoolGradKernel, nil, 0},
	{"onnxrun", "ClassLossGrad", 1, float, classLossGradInfer, classLossGradKernel, nil, 0},
	{"onnxrun", "Cofactor", 1, float, inverseInfer, cofactorKernel, nil, 0},
	{"onnxrun", "ConvGradW", 1, float, convGradWInfer, convGradWKernel, nil, 0},
	{"onnxrun", "ConvGradX", 1, float, convGradXInfer, convGradXKernel, nil, 0},
	{"onnxrun", "CounterDropout", 1, float, counterDropoutInfer, counterDropoutKernel, counterDropoutGrad, InPlace},
	{"onnxrun", "CumProdGrad", 1, float, maxPoolGradInfer, cumProdGradKernel, nil, 0},
	{"onnxrun", "FusedConv", 1, float, convInfer, fusedConvKernel, nil, 0},
	{"onnxrun", "FusedMatMul", 1, float, matmulInfer, fusedMatMulKernel, fusedMatMulGrad, 0},
	{"onnxrun", "GRU", 1, float, gruInfer, gruKernel, gruGrad, 0},
	{"onnxrun", "GatherGrad", 1, float, gatherGradInfer, gatherGradKernel, gatherGradGrad, 0},
	{"onnxrun", "GridSampleGradGrid", 1, float, gridGradGridInfer, gridGradGridKernel, nil, 0},
	{"onnxrun", "GridSampleGradX", 1, float, gridGradXInfer, gridGradXKernel, nil, 0},
	{"onnxrun", "Im2Col", 1, float, im2colInfer, im2colKernel, nil, 0},
	{"onnxrun", "LSTM", 1, float, lstmInfer, lstmKernel, lstmGrad, 0},
	{"onnxrun", "LpPoolGrad", 1, float, maxPoolGradInfer, lpPoolGradKernel, nil, 0},
	{"onnxrun", "MatMulNBitsGrad", 1, f32 | f16 | bf16, matmulNBitsGradInfer, matmulNBitsGradKernel, nil, 0},
	{"onnxrun", "MaxPoolGrad", 1, float, maxPoolGradInfer, maxPoolGradKernel, nil, 0},
	{"onnxrun", "RNN", 1, float, elmanInfer, elmanKernel, elmanGrad, 0},
	{"onnxrun", "RNNGrad", 1, float, rnnGradInfer, rnnGradKernel, nil, 0},
	{"onnxrun", "ResizeGrad", 1, float, resizeGradInfer, resizeGradKernel, nil, 0},
	{"onnxrun", "SliceGrad", 1, float, sliceGradInfer, sliceGradKernel, sliceGradGrad, 0},
	{"onnxrun", "StandardizeGrad", 1, float, standardizeGradInfer, standardizeGradKernel, nil, 0},
	{"onnxrun", "SumTo", 1, float, sumToInfer, sumToKernel, sumToGrad, 0},
}
