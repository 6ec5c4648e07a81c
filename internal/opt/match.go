package opt

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A rewriter replaces groups of nodes of one graph. Nodes are marked while it looks at the graph, and
// removed or replaced by finish.
type rewriter struct {
	g       *graph.Graph
	reads   *readers
	at      map[*graph.Node]int // places in g, made by place
	removed map[*graph.Node]bool
	instead map[*graph.Node]*graph.Node
	before  map[*graph.Node][]*graph.Node // new nodes in front of others
}

// readers are the users of values over a graph and those inside it, counted when somebody asks first: most passes find
// nothing in most graphs.
type readers struct {
	main  *graph.Graph
	of    map[*graph.Value][]*graph.Node
	lists graph.UserLists
	at    map[*graph.Node]int // for the rewriter of one graph after the other
}

// idleReaders keeps the storage of readers for the next pass: models of thousands of nodes would leave megabytes of it behind.
var idleReaders = sync.Pool{New: func() any { return &readers{at: map[*graph.Node]int{}} }}

func readersOf(g *graph.Graph) *readers {
	r := idleReaders.Get().(*readers)
	r.main = g
	return r
}

// release lets go of the graph.
func (r *readers) release() {
	r.main, r.of = nil, nil
	r.lists.Clear()
	clear(r.at)
	idleReaders.Put(r)
}

// rewrite runs f on g and each graph inside it. Users are counted once over all of them: what is replaced in
// one graph may leave a reader too many for another, never one too few.
func rewrite(g *graph.Graph, f func(*rewriter) error) error {
	var graphs []*graph.Graph
	g.Walk(func(g *graph.Graph) { graphs = append(graphs, g) })
	reads := readersOf(g)
	defer reads.release()
	for _, sub := range graphs {
		r := &rewriter{g: sub, reads: reads, removed: map[*graph.Node]bool{}, instead: map[*graph.Node]*graph.Node{}, before: map[*graph.Node][]*graph.Node{}}
		if err := f(r); err != nil {
			return err
		}
		r.finish()
	}
	return nil
}

// users returns the nodes that read each value, nil for the graph's own outputs.
func (r *rewriter) users() map[*graph.Value][]*graph.Node {
	if r.reads.of == nil {
		r.reads.of = r.reads.lists.Of(r.reads.main)
	}
	return r.reads.of
}

// place returns where n is in the graph, false if it is in another.
func (r *rewriter) place(n *graph.Node) (int, bool) {
	if r.at == nil {
		r.at = r.reads.at
		clear(r.at)
		for i, n := range r.g.Nodes {
			r.at[n] = i
		}
	}
	i, here := r.at[n]
	return i, here
}

func (r *rewriter) finish() {
	if len(r.removed) == 0 && len(r.instead) == 0 {
		return
	}
	kept := make([]*graph.Node, 0, len(r.g.Nodes)+len(r.before))
	for _, n := range r.g.Nodes {
		kept = append(kept, r.before[n]...)
		switch {
		case r.instead[n] != nil:
			kept = append(kept, r.instead[n])
		case !r.removed[n]:
			kept = append(kept, n)
		}
	}
	r.g.Nodes = kept
}

// only returns the one node of this graph that reads v, nil if there are more, or v is an output.
func (r *rewriter) only(v *graph.Value) *graph.Node {
	u := r.users()[v]
	if len(u) != 1 || u[0] == nil || !r.live(u[0]) {
		return nil
	}
	return u[0]
}

// inOrder compares the places of two nodes of this graph.
func (r *rewriter) inOrder(a, b *graph.Node) int {
	i, _ := r.place(a)
	j, _ := r.place(b)
	return i - j
}

// live reports whether n is in this graph and stays as it is so far.
func (r *rewriter) live(n *graph.Node) bool {
	if _, here := r.place(n); !here {
		return false
	}
	return !r.gone(n)
}

// gone reports whether n, a node of this graph, has been removed or replaced.
func (r *rewriter) gone(n *graph.Node) bool { return r.removed[n] || r.instead[n] != nil }

