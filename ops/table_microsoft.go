package ops

// microsoftTable lists the operators of the com.microsoft domain, sorted by name.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var microsoftTable = []Op{
	{"com.microsoft", "BiasGelu", 1, float, biasGeluInfer, biasGeluKernel, nil, InPlace},
	{"com.microsoft", "FastGelu", 1, float, biasGeluInfer, fastGeluKernel, nil, InPlace},
	{"com.microsoft", "FusedConv", 1, float, convInfer, fusedConvKernel, nil, 0},
	{"com.microsoft", "FusedGemm", 1, float | mulInts, gemmInfer, fusedGemmKernel, nil, 0},
	{"com.microsoft", "FusedMatMul", 1, float, matmulInfer, fusedMatMulKernel, nil, 0},
	{"com.microsoft", "Gelu", 1, float, unaryInfer, erfGeluKernel, nil, InPlace},
	{"com.microsoft", "Inverse", 1, f32 | f64 | f16, inverseInfer, inverseKernel, nil, 0},
	{"com.microsoft", "QuickGelu", 1, float, unaryInfer, swishKernel, nil, InPlace},
	{"com.microsoft", "SkipLayerNormalization", 1, float, skipNormInfer, layerNormOf(skipNormParts), nil, 0},
	{"com.microsoft", "SkipSimplifiedLayerNormalization", 1, float, skipNormInfer, layerNormOf(skipSimpleNormParts), nil, 0},
	{"com.microsoft", "Tokenizer", 1, str, tokenizerInfer, tokenizerKernel, nil, Managed},
}
