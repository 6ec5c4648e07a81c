package finetune

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
)

// classwise are the operators that treat all classes alike, or forget them: a layer before them may have another number of
// results. Those of two inputs must not have a constant for each class.
var classwise = map[string]bool{
	"Abs": true, "Cast": true, "CastLike": true, "Celu": true, "Clip": true, "Dropout": true, "Elu": true, "Erf": true, "Exp": true, "Gelu": true,
	"HardSigmoid": true, "HardSwish": true, "Identity": true, "LeakyRelu": true, "Log": true, "Mish": true, "Neg": true, "Not": true,
	"Reciprocal": true, "Relu": true, "Selu": true, "Sigmoid": true, "Softplus": true, "Softsign": true, "Sqrt": true, "Tanh": true,
	"ThresholdedRelu": true, "Softmax": true, "LogSoftmax": true, "Hardmax": true, "ArgMax": true, "ArgMin": true, "TopK": true,
	"Add": true, "Sub": true, "Mul": true, "Div": true, "Pow": true, "Max": true, "Min": true, "Sum": true, "Mean": true,
	"Greater": true, "GreaterOrEqual": true, "Less": true, "LessOrEqual": true, "Equal": true, "And": true, "Or": true, "Where": true,
	"ReduceMean": true, "ReduceMax": true, "ReduceMin": true, "ReduceSum": true, "ReduceL1": true, "ReduceL2": true, "ReduceLogSumExp": true,
	"GlobalAveragePool": true, "GlobalMaxPool": true, "AveragePool": true, "MaxPool": true, "Resize": true, "Upsample": true,
	"Flatten": true, "Squeeze": true, "Unsqueeze": true, "Reshape": true, "Transpose": true, "Expand": true, "Shape": true,
	"LpNormalization": true, "QuantizeLinear": true, "DequantizeLinear": true,

	"ai.onnx.ml:ZipMap": true, "ai.onnx.ml:ArrayFeatureExtractor": true, "ai.onnx.ml:Normalizer": true, "ai.onnx.ml:Binarizer": true,
	"com.microsoft:QuantizeLinear": true, "com.microsoft:DequantizeLinear": true,
}

// lastLayer returns the layer that the outputs are computed from. Outputs that no layer leads to through operators that
// are classwise have no say.
func (e *editor) lastLayer(at string) (*site, error) {
	sites, refused := e.sites()
	sites = slices.DeleteFunc(sites, func(s *site) bool { return s.kind == Embedding || isFactor(s) })
	var found []*site
	var stuck []string
	for _, v := range e.graph.Outputs {
		list, why := e.leading(v.Name, sites, refused)
		for _, s := range list {
			if (at == "" || at == v.Name || s.called(at)) && !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
		stuck = append(stuck, why...)
	}
	if len(found) > 1 { // uses of one layer
		if one := found[0]; one.form != nil && !slices.ContainsFunc(found, func(s *site) bool { return s.form.name() != one.form.name() }) {
			return nil, fmt.Errorf("layer %q is used %d times", one.module(), len(found))
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("%d layers lead to outputs, say which one: %s", len(found), candidates(found))
	case at != "":
		return nil, fmt.Errorf("%q is neither a last layer nor an output that one leads to%s", at, because(stuck))
	}
	return nil, fmt.Errorf("no layer leads to an output through operators that treat all classes alike%s", because(stuck))
}

func because(why []string) string {
	if len(why) == 0 {
		return ""
	}
	if len(why) > 4 {
		why = append(why[:4:4], fmt.Sprintf("and %d more", len(why)-4))
	}
	return ": " + strings.Join(why, "; ")
}

// called reports whether at names the site: its module, weight or node.
func (s *site) called(at string) bool {
	return s.answers(at) || s.form.name() == at || s.node.Name == at || slices.Contains(s.node.Outputs, at)
}

// leading walks back from an output to the first layers. It says what stops it elsewhere.
func (e *editor) leading(output string, sites []*site, refused []refusal) (found []*site, why []string) {
	seen := map[*onnx.Node]bool{}
	todo := []string{output}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n := e.makers[name]
		if n == nil || seen[n] || e.constant(name) != nil {
			continue
		}
		seen[n] = true
		if i := slices.IndexFunc(sites, func(s *site) bool { return s.out == name || s.node == n }); i >= 0 {
			if !slices.Contains(found, sites[i]) {
				found = append(found, sites[i])
			}
			continue
		}
		if i := slices.IndexFunc(refused, func(r refusal) bool { return r.node == nodeLabel(n) }); i >= 0 {
			why = append(why, fmt.Sprintf("node %q (%s): %s", nodeLabel(n), n.OpType, refused[i].why))
			continue
		}
		if !classwise[nodeRule(n)] {
			why = append(why, fmt.Sprintf("node %q (%s) stands before output %q", nodeLabel(n), n.OpType, output))
			continue
		}
		todo = append(todo, n.Inputs...)
	}
	return found, why
}
