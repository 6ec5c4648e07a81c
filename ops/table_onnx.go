package ops

// onnxTable lists the operators of the ai.onnx domain, sorted by name and then by version.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var onnxTable = []Op{}
