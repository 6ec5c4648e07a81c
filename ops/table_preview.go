package ops

// previewTable lists the operators of the ai.onnx.preview domain, sorted by name.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var previewTable = []Op{
	{"ai.onnx.preview", "FlexAttention", 1, float, flexAttentionInfer, flexAttentionKernel, flexAttentionGrad, 0},
}
