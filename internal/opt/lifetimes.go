package opt

import (
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// lifetimes tell how much of the arena a run of a graph has in use at each node, as internal/plan will lay it out: views share
// storage, results are written over inputs that die, outputs lie in the caller's storage or to the end in the arena. All shapes
// must be known.
type lifetimes struct {
	nodes    []*graph.Node
	contents []content
	of       map[*graph.Value]int // the content that a value is, or is a view of
	live     []int                // bytes in use at each node
	peak     int                  // where these are most
}

// A content is what one node made, until its storage is written over: a value and the views of it.
type content struct {
	values []*graph.Value
	size   int
	def    int   // place of the node that makes it, -1 for what comes from outside
	uses   []int // places of nodes that read it, ascending
	root   int   // the content that had the storage first
	own    bool  // lies in the arena
	stays  bool  // is an output
	last   int   // of a root: the last use of all that lie in its storage
	until  int   // place of the node that changes the elements
}

const alignedTo = 64 // sizes in the arena

// newLifetimes returns nil if the size of some value is not known.
func newLifetimes(g *graph.Graph, m Memory) *lifetimes {
	l := &lifetimes{of: make(map[*graph.Value]int, 2*len(g.Nodes))}
	if !l.find(g, m) {
		return nil
	}
	return l
}

// find is newLifetimes in the storage of l.
func (l *lifetimes) find(g *graph.Graph, m Memory) bool {
	clear(l.of)
	l.nodes, l.contents, l.peak = g.Nodes, l.contents[:0], 0
	l.live = slices.Grow(l.live[:0], len(g.Nodes)+1)[:len(g.Nodes)+1]
	clear(l.live)
	for _, v := range g.Inputs {
		l.add(v, -1, 0)
	}
	for i, n := range g.Nodes {
		if !l.node(i, n) {
			return false
		}
	}
	for _, v := range g.Outputs {
		if k, ok := l.of[v]; ok {
			l.use(k, len(g.Nodes))
			l.contents[k].own, l.contents[k].stays = l.contents[k].own && m.Inside, true
		}
	}
	l.inPlace()
	for i, n := range g.Nodes {
		l.live[i] = m.Scratch[n]
	}
	for k := range l.contents {
		if c := &l.contents[k]; c.own && c.root == k {
			for i := c.def; i <= c.last; i++ {
				l.live[i] += c.size
			}
		}
	}
	for i, n := range l.live {
		if n > l.live[l.peak] {
			l.peak = i
		}
	}
	return true
}

// below reports whether less is in use at the peak than at that of other, or as much at fewer nodes.
func (l *lifetimes) below(other *lifetimes) bool {
	peak, before := l.live[l.peak], other.live[other.peak]
	return peak < before || peak == before && l.full() < other.full()
}

// full counts the nodes at which as much is in use as at the peak.
func (l *lifetimes) full() (n int) {
	for _, bytes := range l.live {
		if bytes == l.live[l.peak] {
			n++
		}
	}
	return n
}

func (l *lifetimes) add(v *graph.Value, def, size int) {
	k := len(l.contents)
	c := content{size: (size + alignedTo - 1) / alignedTo * alignedTo, def: def, root: k, own: def >= 0, last: def, until: math.MaxInt}
	if k < cap(l.contents) {
		old := l.contents[:k+1][k]
		c.values, c.uses = old.values[:0], old.uses[:0]
	}
	c.values = append(c.values, v)
	l.contents = append(l.contents, c)
	l.of[v] = k
}

func (l *lifetimes) use(k, at int) {
	c := &l.contents[k]
	if len(c.uses) == 0 || c.uses[len(c.uses)-1] != at {
		c.uses = append(c.uses, at)
	}
	c.last = at
}

// node adds what node i reads and makes. It reports whether that is known.
func (l *lifetimes) node(i int, n *graph.Node) bool {
	if isView(n) {
		v := n.Out[0]
		if k, ok := l.of[n.In[0]]; ok {
			l.of[v] = k
			l.contents[k].values = append(l.contents[k].values, v)
		}
		_, ok := v.Static()
		return ok || v.IsConst()
	}
	for _, v := range n.In {
		if k, ok := l.of[v]; ok {
			l.use(k, i)
		}
	}
	if len(n.Bodies) > 0 {
		for _, v := range n.Captures() {
			if k, ok := l.of[v]; ok {
				l.use(k, i)
			}
		}
	}
	if n.Op != nil && n.Op.Flags&ops.Changes != 0 {
		if k, ok := l.of[n.In[len(n.In)-1]]; ok {
			l.contents[k].until = i
		}
	}
	if into := n.Into(); into > 0 {
		k, ok := l.of[n.In[into]]
		if ok {
			l.of[n.Out[0]] = k
			l.contents[k].values = append(l.contents[k].values, n.Out[0])
			l.contents[k].until = i
		}
		return ok
	}
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		shape, ok := v.Static()
		if !ok || v.DType == tensor.String || n.Op == nil || n.Op.Flags&ops.Managed != 0 {
			return false
		}
		l.add(v, i, v.DType.ByteLen(shape.Len()))
	}
	return true
}

