package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// views takes the copies out of Concat, Split and Slice along the last axis, where that holds the channels. Nodes that can (see
// ops.WideRows) write their outputs to where these are in the result of a Concat, and read a part of a Split as some channels of
// what was cut. What remains of a Concat are Place nodes, copies of the inputs that others make or read.
//
// The nodes that write to one result pass it on, from the first, which makes it, to the last, whose output it is in the end. All
// these values share one storage, so a node may read what one of them wrote when others have written, too.
//
// Gradients read values as they lie, so graphs with gradients stay as they are.
func views(g *graph.Graph) error {
	if slices.ContainsFunc(g.Nodes, autodiff.Emitted) {
		return nil
	}
	var graphs []*graph.Graph
	g.Walk(func(g *graph.Graph) {
		if slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return joins(n) || cuts(n) != nil }) {
			graphs = append(graphs, g)
		}
	})
	if len(graphs) == 0 {
		return nil
	}
	most := make([]int, len(graphs)) // bytes of the arena in use at once, where sizes are known
	for i, g := range graphs {
		if l := newLifetimes(g, Memory{}); l != nil {
			most[i] = l.live[l.peak]
		}
		joinWhole(g)
	}
	users := g.Users()
	replaced := graph.Replacements{}
	for i, g := range graphs {
		w := &viewer{g: g, most: most[i], users: users, place: map[*graph.Node]int{}, part: map[*graph.Value]part{}, made: map[*graph.Value]part{},
			wide: map[*graph.Value]*graph.Value{}, grouped: map[*graph.Node]bool{}, chains: map[*graph.Node]*graph.Node{}, replaced: replaced}
		for i, n := range g.Nodes {
			w.place[n] = i
		}
		w.choose()
		w.rewrite()
	}
	g.Replace(replaced)
	return nil
}

// A viewer is the pass at work on one graph.
type viewer struct {
	g        *graph.Graph
	most     int // bytes of the arena that may be in use at once
	users    map[*graph.Value][]*graph.Node
	place    map[*graph.Node]int
	part     map[*graph.Value]part         // values that are to be channels of others
	made     map[*graph.Value]part         // where those are that a node writes into another, from when it has
	wide     map[*graph.Value]*graph.Value // what a result is so far
	grouped  map[*graph.Node]bool          // elementwise nodes that go into a chain
	chains   map[*graph.Node]*graph.Node   // that stand for the last of these nodes
	replaced graph.Replacements            // results by what they are in the end
	nodes    []*graph.Node                 // what the graph becomes
}

// A part is a range of the channels of a value that begins at from. It is written there by what makes it, or read there.
type part struct {
	of      *graph.Value
	from    int
	written bool
}

// writers say of the operators that can write some channels of a wider output which input that is.
var writers = map[string]int{"NhwcAveragePool": 1, "NhwcConv": 4, "NhwcMaxPool": 1, "NhwcResize": 4, "Place": 1}

// viewed lists the inputs that operators can read as some channels of what is wider.
var viewed = map[string][]int{"NhwcAveragePool": {0}, "NhwcConv": {0, 3}, "NhwcMaxPool": {0}, "Place": {0}}

// channels returns how many elements the last axis of v has, which must be float32.
func channels(v *graph.Value) (int, bool) {
	if v == nil || v.Const != nil || v.Kind != tensor.KindTensor || v.DType != tensor.Float32 || !v.Ranked || len(v.Dims) < 2 {
		return 0, false
	}
	n, ok := v.Dims[len(v.Dims)-1].Const()
	return int(n), ok && n > 0
}

// joinedChannels is channels for an input of what joins, which may be constant.
func joinedChannels(v *graph.Value) int {
	n, _ := v.Dims[len(v.Dims)-1].Const()
	return int(n)
}

// repeatsPixels reports whether n is a Resize to the nearest element that lets the last axis, the channels, as it is.
func repeatsPixels(n *graph.Node) bool {
	if !is(n, "Resize") || n.Version < 11 || len(n.In) < 3 || n.Attrs.Str("mode") != "nearest" || n.Attrs.HasAttr("axes") || n.Attrs.Str("coordinate_transformation_mode") == "tf_crop_and_resize" {
		return false
	}
	in, ok := channels(n.In[0])
	out, okOut := channels(n.Out[0])
	if !ok || !okOut || in != out {
		return false
	}
	if len(n.In) > 3 && n.In[3] != nil {
		return true // a size that is the axis' own
	}
	s := n.In[2]
	return s != nil && s.Const != nil && s.DType == tensor.Float32 && s.Const.Len() == n.In[0].Rank() && tensor.Of[float32](s.Const)[n.In[0].Rank()-1] == 1
}

