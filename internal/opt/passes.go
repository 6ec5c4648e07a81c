// Package opt rewrites graphs so that they run faster and mean the same. The passes are a table, and what
// must come before what is a second table with the reasons.
//
// It imports internal/graph and what that imports.
package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// A pass rewrites a graph in place.
type pass struct {
	name string
	run  func(*graph.Graph) error
	base bool // runs even when optimisation is off: the planner relies on it
}

var passes = []pass{
	{"infer", graph.Infer, true},
	{"branches", branches, true},
	{"gradients", gradients, true},
	{"verify", graph.Verify, true},
	{"fold", fold, false},
	{"identities", identities, false},
	{"prune", prune, true},
	{"widen", widen, false},
	{"casts", identities, false},
	{"contractions", contractions, false},
	{"product-norms", productNorms, false},
	{"moves", moves, false},
	{"subexpressions", subexpressions, false},
	{"selections", selections, false},
	{"phases", phases, false},
	{"pads", pads, false},
	{"conv-bn", convBN, false},
	{"parallels", parallels, false},
	{"activations", activations, false},
	{"norms", norms, false},
	{"rolls", rolls, false},
	{"rotations", rotations, false},
	{"attention", attentions, false},
	{"gates", gates, false},
	{"kept-gates", keptGates, false},
	{"expansions", expansions, false},
	{"layouts", layouts, false},
	{"copies", identities, false},
	{"scales", scales, false},
	{"transposed-products", transposedProducts, false},
	{"fold-rest", foldRest, false},
	{"epilogues", epilogues, false},
	{"common", subexpressions, false},
	{"kept-places", keptPlaces, false},
	{"paired-gradients", pairedGradients, false},
	{"chains", chains, false},
	{"views", views, false},
	{"prune-again", prune, false},
	{"unpacked", unpacked, false},
	{"portions", portions, false},
	{"recompute", recompute, false},
	{"saved", saved, false},
}

