package finetune

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/ops"
)

// Select returns the weights of layers that a text asks for, each once:
//
//	last        those of the last layers: of all whose results reach an output without another layer in between
//	last:N      those of the N last ones, counted along the longest way
//	all         all that can train
//	bias, norm  the biases; the weights of normalisations
//	a,b,c       names of weights or nodes
//	re:EXPR     those whose name, or whose node's name, matches a regular expression; re: may be left out
//
// A weight that layers share comes with all its uses. Nothing to train is an *ops.UnsupportedError that says why.
func Select(layers []*Layer, what string) ([]*Weight, error) {
	take, err := selector(layers, what)
	if err != nil {
		return nil, err
	}
	var out []*Weight
	frozen := map[string]bool{}
	var why []string
	for _, l := range layers {
		for _, w := range l.Weights {
			if !take(l, w) {
				continue
			}
			if w.Frozen != "" {
				if !frozen[w.Name] {
					frozen[w.Name] = true
					why = append(why, fmt.Sprintf("%q of node %q (%s): %s", w.Name, l.Node, l.Op, w.Frozen))
				}
				continue
			}
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if len(layers) == 0 {
		return nil, ops.Unsupported("training: the model has no layer with weights")
	}
	if len(why) > 4 {
		why = append(why[:4], fmt.Sprintf("and %d more", len(why)-4))
	}
	if len(why) == 0 {
		return nil, fmt.Errorf("finetune: no weight of the model's %d layers is what %q asks for", len(layers), what)
	}
	return nil, ops.Unsupported("training: no weight that %q asks for can train: %s", what, strings.Join(why, "; "))
}

func selector(layers []*Layer, what string) (func(*Layer, *Weight) bool, error) {
	name, count, numbered := strings.Cut(what, ":")
	switch {
	case what == "all":
		return func(*Layer, *Weight) bool { return true }, nil
	case what == "bias":
		return func(_ *Layer, w *Weight) bool { return w.Role == Bias }, nil
	case what == "norm":
		return func(l *Layer, _ *Weight) bool { return l.Kind == Norm }, nil
	case name == "last":
		n := 1
		if numbered {
			var err error
			if n, err = strconv.Atoi(count); err != nil || n < 1 {
				return nil, fmt.Errorf("finetune: %q: want a number of layers from 1 up after the colon", what)
			}
		}
		return lastLayers(n), nil
	case what == "":
		return nil, fmt.Errorf("finetune: nothing to train is named: want last, last:N, all, bias, norm, names or a regular expression")
	}
	if take := named(layers, strings.Split(what, ",")); take != nil {
		return take, nil
	}
	re, err := regexp.Compile(strings.TrimPrefix(what, "re:"))
	if err != nil {
		return nil, fmt.Errorf("finetune: %q is neither last, all, bias, norm nor names of weights, and as a regular expression: %w", what, err)
	}
	return func(l *Layer, w *Weight) bool { return re.MatchString(w.Name) || re.MatchString(l.Node) }, nil
}

// lastLayers takes the layers with fewer than n trainable ones behind them. Norms and scales come with the layer that they
// follow.
func lastLayers(n int) func(*Layer, *Weight) bool {
	return func(l *Layer, _ *Weight) bool { return l.Distance < n }
}

// named takes what has one of the names; nil if some name is neither that of a weight nor of a node.
func named(layers []*Layer, names []string) func(*Layer, *Weight) bool {
	want, found := map[string]bool{}, map[string]bool{}
	for _, n := range names {
		want[strings.TrimSpace(n)] = true
	}
	for _, l := range layers {
		found[l.Node] = true
		for _, w := range l.Weights {
			found[w.Name] = true
		}
	}
	for n := range want {
		if !found[n] {
			return nil
		}
	}
	return func(l *Layer, w *Weight) bool { return want[w.Name] || want[l.Node] }
}
