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
	f.measure(g, 0, map[*graph.Node]int{})
}

// measure is distances for a graph whose outputs have the given number of trainable layers behind them; far has that number
// for the nodes whose users were seen. It returns the largest one before a node of g.
func (f *layerFinder) measure(g *graph.Graph, behind int, far map[*graph.Node]int) int {
	most := behind
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		d := max(far[n], behind)
		before := d
		for _, b := range n.Bodies {
			before = max(before, f.measure(b.Graph, d, far))
		}
		if l := f.from[n]; l != nil && l.node == n {
			if l.Distance = d; l.counts() {
				before = max(before, d+1)
			}
		}
		for _, v := range reads(n) {
			if v != nil && v.From != nil {
				far[v.From] = max(far[v.From], before)
			}
		}
		most = max(most, before)
	}
	return most
}

// counts reports whether the layer is one of those that "last:N" counts.
func (l *Layer) counts() bool {
	return l.Trainable() && l.Kind != Norm && l.Kind != Scale
}
