package finetune

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// Scores are the values of a model that a loss of classes is computed from: before the Softmax or Sigmoid, ArgMax, TopK
// or ZipMap that turns them into an answer.
type Scores struct {
	Name       string   // of the value
	Activation string   // "Softmax", "LogSoftmax", "Sigmoid", or "" if nothing of the kind follows
	Type       ops.Type // as far as it is known; the first axis is the batch
}

// FindScores returns the scores of a model. Where there are several, the error lists them.
func FindScores(m *onnx.Model) (Scores, error) {
	s := source{model: m}
	g, _, err := s.plain(nil)
	if err != nil {
		return Scores{}, err
	}
	list := scoresOf(g)
	switch len(list) {
	case 1:
		return list[0], nil
	case 0:
		return Scores{}, ops.Unsupported("training: no output of the model depends on scores of classes")
	}
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = fmt.Sprintf("%q %v", s.Name, s.Type)
	}
	return Scores{}, fmt.Errorf("finetune: %d values of the model may be its scores, say which one the loss is computed from: %s", len(list), strings.Join(names, ", "))
}

// scoresOf finds the scores of a resolved graph: those of all outputs, without those that others are computed from.
func scoresOf(g *graph.Graph) []Scores {
	f := &scoreFinder{seen: map[*graph.Value]bool{}, layer: map[*graph.Value]bool{}}
	for _, l := range layersOf(g) {
		if l.Kind != Embedding && l.Kind != Scale {
			f.layer[l.out] = true
		}
	}
	for _, v := range g.Outputs {
		f.visit(v)
	}
	var out []Scores
	for _, v := range f.found {
		behind := dependsOn(g, []*graph.Value{v.value})
		later := slices.ContainsFunc(f.found, func(w found) bool { return w.value != v.value && behind[w.value] })
		if !later {
			out = append(out, Scores{v.value.Name, v.activation, v.value.Type})
		}
	}
	return out
}

type found struct {
	value      *graph.Value
	activation string
}

type scoreFinder struct {
	seen  map[*graph.Value]bool // whether what was visited comes from an activation
	layer map[*graph.Value]bool // results of layers
	found []found
}

// answers are the operators that turn scores into answers: their float inputs are looked at in their place.
var answers = map[string]bool{
	"ArgMax": true, "ArgMin": true, "TopK": true, "ai.onnx.ml:ZipMap": true, "Identity": true, "Cast": true, "Squeeze": true, "Unsqueeze": true,
	"Reshape": true, "Flatten": true, "Gather": true, "GatherElements": true, "GatherND": true, "ai.onnx.ml:ArrayFeatureExtractor": true,
	"Greater": true, "Less": true, "GreaterOrEqual": true, "LessOrEqual": true, "Equal": true, "Where": true, "Not": true, "And": true, "Or": true,
	"ReduceMax": true, "Max": true, "Slice": true, "ai.onnx.ml:LabelEncoder": true, "ai.onnx.ml:Binarizer": true, "ai.onnx.ml:Normalizer": true, "Sub": true,
	"Concat": true, "NonZero": true, "Floor": true, "Round": true, "OneHot": true, "Expand": true, "Mul": true, "Add": true, "If": true, "Unique": true,
}

// visit looks at v and at what it is computed from. It reports whether v comes from an activation.
func (f *scoreFinder) visit(v *graph.Value) (activated bool) {
	if v == nil || v.From == nil || v.IsConst() {
		return false
	}
	if activated, seen := f.seen[v]; seen {
		return activated
	}
	n := v.From
	switch {
	case isActivation(n):
		f.take(n.In[0], n.Type)
		activated = true
	case f.layer[v]:
		f.take(v, "")
	case answers[ruleName(n)]:
		before := len(f.found)
		activated = f.inside(n)
		if v.DType.IsFloat() && squashes(n) && !activated {
			f.found = f.found[:before]
			f.take(v, "")
		}
	case v.DType.IsFloat() && v.Kind == tensor.KindTensor:
		f.take(v, "")
	}
	f.seen[v] = activated
	return activated
}

// inside looks at what n is computed from.
func (f *scoreFinder) inside(n *graph.Node) (activated bool) {
	for _, in := range reads(n) {
		activated = f.visit(in) || activated
	}
	for _, b := range n.Bodies {
		for _, out := range b.Graph.Outputs {
			activated = f.visit(out) || activated
		}
	}
	return activated
}

// squashes reports whether n combines numbers, so that its result is the score, unless what it combines are
// probabilities already.
func squashes(n *graph.Node) bool {
	switch n.Type {
	case "Mul", "Add", "Sub", "Max", "ReduceMax", "Concat", "Where":
		return true
	}
	return false
}

func isActivation(n *graph.Node) bool {
	return n.Domain == "" && (n.Type == "Softmax" || n.Type == "LogSoftmax" || n.Type == "Sigmoid")
}

func (f *scoreFinder) take(v *graph.Value, activation string) {
	for i := range f.found {
		if f.found[i].value == v {
			return
		}
	}
	f.found = append(f.found, found{v, activation})
}

// OutputTerms returns terms that compare the model's own outputs with targets: the mean of a loss over all outputs that
// are floating-point tensors and depend on a weight that trains in a way that has a gradient. Without such outputs, the
// scores behind them are taken.
func OutputTerms(m *onnx.Model, train []*Weight, loss Loss) ([]Term, error) {
	s := source{model: m}
	g, live, err := s.plain(train)
	if err != nil {
		return nil, err
	}
	smooth := smoothlyDependent(g, live)
	var names []string
	for _, v := range g.Outputs {
		if smooth[v] && v.Kind == tensor.KindTensor && !slices.Contains(names, v.Name) {
			names = append(names, v.Name)
		}
	}
	if len(names) == 0 {
		for _, s := range scoresOf(g) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return nil, ops.Unsupported("training: no floating-point output of the model depends on the weights that train")
	}
	terms := make([]Term, len(names))
	for i, name := range names {
		terms[i] = Term{At: name, Loss: loss, Weight: 1 / float64(len(names))}
	}
	return terms, nil
}

// smoothlyDependent marks the floating-point values that depend on the given ones through floating-point values only.
func smoothlyDependent(g *graph.Graph, on []*graph.Value) map[*graph.Value]bool {
	marked := map[*graph.Value]bool{}
	for _, v := range on {
		marked[v] = true
	}
	for _, n := range g.Nodes {
		if n.Op.Flags&ops.ShapeOnly != 0 {
			continue
		}
		hit := false
		for _, v := range reads(n) {
			hit = hit || v != nil && marked[v]
		}
		if !hit {
			continue
		}
		for _, o := range n.Out {
			if o != nil && (o.DType.IsFloat() || n.Op.Flags&ops.Codes != 0) {
				marked[o] = true
			}
		}
	}
	return marked
}

// ScoresAt returns the scores that are a named value of the model, and what the model makes of them.
func ScoresAt(m *onnx.Model, name string) (Scores, error) {
	s := source{model: m}
	g, _, err := s.plain(nil)
	if err != nil {
		return Scores{}, err
	}
	list, err := find(g, []string{name})
	if err != nil {
		return Scores{}, err
	}
	out := Scores{Name: name, Type: list[0].Type}
	for _, n := range g.Nodes {
		if isActivation(n) && n.In[0] == list[0] {
			out.Activation = n.Type
		}
	}
	return out, nil
}
