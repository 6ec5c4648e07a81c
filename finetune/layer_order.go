package finetune

import (
	"cmp"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
)

// sort puts the layers in the order of their nodes.
func (f *layerFinder) sort(g *graph.Graph) {
	place := map[*graph.Node]int{}
	g.Walk(func(sub *graph.Graph) {
		for _, n := range sub.Nodes {
			place[n] = len(place)
		}
	})
	slices.SortStableFunc(f.layers, func(a, b *Layer) int { return cmp.Compare(place[a.node], place[b.node]) })
}

// distances counts for each layer the trainable ones on the longest way to an output. Linear layers, convolutions and
// recurrent ones, and embeddings count; norms and scales are as far away as the layer that they follow, since "the last
// layer" means one that computes features, together with what scales its results.
func (f *layerFinder) distances(g *graph.Graph) {
	far := map[*graph.Node]int{} // trainable layers on the way from the node's outputs to the model's
	visit := func(n *graph.Node) {
		d := far[n]
		if l := f.from[n]; l != nil && l.node == n {
			l.Distance = d
			if l.counts() {
				d++
			}
		}
		for _, v := range append(n.In[:len(n.In):len(n.In)], n.Captures()...) {
			if v != nil && v.From != nil {
				far[v.From] = max(far[v.From], d)
			}
		}
	}
	f.backwards(g, visit)
}

// counts reports whether the layer is one of those that "last:N" counts.
func (l *Layer) counts() bool {
	return l.Trainable() && l.Kind != Norm && l.Kind != Scale
}

// backwards visits all nodes, users before producers; the nodes of a body before the node that it belongs to.
func (f *layerFinder) backwards(g *graph.Graph, visit func(*graph.Node)) {
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		for _, b := range n.Bodies {
			f.backwards(b.Graph, visit)
		}
		visit(n)
	}
}