// order says which pass must run before which, and why.
var order = []struct{ before, after, reason string }{
	{"infer", "verify", "what the model declares is compared with what was inferred"},
	{"branches", "verify", "a branch that is not taken has no inferred types"},
	{"verify", "fold", "declarations are those of the graph as it is written"},
	{"infer", "fold", "folding needs element types, shapes and the constants of shape arithmetic"},
	{"infer", "gradients", "gradients depend on element types and ranks"},
	{"branches", "gradients", "gradients go through the branch that is taken"},
	{"gradients", "fold", "what is computed from constants may be differentiated by them"},
	{"gradients", "prune", "nodes whose results are constant may be differentiated"},
	{"infer", "branches", "a branch that is not taken is not inferred, and must go before anything is planned"},
	{"branches", "fold", "nodes of a branch that is taken may be constant"},
	{"prune", "widen", "constants that nothing uses need not be converted"},
	{"widen", "casts", "casts to half precision become casts of float32 to itself"},
	{"widen", "conv-bn", "fusions are for float32"},
	{"identities", "activations", "a value and a copy of it have different readers"},
	{"fold", "prune", "folded nodes are removed by pruning"},
	{"fold", "conv-bn", "weights may be computed from constants"},
	{"prune", "activations", "nodes without use would hide that a value has one reader"},
	{"conv-bn", "epilogues", "a normalisation stands between a convolution and its activation"},
	{"conv-bn", "parallels", "each branch has a normalisation of its own"},
	{"pads", "parallels", "the padding of branches is compared"},
	{"parallels", "layouts", "what branches read and make would be reordered for each"},
	{"parallels", "epilogues", "branches look like residuals"},
	{"conv-bn", "scales", "a factor may follow a normalisation"},
	{"scales", "epilogues", "a factor stands between a product and its residual"},
	{"norms", "layouts", "a normalisation of the last axis is recognised by its axes"},
	{"activations", "epilogues", "fused nodes take activations that are one node"},
	{"norms", "epilogues", "the sums of a written-out normalisation look like residuals"},
	{"transposed-products", "fold-rest", "a transposed weight that no product reads is transposed once"},
	{"fold-rest", "prune-again", "folded nodes are removed by pruning"},
	{"rolls", "layouts", "slices and their concatenation may get different layouts"},
	{"rotations", "layouts", "a transposition between a product and its heads is part of a rotation"},
	{"casts", "attention", "scores and their softmax are looked for as neighbours"},
	{"attention", "transposed-products", "keys are transposed for a product that is one part of attention"},
	{"attention", "layouts", "a transposition between a product and its heads is part of attention"},
	{"attention", "scales", "a factor of the queries is part of attention"},
	{"attention", "epilogues", "masks look like residuals of a product"},
	{"transposed-products", "epilogues", "a product keeps its transposition when it is fused"},
	{"layouts", "epilogues", "a reorder stands between a product and its residual"},
	{"layouts", "scales", "a reorder stands between a product and a factor for each channel"},
	{"copies", "scales", "a value and a copy of it have different readers"},
	{"fold", "selections", "positions that are selected, and shapes, may be computed from constants"},
	{"prune", "selections", "nodes without use would read what is selected"},
	{"subexpressions", "selections", "a value that is computed twice is selected once"},
	{"selections", "activations", "operators of the standard are known to select"},
	{"selections", "attention", "attention of the standard is known to select"},
	{"selections", "epilogues", "products are nodes of their own"},
	{"pads", "conv-bn", "both replace the convolution"},
	{"phases", "conv-bn", "both replace the convolution"},
	{"phases", "layouts", "slices, their concatenation and its reorder are no longer read"},
	{"subexpressions", "phases", "one value may be sliced by two nodes that are alike"},
	{"fold", "phases", "where slices begin may be computed from constants"},
	{"phases", "prune-again", "slices that lost their readers are pruned"},
	{"fold", "subexpressions", "shapes that are computed become constants, which are compared by their elements"},
	{"identities", "subexpressions", "a value and a copy of it are one"},
	{"casts", "subexpressions", "casts that widening made superfluous hide that inputs are equal"},
	{"fold", "product-norms", "weights and normalisations may be computed from constants"},
	{"casts", "product-norms", "normalisations of half precision are those of float32"},
	{"product-norms", "moves", "a change of shape comes to lie next to the one that undoes it"},
	{"product-norms", "scales", "a normalisation becomes a factor and a sum"},
	{"moves", "subexpressions", "what is transposed back is the value it was"},
	{"subexpressions", "activations", "a function that is written out twice is one before it is recognised"},
	{"subexpressions", "layouts", "a transposition that is written twice is made once"},
	{"moves", "layouts", "a Transpose of a Transpose is one reorder"},
	{"casts", "contractions", "contractions of half precision are contractions of float32"},
	{"fold", "contractions", "shapes that are computed are known"},
	{"contractions", "moves", "a Transpose of a Transpose is one"},
	{"contractions", "attention", "scores and what they weigh may be contractions"},
	{"contractions", "transposed-products", "products read their operands as they lie"},
	{"casts", "moves", "a cast to the same type stands between two transpositions"},
	{"moves", "prune-again", "nodes that lost their readers are pruned"},
	{"gates", "layouts", "a normalisation by the statistics of the batch becomes several nodes"},
	{"subexpressions", "gates", "a mask that is written twice is one"},
	{"subexpressions", "kept-gates", "the layer and its gradient read one value where both read the same"},
	{"gradients", "kept-gates", "gradients are nodes"},
	{"widen", "kept-gates", "layers in half precision run in float32"},
	{"expansions", "layouts", "an expanded value would be transposed at its full size"},
	{"expansions", "prune-again", "expansions that nothing reads are pruned"},
	{"layouts", "copies", "a transposition that the twin makes superfluous becomes an Identity"},
	{"layouts", "prune-again", "values whose own order nobody reads are not made"},
	{"layouts", "common", "two nodes may have asked for the same reorder of a value"},
	{"common", "chains", "nodes of a chain are no longer seen one by one"},
	{"common", "kept-places", "the pool and its gradient read one value where both read the same reorder"},
	{"layouts", "kept-places", "pools note places with the channels last"},
	{"common", "paired-gradients", "both gradients read one value where both read the same reorder"},
	{"layouts", "paired-gradients", "gradients have their channels last"},
	{"paired-gradients", "recompute", "what waits for one of the two waits for both"},
	{"epilogues", "chains", "what a product can do to its tile costs least there"},
	{"epilogues", "views", "residuals are inputs that can be read, and activations stand behind what is written"},
	{"chains", "views", "nodes of a chain have no values in between that could be written anywhere"},
	{"common", "views", "nodes that write to what others made are not alike, though their attributes are"},
	{"layouts", "views", "channels are the last axis"},
	{"views", "prune-again", "values that are copied or read elsewhere may lose their last reader"},
	{"recompute", "saved", "what is cheap to make again does not wait"},
	{"prune-again", "unpacked", "what a run computes is settled, and how each product reads its weight"},
	{"prune-again", "recompute", "the order and the sizes of all that runs are settled"},
	{"unpacked", "portions", "the operations of all nodes are counted"},
	{"views", "portions", "nodes that write to one result run together"},
	{"chains", "portions", "nodes of a portion are neighbours, and none is without use"},
	{"prune-again", "portions", "what a run computes, and in which order, is settled"},
	{"chains", "prune-again", "constants are no longer read by each node"},
	{"epilogues", "prune-again", "constants that were folded into others are no longer used"},
}

