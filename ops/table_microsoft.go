package ops

import "github.com/onnxrun/onnxrun/tensor"

// microsoftTable lists the operators of the com.microsoft domain, sorted by name.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var microsoftTable = []Op{
	{"com.microsoft", "Attention", 1, f32 | f16 | bf16, projectedInfer, projectedKernel, nil, 0},
	{"com.microsoft", "BiasGelu", 1, float, biasGeluInfer, biasGeluKernel, biasGeluGrad, InPlace},
	{"com.microsoft", "DecoderMaskedMultiHeadAttention", 1, f32 | f16 | bf16, maskedHeadInputs.infer, multiHeadOf(maskedHeadInputs), nil, 0},
	{"com.microsoft", "DynamicQuantizeLSTM", 1, f32, dynamicLSTMInfer, dynamicLSTMKernel, nil, 0},
	{"com.microsoft", "DynamicQuantizeMatMul", 1, f32, matmulToFloatInfer, dynamicMatMulKernel, nil, 0},
	{"com.microsoft", "FastGelu", 1, float, biasGeluInfer, fastGeluKernel, fastGeluGrad, InPlace},
	{"com.microsoft", "FusedConv", 1, float, convInfer, fusedConvKernel, nil, 0},
	{"com.microsoft", "FusedGemm", 1, float | mulInts, gemmInfer, fusedGemmKernel, fusedGemmGrad, 0},
	{"com.microsoft", "FusedMatMul", 1, float, matmulInfer, fusedMatMulKernel, fusedMatMulGrad, 0},
	{"com.microsoft", "Gelu", 1, float, unaryInfer, erfGeluKernel, erfGeluGrad, InPlace},
	{"com.microsoft", "GroupQueryAttention", 1, f32 | f16 | bf16, groupedInfer, groupedKernel, nil, 0},
	{"com.microsoft", "Inverse", 1, f32 | f64 | f16, inverseInfer, inverseKernel, nil, 0},
	{"com.microsoft", "MatMulInteger16", 1, 1<<tensor.Int16 | 1<<tensor.Uint16, matmulInteger16Infer, matmulInteger16Kernel, nil, 0},
	{"com.microsoft", "MatMulIntegerToFloat", 1, bytes8, matmulToFloatInfer, matmulToFloatKernel, nil, 0},
	{"com.microsoft", "MatMulNBits", 1, f32 | f16 | bf16, matmulNBitsInfer, matmulNBitsKernel, nil, 0},
	{"com.microsoft", "MultiHeadAttention", 1, f32 | f16 | bf16, multiHeadInputs.infer, multiHeadOf(multiHeadInputs), nil, 0},
	{"com.microsoft", "NhwcMaxPool", 1, bytes8, nhwcMaxPoolInfer, nhwcMaxPoolKernel, nil, 0},
	{"com.microsoft", "QGemm", 1, bytes8, qgemmInfer, qgemmKernel, nil, 0},
	{"com.microsoft", "QLinearAdd", 1, bytes8, qlinearBinaryInfer, qlinearAddKernel, nil, 0},
	{"com.microsoft", "QLinearAveragePool", 1, bytes8, qlinearAveragePoolInfer, qlinearAveragePoolKernel, nil, 0},
	{"com.microsoft", "QLinearConcat", 1, f32, qlinearConcatInfer, qlinearConcatKernel, nil, 0},
	{"com.microsoft", "QLinearConv", 1, bytes8, channelsQLinearConvInfer, channelsQLinearConvKernel, nil, 0},
	{"com.microsoft", "QLinearGlobalAveragePool", 1, bytes8, qlinearGlobalAveragePoolInfer, qlinearGlobalAveragePoolKernel, nil, 0},
	{"com.microsoft", "QLinearLeakyRelu", 1, bytes8, unaryInfer, qlinearLeakyReluKernel, nil, 0},
	{"com.microsoft", "QLinearMul", 1, bytes8, qlinearBinaryInfer, qlinearMulKernel, nil, 0},
	{"com.microsoft", "QLinearReduceMean", 1, bytes8, qlinearReduceInfer, qlinearReduceMeanKernel, nil, 0},
	{"com.microsoft", "QLinearSigmoid", 1, bytes8, unaryInfer, qlinearSigmoidKernel, nil, 0},
	{"com.microsoft", "QLinearSoftmax", 1, bytes8, qlinearSoftmaxInfer, qlinearSoftmaxKernel, nil, 0},
	{"com.microsoft", "QLinearWhere", 1, boolean, qlinearWhereInfer, qlinearWhereKernel, nil, 0},
	{"com.microsoft", "QuickGelu", 1, float, unaryInfer, swishKernel, swishGrad, InPlace},
	{"com.microsoft", "ReduceSumInteger", 1, bytes8, reduceSumIntegerInfer, reduceSumIntegerKernel, nil, 0},
	{"com.microsoft", "RotaryEmbedding", 1, f32 | f16 | bf16, rotaryMicrosoft.infer, rotaryOf(rotaryMicrosoft), nil, 0},
	{"com.microsoft", "SkipLayerNormalization", 1, float, skipNormInfer, layerNormOf(skipNormParts), nil, 0},
	{"com.microsoft", "SkipSimplifiedLayerNormalization", 1, float, skipNormInfer, layerNormOf(skipSimpleNormParts), nil, 0},
	{"com.microsoft", "Tokenizer", 1, str, tokenizerInfer, tokenizerKernel, nil, Managed},
}
