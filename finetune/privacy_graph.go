package finetune

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// errNoRule is wrapped by the errors of clippedSums for models whose per-sample norms have to be taken sample by sample.
var errNoRule = errors.New("no rule for norms of gradients of single samples")

// A clipRequest asks for the clipped gradients of a batch.
type clipRequest struct {
	g       *graph.Graph   // the model, inferred with fixed shapes
	batched []*graph.Value // inputs that have a row for each sample
	samples int            // rows
	losses  *graph.Value   // one for each sample: [samples]
	scores  []*graph.Value // what the losses are emitted from
	params  []*graph.Value // float32
	counts  *graph.Value   // factors, 0 for rows that fill up the batch: [samples]
	clip    float64        // the bound of the norms
}

// clipped are the values that clippedSums emits.
type clipped struct {
	sums  []*graph.Value // of the clipped gradients over the samples, for each parameter
	norms *graph.Value   // of the gradients before clipping, over all parameters: [samples]
}

// clippedSums emits the sum over the samples of count * min(1, clip/(norm+1e-6)) * gradient. No gradient of a single sample is
// kept: norms come from what the nodes that use a parameter read, and from the gradients of what they compute, as in Goodfellow,
// "Efficient Per-Example Gradient Computations", 2015 (arXiv:1510.01799) and Li, Tramèr, Liang and Hashimoto, "Large Language
// Models Can Be Strong Differentially Private Learners", 2022 (arXiv:2110.05679); the same gradients, scaled by sample,
// then give the sums without another walk, as in Bu, Wang, Zha and Karypis, "Differentially Private Optimization on Large Model
// at Small Cost", 2022 (arXiv:2210.00038).
//
// A model that mixes samples is an *ops.UnsupportedError; one without a rule for some use of a parameter wraps errNoRule.
func clippedSums(e *autodiff.Emitter, r clipRequest) (*clipped, error) {
	rows, err := rowsOf(r.g, r.batched, r.samples)
	if err != nil {
		return nil, err
	}
	for _, v := range r.scores {
		if rows.kinds[v] != bySample {
			return nil, fmt.Errorf("%w: %w", errNoRule, rows.tangledError(v))
		}
	}
	uses, err := usesOf(r.g, r.params, rows)
	if err != nil {
		return nil, err
	}
	outs := make([]*graph.Value, len(uses))
	for i, u := range uses {
		outs[i] = u.node.Out[0]
	}
	dy, err := e.Gradients(autodiff.Request{Y: []*graph.Value{r.losses}, X: outs})
	if err != nil {
		return nil, err
	}
	b := &lossBuilder{e: e}
	for i, u := range uses {
		u.dy = dy[i]
		if err := u.shares(b, r.samples); err != nil {
			return nil, err
		}
	}
	square, err := squaredNorms(b, uses, r)
	if err != nil {
		return nil, err
	}
	norms := b.op("Sqrt", b.op("Max", square, b.num(square, 0)))
	factor := b.op("Min", b.op("Div", b.num(norms, r.clip), b.add(norms, b.num(norms, 1e-6))), b.num(norms, 1))
	sums, err := weightedSums(b, uses, r, b.mul(factor, r.counts))
	if err != nil {
		return nil, err
	}
	return &clipped{sums, norms}, nil
}

// A use is a node where parameters meet what depends on the samples.
type use struct {
	node   *graph.Node
	dy     *graph.Value         // gradient of the sum of all losses by the first output
	inputs []paramInput         // in order of the node's inputs
	data   []*graph.Value       // inputs that are no parameters
	share  map[int]sampleShares // by index of the input
}

// A paramInput is an input of a node that is one parameter in some form.
type paramInput struct {
	index int
	param *graph.Value
	chain []*graph.Node // from the input back to the parameter
}

// usesOf lists the uses in the order of the nodes.
func usesOf(g *graph.Graph, params []*graph.Value, rows *rowFinder) ([]*use, error) {
	derived := map[*graph.Value]bool{} // from parameters, whatever the samples are
	for _, v := range params {
		derived[v] = true
	}
	var uses []*use
	for _, n := range g.Nodes {
		var own, other bool
		for _, v := range reads(n) {
			own = own || derived[v]
			other = other || v != nil && !v.IsConst() && rows.kinds[v] != shared
		}
		switch {
		case !own || n.Op.Flags&ops.ShapeOnly != 0:
			continue
		case !other:
			for _, v := range n.Out {
				derived[v] = true
			}
			continue
		}
		u, err := useOf(n, derived, rows)
		if err != nil {
			return nil, err
		}
		uses = append(uses, u)
	}
	return uses, nil
}

func useOf(n *graph.Node, derived map[*graph.Value]bool, rows *rowFinder) (*use, error) {
	u := &use{node: n, share: map[int]sampleShares{}}
	results := 0
	for _, v := range n.Out {
		if v != nil {
			results++
		}
	}
	if len(n.Bodies) > 0 || results != 1 || n.Out[0] == nil || rows.kinds[n.Out[0]] != bySample {
		return nil, noShare(n)
	}
	for i, v := range n.In {
		if v == nil || v.IsConst() {
			continue
		}
		if !derived[v] {
			u.data = append(u.data, v)
			continue
		}
		p := paramInput{index: i}
		for v.From != nil {
			if !keepsNorm(v.From) {
				return nil, noShare(n)
			}
			p.chain = append(p.chain, v.From)
			v = v.From.In[0]
		}
		p.param = v
		u.inputs = append(u.inputs, p)
	}
	return u, nil
}

