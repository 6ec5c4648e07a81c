package finetune

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
)

// Adapters name layers by the path of their module in the program that the model was exported from, such as
// model.layers.0.self_attn.q_proj. An ONNX file has no such paths, but exporters leave traces of them. In the order in which
// they are trusted:
//
//  1. the name of the weight without .weight (or .w, .kernel, /kernel:0 ...) and what quantisers append;
//  2. the name of the bias without .bias (.b);
//  3. the last scope but the operator's in the node's metadata pkg.torch.onnx.name_scopes;
//  4. the name of the node as a path without its last part, the operator: /model/layers.0/self_attn/q_proj/MatMul. A part
//     that repeats the one before it (/classifier/classifier.0) replaces it.
//
// Names that an exporter made up (onnx::MatMul_123, val_12, 367) are no traces.

var (
	// weightEnding is what stands after the module in names of weights.
	weightEnding = regexp.MustCompile(`[./](?:weight|w|W|kernel|w_0|weights|embedding)(?::0|/ReadVariableOp:0|/Read/ReadVariableOp:0)?$`)
	biasEnding   = regexp.MustCompile(`[./](?:bias|b|b_0|BiasAdd/ReadVariableOp)(?::0)?$`)
	// formEnding is what quantisers and optimisers append to names of weights.
	formEnding = regexp.MustCompile(`(?:_Q4G?|_Q8|_Q2|_quantized|_quant|_Transposed|_transposed|_DequantizeLinear(?:_Output)?|_fp16|_cast_to_\w+)$`)
	// operatorPart is the last part of a node's name as an exporter to ONNX writes it.
	operatorPart = regexp.MustCompile(`^(?:MatMul|Gemm|Conv|Gather|FusedMatMul|MatMulNBits|Einsum|LSTM|GRU|RNN)(?:_\w+)?$`)
	scopeWord    = regexp.MustCompile(`'([^']*)'`)
)

// modulePaths returns the paths that a layer answers to, the most trusted first. Without any trace of a module it is the
// name of the weight or node.
func modulePaths(node *onnx.Node, weight, bias string) []string {
	var list []string
	add := func(path string) {
		if path = strings.Trim(strings.ReplaceAll(path, "/", "."), "."); path != "" && !slices.Contains(list, path) {
			list = append(list, path)
		}
	}
	for formEnding.MatchString(weight) {
		weight = formEnding.ReplaceAllString(weight, "")
	}
	if at := weightEnding.FindStringIndex(weight); at != nil {
		add(weight[:at[0]])
	}
	if at := biasEnding.FindStringIndex(bias); at != nil {
		add(bias[:at[0]])
	}
	add(scopedPath(node))
	add(nodePath(node.Name))
	if len(list) == 0 {
		if add(weight); madeUp.MatchString(weight) && node.Name != "" {
			list = nil
			add(node.Name)
		}
	}
	return list
}

// madeUp matches names that exporters number.
var madeUp = regexp.MustCompile(`^(?:|onnx::\w+|val_\d+|_v_\d+|\d+|const\w*\d+|.*_output_\d+)$`)

// scopedPath is the last module that the exporter of PyTorch notes as the scope of a node: its list ends in the node's own
// name.
func scopedPath(n *onnx.Node) string {
	for _, e := range n.Metadata {
		if e.Key != "pkg.torch.onnx.name_scopes" {
			continue
		}
		if scopes := scopeWord.FindAllStringSubmatch(e.Value, -1); len(scopes) > 1 {
			return scopes[len(scopes)-2][1]
		}
	}
	return ""
}

// nodePath is the module in the path that the name of a node is, "" if it is none.
func nodePath(name string) string {
	parts := strings.Split(strings.Trim(name, "/"), "/")
	if len(parts) < 2 || !operatorPart.MatchString(parts[len(parts)-1]) {
		return ""
	}
	var path []string
	for _, p := range parts[:len(parts)-1] {
		if k := len(path) - 1; k >= 0 && strings.HasPrefix(p, path[k]+".") {
			path[k] = p
			continue
		}
		path = append(path, p)
	}
	return strings.Join(path, ".")
}