// alongLast reports whether an axis of a tensor of that rank is the last.
func alongLast(axis, rank int) bool { return axis == -1 || axis == rank-1 }

// joins reports whether n joins channels.
func joins(n *graph.Node) bool {
	if !is(n, "Concat") || len(n.In) < 2 || !n.Attrs.HasAttr("axis") || len(n.Out) != 1 {
		return false
	}
	if _, ok := channels(n.Out[0]); !ok || !alongLast(n.Attrs.Int("axis"), n.Out[0].Rank()) {
		return false
	}
	return !slices.ContainsFunc(n.In, func(v *graph.Value) bool {
		_, ok := channels(v)
		return !ok && (v == nil || !v.IsConst())
	})
}

// cuts returns the first channel of each output of a node that cuts channels apart, nil if n is no such node.
func cuts(n *graph.Node) []int {
	switch {
	case is(n, "Split"):
		return splitsAt(n)
	case is(n, "Slice"):
		return sliceAt(n)
	}
	return nil
}

func splitsAt(n *graph.Node) (at []int) {
	whole, ok := channels(n.In[0])
	if !ok || !alongLast(n.Attrs.IntOr("axis", 0), n.In[0].Rank()) {
		return nil
	}
	sum := 0
	for _, v := range n.Out {
		c, ok := channels(v)
		if !ok {
			return nil
		}
		at = append(at, sum)
		sum += c
	}
	if sum != whole {
		return nil
	}
	return at
}

// sliceAt returns where a Slice of neighbouring channels begins.
func sliceAt(n *graph.Node) []int {
	whole, ok := channels(n.In[0])
	count, okOut := channels(n.Out[0])
	if !ok || !okOut || len(n.In) < 4 || n.In[3] == nil {
		return nil
	}
	starts, okS := n.In[1].Ints()
	axes, okA := n.In[3].Ints()
	if !okS || !okA || len(starts) != 1 || len(axes) != 1 || !alongLast(int(axes[0]), n.In[0].Rank()) {
		return nil
	}
	if len(n.In) > 4 && n.In[4] != nil {
		if steps, ok := n.In[4].Ints(); !ok || len(steps) != 1 || steps[0] != 1 {
			return nil
		}
	}
	from := starts[0]
	if from < 0 {
		from += int64(whole)
	}
	if from = max(from, 0); from+int64(count) > int64(whole) {
		return nil
	}
	return []int{int(from)}
}

// joinWhole lets a Concat that has all parts of a Split one after the other read what was cut, and one that begins with all inputs
// of an earlier one read the result of that: densely connected networks join more and more values.
func joinWhole(g *graph.Graph) {
	earlier := map[string]*graph.Value{}
	number := map[*graph.Value]int{}
	key := func(list []*graph.Value) string {
		text := make([]byte, 0, 4*len(list))
		for _, v := range list {
			k, ok := number[v]
			if !ok {
				k = len(number)
				number[v] = k
			}
			text = append(text, byte(k), byte(k>>8), byte(k>>16), byte(k>>24))
		}
		return string(text)
	}
	for _, n := range g.Nodes {
		if !joins(n) {
			continue
		}
		n.In = uncut(n.In)
		for k := len(n.In) - 1; k >= 2; k-- {
			if whole := earlier[key(n.In[:k])]; whole != nil {
				n.In = append([]*graph.Value{whole}, n.In[k:]...)
				k = len(n.In) // that one may begin another
			}
		}
		if k := key(n.In); earlier[k] == nil && len(n.In) > 1 {
			earlier[k] = n.Out[0]
		}
	}
}

// uncut puts what was cut in the place of all its parts.
func uncut(in []*graph.Value) (out []*graph.Value) {
	for i := 0; i < len(in); i++ {
		v := in[i]
		if s := v.From; s != nil && is(s, "Split") && cuts(s) != nil && len(in)-i >= len(s.Out) && slices.Equal(in[i:i+len(s.Out)], s.Out) {
			v, i = s.In[0], i+len(s.Out)-1
		}
		out = append(out, v)
	}
	return out
}