// replace puts n in the place of last, whose first output it takes over, and removes the other nodes.
func (r *rewriter) replace(n, last *graph.Node, others ...*graph.Node) {
	if n.Op == nil {
		return // the table lacks the operator
	}
	n.Out = []*graph.Value{last.Out[0]}
	n.Out[0].From, n.Out[0].Index = n, 0
	if n.Name == "" {
		n.Name = last.Name
	}
	r.instead[last] = n
	for _, o := range others {
		r.removed[o] = true
	}
	users := r.users()
	for _, v := range n.In {
		if v != nil {
			users[v] = append(users[v], n)
		}
	}
	r.at[n], _ = r.place(last)
}

// insert adds a node with one output of the given type in front of at, which it returns. Nothing may read it in the end.
func (r *rewriter) insert(at, n *graph.Node, t ops.Type) *graph.Value {
	v := &graph.Value{Name: at.Path() + "/" + n.Type, Value: ops.Value{Type: t}, From: n}
	n.Name, n.Out = v.Name, []*graph.Value{v}
	r.before[at] = append(r.before[at], n)
	r.at[n], _ = r.place(at)
	users := r.users()
	for _, in := range n.In {
		users[in] = append(users[in], n)
	}
	return v
}

// by returns the live node of this graph that produces v if it is the named operator of ai.onnx.
func (r *rewriter) by(v *graph.Value, op string) *graph.Node {
	if v == nil || v.From == nil || !is(v.From, op) || !r.live(v.From) {
		return nil
	}
	return v.From
}

func is(n *graph.Node, op string) bool { return n != nil && n.Domain == "" && n.Type == op }

// other returns the operand of a binary node that is not v, nil if v is neither.
func other(n *graph.Node, v *graph.Value) *graph.Value {
	switch {
	case len(n.In) != 2:
		return nil
	case n.In[0] == v:
		return n.In[1]
	case n.In[1] == v:
		return n.In[0]
	}
	return nil
}

// scalar returns the element of a floating-point constant that has just one.
func scalar(v *graph.Value) (float64, bool) {
	if v == nil || v.Const == nil || v.Const.Kind() != tensor.KindTensor || v.Const.Len() != 1 {
		return 0, false
	}
	switch v.DType {
	case tensor.Float32:
		return float64(tensor.Of[float32](v.Const)[0]), true
	case tensor.Float64:
		return tensor.Of[float64](v.Const)[0], true
	}
	return 0, false
}

// near reports whether v is a constant close to want: exports write constants with few digits.
func near(v *graph.Value, want float64) bool {
	x, ok := scalar(v)
	return ok && math.Abs(x-want) <= 1e-4*math.Abs(want)
}

// timesConst splits the product of a value and a constant near c.
func (r *rewriter) timesConst(v *graph.Value, c float64) (x *graph.Value, n *graph.Node) {
	if n = r.by(v, "Mul"); n != nil {
		for i := range 2 {
			if near(n.In[i], c) {
				return n.In[1-i], n
			}
		}
	}
	if n = r.by(v, "Div"); n != nil && near(n.In[1], 1/c) {
		return n.In[0], n
	}
	return nil, nil
}

// newNode makes a node of an operator of the built-in table.
func newNode(domain, op string, version int, attrs ops.Attrs, in ...*graph.Value) *graph.Node {
	return &graph.Node{Domain: domain, Type: op, Version: version, Op: ops.Default().Find(domain, op, version), Attrs: attrs, In: in}
}

func sameType(a, b *graph.Value) bool {
	if a.Kind != b.Kind || a.DType != b.DType || !a.Ranked || !b.Ranked || len(a.Dims) != len(b.Dims) {
		return false
	}
	for i := range a.Dims {
		if !a.Dims[i].Equal(b.Dims[i]) {
			return false
		}
	}
	return true
}

func floats(v []float32) *onnx.Attribute { return onnx.NewFloats("activation_params", v...) }

// axesOf returns the axes that n names by an attribute, or by a second input that is constant; none if they are not known.
func axesOf(n *graph.Node) []int64 {
	if len(n.In) > 1 && n.In[1] != nil {
		axes, _ := n.In[1].Ints()
		return axes
	}
	return n.Attrs.IntList("axes")
}
