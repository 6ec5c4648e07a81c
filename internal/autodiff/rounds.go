package autodiff

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
)

// A repeated is a Loop or Scan, by where its values are. Its inputs are first others (the bounds of a Loop), carried
// values and scan inputs; its outputs carried values and stacked ones. The body takes lead others (number of the
// round and condition), carried values and slices of the scan inputs; it returns skip others (the condition), carried
// values and what is stacked.
type repeated struct {
	n                          *graph.Node
	body                       *graph.Graph
	first, carried, lead, skip int
	inAxes, inBack             []int64 // axis of each scan input, and whether it is walked from its end
	outAxes, outBack           []int64 // the same of each stacked output
}

// repeatedNode reads n, a Loop, or a Scan since version 9.
func repeatedNode(n *graph.Node) (*repeated, error) {
	l := &repeated{n: n, body: n.Body("body")}
	scans := 0
	if n.Type == "Loop" {
		l.first, l.lead, l.skip = 2, 2, 1
	} else {
		scans = n.Attrs.Int("num_scan_inputs")
	}
	l.carried = max(len(n.In)-l.first-scans, 0)
	if l.body == nil || len(l.body.Inputs) != l.lead+l.carried+scans || len(l.body.Outputs) != l.skip+len(n.Out) || len(n.Out) < l.carried {
		return nil, fmt.Errorf("the body does not fit %d inputs and %d outputs", len(n.In), len(n.Out))
	}
	list := func(name string, count int) []int64 {
		out := make([]int64, count)
		copy(out, n.Attrs.IntList(name))
		return out
	}
	stacked := len(n.Out) - l.carried
	l.inAxes, l.inBack = list("scan_input_axes", scans), list("scan_input_directions", scans)
	l.outAxes, l.outBack = list("scan_output_axes", stacked), list("scan_output_directions", stacked)
	return l, nil
}

// in and out return what the body takes and returns as carried value k, of g: the body or a copy of it.
func (l *repeated) in(g *graph.Graph, k int) *graph.Value  { return g.Inputs[l.lead+k] }
func (l *repeated) out(g *graph.Graph, k int) *graph.Value { return g.Outputs[l.skip+k] }

// slice returns what the body takes of scan input i, and scanned that input.
func (l *repeated) slice(g *graph.Graph, i int) *graph.Value { return g.Inputs[l.lead+l.carried+i] }
func (l *repeated) scanned(i int) *graph.Value               { return l.n.In[l.first+l.carried+i] }

// rounds emits the gradient of a Loop or Scan: a Scan that goes through the rounds in the opposite order. It carries
// the gradients of the carried values, and those of what the body uses of the graphs around it, which add up; the
// gradients of scan inputs are stacked. What each round began with is saved by the forward node, all other values are
// computed once more.
func (w *walk) rounds(n *graph.Node) error {
	l, err := repeatedNode(n)
	if err != nil {
		return err
	}
	dy, any, err := w.upstream(n)
	if err != nil || !any {
		return err
	}
	cut := drawn(l.body)
	r, err := w.replay(n, l.body, cut...)
	if err != nil {
		return err
	}
	b := &backward{replay: r, l: l, dy: dy, cut: cut}
	b.choose()
	if err := b.emit(b.gradients); err != nil || len(b.to) == 0 {
		return err
	}
	if err := b.begin(); err != nil {
		return err
	}
	if err := b.settle(nil, b.scan.results()); err != nil {
		return err
	}
	if err := b.restore(); err != nil {
		return err
	}
	dx, err := b.scan.emit(w.Emitter, b.graph)
	if err != nil {
		return err
	}
	for i, x := range b.to {
		w.give(x, dx[i])
	}
	return nil
}

// drawn returns the results of nodes of g that depend on nothing but random numbers and sizes.
func drawn(g *graph.Graph) []*graph.Value {
	var out []*graph.Value
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil && redraws(n) && n.Op.Grad == nil {
				out = append(out, v)
			}
		}
	}
	return out
}

// A backward is the gradient of a Loop or Scan while it is made.
type backward struct {
	*replay
	l    *repeated
	dy   []*graph.Value // of the node's outputs, nil where there is none
	cut  []*graph.Value // values of the forward body that cannot be computed again
	scan scan
	to   []*graph.Value // what the outputs of the scan are gradients of, nil where nobody wants them

	around []*graph.Value // captured values whose gradients are wanted
	slices []int          // scan inputs whose gradients are wanted
	active []int          // carried values with gradients that are wanted
}

// choose finds what gradients are computed of: captured values and scan inputs that are wanted, and the carried values
// between them and the outputs that have gradients.
func (b *backward) choose() {
	l, g := b.l, b.graph
	b.around = b.wanted(b.captures)
	leaves := b.around[:len(b.around):len(b.around)]
	for i := range l.inAxes {
		if b.path.wants(l.scanned(i)) {
			b.slices = append(b.slices, i)
			leaves = append(leaves, l.slice(g, i))
		}
	}
	var ends []*graph.Value
	wanted, reached := make([]bool, l.carried), make([]bool, l.carried)
	for k := range wanted {
		wanted[k], reached[k] = b.path.wants(l.n.In[l.first+k]), b.dy[k] != nil
	}
	for j := range l.outAxes {
		if b.dy[l.carried+j] != nil {
			ends = append(ends, l.out(g, l.carried+j))
		}
	}
	ins := func() []*graph.Value { return pick(leaves, wanted, func(k int) *graph.Value { return l.in(g, k) }) }
	spread(wanted, func() func(k int) bool {
		p := findPath(g.Outputs, ins(), b.captures)
		return func(k int) bool { return p.wants(l.out(g, k)) }
	})
	spread(reached, func() func(k int) bool {
		ys := pick(ends, reached, func(k int) *graph.Value { return l.out(g, k) })
		read := findPath(ys, ins(), b.captures).read(ys)
		return func(k int) bool { return wanted[k] && read[l.in(g, k)] }
	})
	for k := range wanted {
		if wanted[k] && reached[k] {
			b.active = append(b.active, k)
		}
	}
}

// pick appends to list the values of those k that are set.
func pick(list []*graph.Value, set []bool, value func(k int) *graph.Value) []*graph.Value {
	list = list[:len(list):len(list)]
	for k, on := range set {
		if on {
			list = append(list, value(k))
		}
	}
	return list
}

// spread sets what test, made anew for each state of set, says of k, until nothing is added.
func spread(set []bool, test func() func(k int) bool) {
	for changed := true; changed; {
		changed = false
		more := test()
		for k := range set {
			if !set[k] && more(k) {
				set[k], changed = true, true
			}
		}
	}
}
