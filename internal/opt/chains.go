package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// chains makes one node of elementwise nodes of one shape that hand on their results only among themselves. It
// runs them block by block, and results in between never reach memory. Where these would stay in a cache nothing is gained.
//
// A group begins with its last node and takes in, again and again, a producer all of whose readers it has.
// So nothing leaves it but the last result, and no path leaves and comes back.
func chains(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range slices.Backward(slices.Clone(r.g.Nodes)) {
			if r.gone(n) || !elementwise(n) || !worthBlocks(n.Out[0]) {
				continue
			}
			if group := r.gather(n); len(group) > 1 {
				r.replace(chainNode(group), n, group[:len(group)-1]...)
			}
		}
		return nil
	})
}

const (
	mostChained  = 24      // steps of a chain
	mostInputs   = 16      // inputs of a chain
	mostOperands = 3       // of a node: those of Where and Clip
	leastBytes   = 1 << 24 // of a result that is worth blocks: CALIBRATION.md
	assumed      = 64      // size of a dimension that is not known
)

// elementwise reports whether n may be part of a chain.
func elementwise(n *graph.Node) bool {
	if n.Domain != "" || n.Op == nil || n.Op.Flags&(ops.Elementwise|ops.View) != ops.Elementwise || n.Op != ops.Default().Find("", n.Type, n.Version) {
		return false
	}
	if len(n.In) > mostOperands || len(n.Out) != 1 || !chained(n.Out[0]) || n.Out[0].Rank() == 0 {
		return false
	}
	for _, v := range n.In {
		if v != nil && (!chained(v) || v.Rank() > n.Out[0].Rank()) {
			return false
		}
	}
	return true
}

// chained reports whether a chain can read or hand on v.
func chained(v *graph.Value) bool {
	if v == nil || v.Kind != tensor.KindTensor || !v.Ranked {
		return false
	}
	switch v.DType {
	case tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Bool:
		return true
	}
	return false
}

// worthBlocks reports whether what stands between the nodes of a group for v would go to memory and back.
func worthBlocks(v *graph.Value) bool {
	n := int64(v.DType.Size())
	for _, d := range v.Dims {
		k, ok := d.Const()
		if !ok {
			k = assumed
		}
		if k == 0 {
			return false
		}
		n *= min(k, leastBytes)
		n = min(n, leastBytes)
	}
	return n >= leastBytes
}

// gather returns the group that ends with last, in the order of the graph.
func (r *rewriter) gather(last *graph.Node) []*graph.Node {
	group := []*graph.Node{last}
	for i := 0; i < len(group); i++ {
		for _, v := range group[i].In {
			if len(group) == mostChained {
				break
			}
			n := r.joins(v, group)
			if n == nil || len(chainInputs(append(group, n))) > mostInputs {
				continue
			}
			group = append(group, n)
			i = -1 // what was read by others too may be read by the group alone now
			break
		}
	}
	slices.SortFunc(group, r.inOrder)
	return group
}

// joins returns the producer of v if it can join the group.
func (r *rewriter) joins(v *graph.Value, group []*graph.Node) *graph.Node {
	if v == nil || v.From == nil {
		return nil
	}
	n, last := v.From, group[0].Out[0]
	if !r.live(n) || slices.Contains(group, n) || !elementwise(n) || !sameDims(v, last) {
		return nil
	}
	for _, u := range r.users()[v] {
		if u == nil || !slices.Contains(group, u) {
			return nil
		}
	}
	return n
}

func sameDims(a, b *graph.Value) bool {
	return slices.EqualFunc(a.Dims, b.Dims, func(x, y ops.Dim) bool { return x.Equal(y) })
}

// chainInputs returns what a group reads of others.
func chainInputs(group []*graph.Node) (in []*graph.Value) {
	for _, n := range group {
		for _, v := range n.In {
			if v != nil && !slices.Contains(in, v) && !slices.Contains(group, v.From) {
				in = append(in, v)
			}
		}
	}
	return in
}

// chainNode returns the node that does what the group does.
func chainNode(group []*graph.Node) *graph.Node {
	in := chainInputs(group)
	number := map[*graph.Value]int{}
	for i, v := range in {
		number[v] = i
	}
	var steps []ops.ChainStep
	for i, n := range group {
		s := ops.ChainStep{Name: n.Type, Version: n.Version, DType: n.Out[0].DType, Attrs: n.Attrs}
		for _, v := range n.In {
			k := -1
			if v != nil {
				k = number[v]
			}
			s.In = append(s.In, k)
		}
		number[n.Out[0]] = len(in) + i
		steps = append(steps, s)
	}
	return newNode("onnxrun", "Elementwise", 1, ops.ChainAttrs(steps), in...)
}