// standard are the passes whose result, of a standard model, other programs can read.
var standard = map[string]func(*graph.Graph) error{
	"infer": graph.Infer, "branches": branches, "verify": graph.Verify, "fold": foldCompact, "identities": identities, "prune": prune,
	"casts": identities, "moves": moves, "subexpressions": subexpressions, "conv-bn": convBN, "parallels": parallels, "copies": identities, "fold-rest": foldCompact,
	"prune-again": prune,
}

// Options select passes.
type Options struct {
	Off      bool     // only what is needed to run at all
	Standard bool     // only what makes a standard model of one
	Skip     []string // names of passes to leave out
	Exact    bool     // no algorithms that trade accuracy for speed
	Inside   bool     // outputs lie in the arena to the end

	HalfSaved bool // what waits for the backward half of a training step waits as bfloat16
}

// Apply runs the passes on g, which is changed, and returns it.
func Apply(g *graph.Graph, o Options) (*graph.Graph, error) {
	for _, p := range passes {
		run := p.run
		switch {
		case o.Standard:
			run = standard[p.name]
		case p.name == "recompute":
			run = func(g *graph.Graph) error { return recomputeIn(g, Memory{Inside: o.Inside}) }
		}
		if run == nil || o.Off && !p.base || p.name == "saved" && !o.HalfSaved || slices.Contains(o.Skip, p.name) {
			continue
		}
		if err := run(g); err != nil {
			return nil, err
		}
	}
	if o.Exact {
		return g, exact(g)
	}
	return g, nil
}

// Resolve runs the first passes: values are inferred afterwards, branches that a constant decides and Gradient
// nodes are gone. Whoever adds nodes to g before Apply starts from there.
func Resolve(g *graph.Graph) error {
	for _, p := range passes[:slices.IndexFunc(passes, func(p pass) bool { return p.name == "verify" })] {
		if err := p.run(g); err != nil {
			return err
		}
	}
	return nil
}

// Optional returns the names of the passes that Options may leave out, in the order in which they run.
func Optional() (out []string) {
	for _, p := range passes {
		if !p.base {
			out = append(out, p.name)
		}
	}
	return out
}

func gradients(g *graph.Graph) error { return autodiff.Expand(g, ops.Default()) }

func prune(g *graph.Graph) error { g.Prune(); return nil }