// keepsNorm reports whether a node keeps each element of its first input once or leaves it out, so that its gradient has the norm
// of that of its output.
func keepsNorm(n *graph.Node) bool {
	if n.Domain != "" {
		return false
	}
	switch n.Type {
	case "Identity", "Cast", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice":
		return true
	case "Gather":
		return distinctIDs(n.In[1])
	}
	return false
}

// distinctIDs reports whether v is a constant of different indices.
func distinctIDs(v *graph.Value) bool {
	ids, ok := constInts(v)
	seen := map[int64]bool{}
	for _, id := range ids {
		ok = ok && id >= 0 && !seen[id]
		seen[id] = true
	}
	return ok
}

func noShare(n *graph.Node) error {
	return fmt.Errorf("%w: node %q (%s)", errNoRule, n.Path(), n.Type)
}

// squaredNorms sums the squared norms over all parameters.
func squaredNorms(b *lossBuilder, uses []*use, r clipRequest) (*graph.Value, error) {
	var total *graph.Value
	for _, p := range r.params {
		var parts []*graph.Value // gradients of the samples, flat, where there are several uses
		var single *graph.Value
		found := 0
		for _, u := range uses {
			for _, in := range u.inputs {
				if in.param == p {
					found++
				}
			}
		}
		for _, u := range uses {
			for _, in := range u.inputs {
				if in.param != p {
					continue
				}
				s := u.share[in.index]
				if found == 1 {
					single = s.square()
					continue
				}
				full, err := u.full(b, in, r.samples)
				if err != nil {
					return nil, err
				}
				parts = append(parts, full)
			}
		}
		if len(parts) > 0 {
			single = b.sumSquare(b.op("Sum", parts...))
		}
		switch {
		case single == nil:
			continue
		case total == nil:
			total = b.to(single, tensor.Float32)
		default:
			total = b.add(total, b.to(single, tensor.Float32))
		}
	}
	if total == nil && b.err == nil {
		return nil, fmt.Errorf("finetune: differential privacy: the loss depends on no parameter")
	}
	return b.done(total)
}

// full returns the gradients of the samples by the parameter behind an input, flat: [samples, size].
func (u *use) full(b *lossBuilder, in paramInput, samples int) (*graph.Value, error) {
	s := u.share[in.index]
	if s.full == nil {
		return nil, noShare(u.node)
	}
	v := s.full()
	for i := len(in.chain) - 1; i >= 0 && b.err == nil; i-- { // the node's input is the output of the first of the chain
		n := in.chain[len(in.chain)-1-i]
		switch n.Type {
		case "Slice", "Gather":
			return nil, noShare(u.node)
		case "Transpose":
			shape, ok := n.Out[0].Static()
			if !ok {
				return nil, noShare(u.node)
			}
			v = b.reshape(v, append([]int64{int64(samples)}, int64s(shape)...)...)
			v = b.reshape(b.with("Transpose", map[string]any{"perm": inversePermutation(n, len(shape))}, v), int64(samples), -1)
		}
	}
	return b.done(v)
}

// inversePermutation is the permutation that undoes a Transpose behind a first axis of samples.
func inversePermutation(n *graph.Node, rank int) []int64 {
	perm := n.Attrs.IntList("perm")
	if len(perm) == 0 {
		for i := range rank {
			perm = append(perm, int64(rank-1-i))
		}
	}
	out := make([]int64, rank+1)
	for i, p := range perm {
		out[p+1] = int64(i + 1)
	}
	return out
}

func int64s(shape tensor.Shape) []int64 {
	out := make([]int64, len(shape))
	for i, d := range shape {
		out[i] = int64(d)
	}
	return out
}

// weightedSums emits the gradients of the sum of the losses, each times its factor, use by use: the samples' gradients are
// scaled where they come into the node.
func weightedSums(b *lossBuilder, uses []*use, r clipRequest, factor *graph.Value) ([]*graph.Value, error) {
	parts := make([][]*graph.Value, len(r.params))
	for _, u := range uses {
		var params []*graph.Value
		for _, in := range u.inputs {
			if !slices.Contains(params, in.param) {
				params = append(params, in.param)
			}
		}
		y := u.node.Out[0]
		shape, ok := y.Static()
		if !ok {
			return nil, noShare(u.node)
		}
		scaled := b.reshape(b.mul(b.reshape(u.dy, int64(r.samples), -1), b.to(b.reshape(factor, int64(r.samples), 1), u.dy.DType)), int64s(shape)...)
		if b.err != nil {
			return nil, b.err
		}
		dx, err := b.e.Gradients(autodiff.Request{Y: []*graph.Value{y}, Dy: []*graph.Value{scaled}, X: params, Stop: u.data})
		if err != nil {
			return nil, err
		}
		for i, p := range params {
			k := slices.Index(r.params, p)
			parts[k] = append(parts[k], dx[i])
		}
	}
	sums := make([]*graph.Value, len(r.params))
	for k, list := range parts {
		switch len(list) {
		case 0:
			zeros, err := b.e.Filled(r.params[k], 0)
			if err != nil {
				return nil, err
			}
			sums[k] = zeros
		case 1:
			sums[k] = list[0]
		default:
			sums[k] = b.op("Sum", list...)
		}
	}
	return sums, b.err
}
