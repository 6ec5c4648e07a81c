package ops

// mlTable lists the operators of the ai.onnx.ml domain, sorted by name and then by version.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var mlTable = []Op{}
