package finetune

import (
	"math"
	"regexp"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// ruleName is the operator of n with its domain.
func ruleName(n *graph.Node) string {
	if n.Domain == "" {
		return n.Type
	}
	return n.Domain + ":" + n.Type
}

// A layerRule says which inputs of an operator are weights.
type layerRule struct {
	kind   Kind
	inputs []weightInput
}

type weightInput struct {
	index int
	role  Role
}

func rule(kind Kind, inputs ...weightInput) layerRule { return layerRule{kind, inputs} }

// layerRules are the operators that have weights of their own. Constants of other operators are weights where
// elementwise finds them to be.
var layerRules = map[string]layerRule{
	"MatMul":                rule(Linear, weightInput{0, Matrix}, weightInput{1, Matrix}),
	"Gemm":                  rule(Linear, weightInput{0, Matrix}, weightInput{1, Matrix}, weightInput{2, Bias}),
	"Einsum":                rule(Linear, weightInput{0, Matrix}, weightInput{1, Matrix}),
	"Conv":                  rule(Conv, weightInput{1, Matrix}, weightInput{2, Bias}),
	"ConvTranspose":         rule(Conv, weightInput{1, Matrix}, weightInput{2, Bias}),
	"DeformConv":            rule(Conv, weightInput{1, Matrix}, weightInput{3, Bias}),
	"LSTM":                  rule(Recurrent, weightInput{1, Matrix}, weightInput{2, Matrix}, weightInput{3, Bias}, weightInput{7, Matrix}),
	"GRU":                   rule(Recurrent, weightInput{1, Matrix}, weightInput{2, Matrix}, weightInput{3, Bias}),
	"RNN":                   rule(Recurrent, weightInput{1, Matrix}, weightInput{2, Matrix}, weightInput{3, Bias}),
	"BatchNormalization":    rule(Norm, weightInput{1, Gain}, weightInput{2, Bias}),
	"LayerNormalization":    rule(Norm, weightInput{1, Gain}, weightInput{2, Bias}),
	"InstanceNormalization": rule(Norm, weightInput{1, Gain}, weightInput{2, Bias}),
	"GroupNormalization":    rule(Norm, weightInput{1, Gain}, weightInput{2, Bias}),
	"RMSNormalization":      rule(Norm, weightInput{1, Gain}),
	"PRelu":                 rule(Scale, weightInput{1, Matrix}),
	"Gather":                rule(Embedding, weightInput{0, Matrix}),

	"SimplifiedLayerNormalization": rule(Norm, weightInput{1, Gain}),

	"com.microsoft:FusedMatMul":                      rule(Linear, weightInput{0, Matrix}, weightInput{1, Matrix}),
	"com.microsoft:FusedGemm":                        rule(Linear, weightInput{1, Matrix}, weightInput{2, Bias}),
	"com.microsoft:GemmFastGelu":                     rule(Linear, weightInput{1, Matrix}, weightInput{2, Bias}),
	"com.microsoft:MatMulNBits":                      rule(Linear, weightInput{1, Matrix}, weightInput{5, Bias}),
	"com.microsoft:FusedConv":                        rule(Conv, weightInput{1, Matrix}, weightInput{2, Bias}),
	"com.microsoft:NhwcFusedConv":                    rule(Conv, weightInput{1, Matrix}, weightInput{2, Bias}),
	"com.microsoft:SimplifiedLayerNormalization":     rule(Norm, weightInput{1, Gain}),
	"com.microsoft:SkipLayerNormalization":           rule(Norm, weightInput{2, Gain}, weightInput{3, Bias}, weightInput{4, Bias}),
	"com.microsoft:SkipSimplifiedLayerNormalization": rule(Norm, weightInput{2, Gain}, weightInput{3, Bias}),
	"com.microsoft:GroupNorm":                        rule(Norm, weightInput{1, Gain}, weightInput{2, Bias}),
	"com.microsoft:SkipGroupNorm":                    rule(Norm, weightInput{1, Gain}, weightInput{2, Bias}),
	"com.microsoft:EmbedLayerNormalization": rule(Embedding, weightInput{2, Matrix}, weightInput{3, Matrix}, weightInput{4, Matrix},
		weightInput{5, Gain}, weightInput{6, Bias}),
	"com.microsoft:BiasGelu":           rule(Scale, weightInput{1, Bias}),
	"com.microsoft:FastGelu":           rule(Scale, weightInput{1, Bias}),
	"com.microsoft:Attention":          rule(Linear, weightInput{1, Matrix}, weightInput{2, Bias}),
	"com.microsoft:MultiHeadAttention": rule(Scale, weightInput{3, Bias}),
	"com.microsoft:QLinearConv":        rule(Conv, weightInput{3, Matrix}),
	"QLinearConv":                      rule(Conv, weightInput{3, Matrix}, weightInput{8, Bias}),
	"QLinearMatMul":                    rule(Linear, weightInput{3, Matrix}),
	"MatMulInteger":                    rule(Linear, weightInput{1, Matrix}),
	"ConvInteger":                      rule(Conv, weightInput{1, Matrix}),
}

// weightForms are the operators whose first input is the same weight in another form.
var weightForms = map[string]struct{}{
	"Identity": {}, "Transpose": {}, "Cast": {}, "Reshape": {}, "Squeeze": {}, "Unsqueeze": {}, "Flatten": {}, "DequantizeLinear": {},
	"com.microsoft:DequantizeLinear": {},
}

// tableName matches the names that tables of cosines and sines go by.
var tableName = regexp.MustCompile(`(?i)(^|[^a-z])(cos|sin)(ines?|e|_?cached?)?($|[^a-z])`)

// isRotation reports whether an embedding is a table of cosines or sines of positions, which is no weight: by its name, or
// by its rows for the positions 0, 1 and 2, of which the last follows from the others by the formulas of double angles.
func isRotation(w *Weight) bool {
	if tableName.MatchString(w.Name) {
		return true
	}
	if !w.DType.IsFloat() || len(w.Shape) < 2 || w.Shape[0] < 3 {
		return false
	}
	cols := w.Shape.Len() / w.Shape[0]
	x := tensor.Float64s(w.value, 3*cols)
	tolerance := 1e-4
	if w.DType == tensor.Float16 || w.DType == tensor.BFloat16 {
		tolerance = 0.05
	}
	for j := range cols {
		start, once, twice := x[j], x[cols+j], x[2*cols+j]
		double := 2*once*once - 1
		if start == 0 {
			double = 2 * once * math.Sqrt(1-once*once)
		}
		if start != 0 && start != 1 || !(math.Abs(double-twice) <= tolerance) {
			return false
		}
	}
	return cols > 0
}

// elementwise lists the constants of Add, Sub, Mul and Div that are weights: vectors behind a normalisation that is
// written out, and vectors or tables between two layers. What stands before the first layer prepares inputs, what stands
// after the last one turns results into units (anchors, strides), and neither is a weight; nor are masks.
func (f *layerFinder) elementwise(g *graph.Graph) {
	after := f.reach(g)
	before := f.reached(g)
	g.Walk(func(sub *graph.Graph) {
		for _, n := range sub.Nodes {
			if f.biases[n] || n.Domain != "" || len(n.In) != 2 {
				continue
			}
			role := Matrix
			switch n.Type {
			case "Mul", "Div":
				role = Gain
			case "Add", "Sub":
				role = Bias
			default:
				continue
			}
			for i, v := range n.In {
				other := n.In[1-i]
				root, _ := rootOf(v)
				if root == nil || root.Const.Len() < 2 || other == nil || other.IsConst() || isMask(root.Const) {
					continue
				}
				norm := behindNorm(other)
				if !norm && (!after[n] || !before[n]) {
					continue
				}
				l := &Layer{Node: n.Path(), Op: n.Type, Kind: Scale, node: n, out: n.Out[0]}
				if norm {
					l.Kind = Norm
				}
				f.add(l, v, role)
				if len(l.Weights) == 1 && l.Weights[0].Frozen == "" {
					f.from[n] = l
					f.layers = append(f.layers, l)
				}
			}
		}
	})
}

// reached marks the nodes that depend on a layer.
func (f *layerFinder) reached(g *graph.Graph) map[*graph.Node]bool {
	on := map[*graph.Node]bool{}
	g.Walk(func(sub *graph.Graph) {
		for _, n := range sub.Nodes {
			for _, v := range append(n.In[:len(n.In):len(n.In)], n.Captures()...) {
				if v != nil && v.From != nil && (on[v.From] || f.from[v.From] != nil) {
					on[n] = true
				}
			}
		}
	})
	return on
}

// reach marks the nodes that a layer depends on.
func (f *layerFinder) reach(g *graph.Graph) map[*graph.Node]bool {
	on := map[*graph.Node]bool{}
	var all []*graph.Node
	g.Walk(func(sub *graph.Graph) { all = append(all, sub.Nodes...) })
	for i := len(all) - 1; i >= 0; i-- {
		n := all[i]
		if !on[n] && f.from[n] == nil {
			continue
		}
		for _, v := range append(n.In[:len(n.In):len(n.In)], n.Captures()...) {
			if v != nil && v.From != nil {
				on[v.From] = true
			}
		}
	}
	return on
}

// behindNorm reports whether v is a normalised value: a quotient by, or product with the reciprocal of, a square root,
// perhaps scaled already.
func behindNorm(v *graph.Value) bool {
	for range 4 {
		if v == nil || v.From == nil {
			return false
		}
		n := v.From
		switch n.Type {
		case "Cast", "Reshape", "Identity":
			v = n.In[0]
			continue
		case "Div", "Mul":
			if isRoot(n.In[1]) || n.Type == "Mul" && isRoot(n.In[0]) {
				return true
			}
			if n.Type == "Mul" {
				if v = n.In[0]; v.IsConst() {
					v = n.In[1]
				}
				continue
			}
		}
		return false
	}
	return false
}

// isRoot reports whether v is a square root, or the reciprocal of one.
func isRoot(v *graph.Value) bool {
	for range 4 {
		if v == nil || v.From == nil || v.IsConst() {
			return false
		}
		switch v.From.Type {
		case "Sqrt":
			return true
		case "Pow":
			e := v.From.In[1]
			return e.IsConst() && e.DType == tensor.Float32 && e.Const.Len() == 1 && math.Abs(float64(tensor.Of[float32](e.Const)[0])) == 0.5
		case "Reciprocal", "Cast", "Expand", "Clip", "Max":
			v = v.From.In[0]
		case "Div":
			v = v.From.In[1]
		default:
			return false
		}
	}
	return false
}

// isMask reports whether t has an element that rules something out: infinite, or below every sensible weight.
func isMask(t *tensor.Tensor) bool {
	const limit = 5000
	if t.DType() != tensor.Float32 {
		return false
	}
	for _, x := range tensor.Of[float32](t) {
		if !(x > -limit && x < limit) {
			return true
		}
	}
	return false
}