func isView(n *graph.Node) bool { return n.Op != nil && n.Op.Flags&ops.View != 0 && n.In[0] != nil }

// inPlace lets results be written over inputs that die.
func (l *lifetimes) inPlace() {
	for i, n := range l.nodes {
		inputs := l.overwritable(n)
		if len(inputs) == 0 || isView(n) || len(n.Out) == 0 || n.Out[0] == nil {
			continue
		}
		to := l.of[n.Out[0]]
		out := &l.contents[to]
		if !out.own {
			continue
		}
		for _, v := range inputs {
			k, ok := l.of[v]
			if !ok {
				continue
			}
			root := &l.contents[l.contents[k].root]
			if root.own && root.last == i && sameType(v, n.Out[0]) {
				out.root, root.last = l.contents[k].root, out.last
				break
			}
		}
	}
}

// overwritable returns the inputs that output 0 of n may be written over if they die there; see the planner's.
func (l *lifetimes) overwritable(n *graph.Node) []*graph.Value {
	if n.Op.Flags&ops.InPlace != 0 {
		return n.In
	}
	over := n.Over()
	if over == 0 {
		return nil
	}
	at, ok := l.of[n.In[over]]
	for i, v := range n.In {
		if k, found := l.of[v]; i != over && ok && found && l.contents[k].root == l.contents[at].root {
			return nil
		}
	}
	return n.In[over:][:1]
}

// lasts returns the last place at which c is read.
func (c *content) lasts() int {
	if len(c.uses) == 0 {
		return c.def
	}
	return c.uses[len(c.uses)-1]
}

// waits reports whether c lies in the arena at a place only to be read later, and where that is.
func (c *content) waits(at int) (next int, ok bool) {
	if !c.own || c.stays || c.def >= at || c.lasts() <= at {
		return 0, false
	}
	k, found := slices.BinarySearch(c.uses, at)
	if found {
		return 0, false
	}
	return c.uses[k], true
}

// read returns the values of c that nodes from a place on read.
func (l *lifetimes) read(c *content, from int) (out []*graph.Value) {
	first, _ := slices.BinarySearch(c.uses, from)
	for _, at := range c.uses[first:] {
		for _, v := range l.nodes[at].In {
			if v != nil && slices.Contains(c.values, v) && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// place returns where n is.
func (l *lifetimes) place(n *graph.Node) int { return slices.Index(l.nodes, n) }

// A Block is something that lies in the arena: its bytes, and the nodes from first to last during which it is in use.
type Block struct{ Size, First, Last int }

// Blocks returns what the planner lays out for g; nil if the size of some value is not known.
func Blocks(g *graph.Graph, m Memory) (out []Block) {
	l := newLifetimes(g, m)
	if l == nil {
		return nil
	}
	for k := range l.contents {
		if c := &l.contents[k]; c.own && c.root == k {
			out = append(out, Block{c.size, c.def, c.last})
		}
	}
	for i, n := range g.Nodes {
		if s := m.Scratch[n]; s > 0 {
			out = append(out, Block{s, i, i})
		}
	}
	return out
}
