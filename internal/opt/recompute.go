package opt

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
)

// recompute shortens the lives of values that a training step makes in its forward half and reads again in its backward half.
// Where such a value lies in the arena when most of it is in use, and is cheap to make from what is there anyway, the nodes
// that make it are copied in front of its later readers. They give the same bits again. The order of the nodes of g is that in
// which they run. Graphs without gradients, and those whose shapes are not all known, stay as they are.
func recompute(g *graph.Graph) error { return recomputeIn(g, Memory{}) }

func recomputeIn(g *graph.Graph, m Memory) error {
	if slices.ContainsFunc(g.Nodes, autodiff.Emitted) {
		newRecomputer(g, m).until(0)
	}
	return nil
}

// Memory is what the planner will do that a graph does not show.
type Memory struct {
	Inside  bool                // outputs lie in the arena to the end
	Scratch map[*graph.Node]int // working memory of nodes in bytes; nil: not known. That of copies is added
}

// Recompute is the pass of that name with a bound: it moves nodes and copies those of any cost, those first that give most bytes for it, until
// the arena has less bytes in use at once by the given number. It reports whether it comes that far.
func Recompute(g *graph.Graph, less int, m Memory) bool {
	l := newLifetimes(g, m)
	if l == nil {
		return false
	}
	r := newRecomputer(g, m)
	r.dear = true
	target := l.live[l.peak] - less
	return r.until(target) <= target
}

const (
	worthAgain = 1 << 16 // bytes of a value for which nodes are worth copying
	mostAgain  = 24      // nodes copied at once
	mostCost   = 16      // bytes moved, or as much time, for each byte that is saved without a bound

	// smallBeside is how many times more than its size a value has to save to be kept at once, however cheap it is.
	smallBeside = 8
)

// A recomputer moves the peak of a graph's memory down.
type recomputer struct {
	g      *graph.Graph
	memory Memory
	dear   bool                          // nodes of any cost may run again
	origin map[*graph.Value]*graph.Value // what a copy is a copy of
	tried  map[*graph.Value]bool         // without success
	copies int                           // of values, made so far
}

func newRecomputer(g *graph.Graph, m Memory) *recomputer {
	return &recomputer{g: g, memory: m, origin: map[*graph.Value]*graph.Value{}, tried: map[*graph.Value]bool{}}
}

// until lowers the peak to the target, or as far as it goes, and returns it.
func (r *recomputer) until(target int) int {
	l := newLifetimes(r.g, r.memory)
	if l == nil {
		return 0
	}
	next := &lifetimes{of: map[*graph.Value]int{}}
	before := math.MaxInt // the peak when what failed was last tried again
	for range 4 * len(r.g.Nodes) {
		peak := l.live[l.peak]
		if peak <= target {
			break
		}
		best := r.best(l)
		if best == nil && len(r.tried) > 0 && peak < before {
			before = peak
			clear(r.tried)
			best = r.best(l)
		}
		if best == nil {
			break
		}
		back := r.apply(l, best)
		// What costs nothing has to gain something: two moves could take turns for ever.
		if next.find(r.g, r.memory) && (next.below(l) || best.cost > 0 && next.live[next.peak] == peak) {
			l, next = next, l
			continue
		}
		back()
		r.tried[best.saves] = true
	}
	return l.live[l.peak]
}

// A rerun is a list of nodes to run once more in front of a place.
type rerun struct {
	saves *graph.Value
	at    int
	nodes []*graph.Node
	cost  int // bytes moved, or as much time
	gain  int // bytes at the peak
}

// best returns the rerun that costs least for what it gives at the peak, nil if there is none.
func (r *recomputer) best(l *lifetimes) *rerun {
	var best *rerun
	for k := range l.contents {
		c := &l.contents[k]
		at, ok := c.waits(l.peak)
		if !ok || c.size < worthAgain || r.tried[c.values[0]] {
			continue
		}
		if a := r.plan(l, k, at); a != nil && (best == nil || a.cost*best.gain < best.cost*a.gain) {
			best = a
		}
	}
	return best
}

// plan finds out what has to run again in front of a place for content k not to be there at the peak: in front of an earlier one where
// that writes over what is to be read again, as weights that move.
func (r *recomputer) plan(l *lifetimes, k, at int) *rerun {
	for {
		c := &l.contents[k]
		p := &planner{r: r, l: l, without: k, rerun: rerun{saves: c.values[0], at: at, gain: c.size}, seen: map[*graph.Node]bool{}, kept: map[int]bool{}}
		ok := true
		for _, v := range l.read(c, at) {
			ok = ok && p.need(v)
		}
		switch {
		case !ok && p.earlier > 0:
			at = p.earlier
			continue
		case !ok || len(p.nodes) == 0 || p.gain < worthAgain || !r.dear && p.cost > mostCost*p.gain:
			return nil
		}
		return &p.rerun
	}
}

// A planner collects the nodes of a rerun.
type planner struct {
	rerun
	r       *recomputer
	l       *lifetimes
	without int // the content that is to be made again
	seen    map[*graph.Node]bool
	kept    map[int]bool // contents that live longer for the rerun
	earlier int          // the place behind the peak that changes what is needed; 0: none
}

// need sees to it that v is there, and reports whether that can be.
func (p *planner) need(v *graph.Value) bool {
	if v == nil || v.IsConst() {
		return true
	}
	k, ok := p.l.of[v]
	if !ok {
		return true // a view of a constant
	}
	c := &p.l.contents[k]
	if c.until < p.at {
		if c.until > p.l.peak {
			p.earlier = c.until
		}
		return false
	}
	if k != p.without && (!c.own || c.lasts() >= p.l.peak) || p.kept[k] { // there at the peak anyway
		return true
	}
	if small := p.r.dear && k != p.without && smallBeside*c.size <= p.gain; !small && p.again(v.From) {
		return true
	}
	if k == p.without {
		return false
	}
	p.kept[k] = true
	p.gain -= c.size
	return true
}

// again adds n to the nodes, and reports whether it may run again.
func (p *planner) again(n *graph.Node) bool {
	if n == nil || p.seen[n] {
		return n != nil
	}
	cost, ok := p.r.cost(n)
	if !ok || len(p.nodes) == mostAgain {
		return false
	}
	p.seen[n] = true
	for _, v := range n.In {
		if !p.need(v) {
			return false
		}
	}
	p.nodes = append(p.nodes, n)
	if !p.moves(n) {
		p.cost += cost
	}
	return true
}

// moves reports whether n makes what is to be made again and nothing reads that before the place: n then runs there alone. Without a bound nodes
// move for no more than they may run again for.
func (p *planner) moves(n *graph.Node) bool {
	if !p.r.dear {
		return false
	}
	for _, v := range n.Out {
		k, ok := p.l.of[v]
		if !ok {
			continue
		}
		c := &p.l.contents[k]
		if c.stays || len(c.uses) > 0 && (k != p.without || c.uses[0] < p.at) {
			return false
		}
	}
	return true
}

// apply inserts copies of the nodes of a and lets later readers read these. It returns what takes that back.
func (r *recomputer) apply(l *lifetimes, a *rerun) (back func()) {
	before := r.g.Nodes
	in := map[*graph.Node][]*graph.Value{}
	slices.SortFunc(a.nodes, func(x, y *graph.Node) int { return cmp.Compare(l.place(x), l.place(y)) })
	fresh := map[*graph.Value]*graph.Value{} // by origin
	var copies []*graph.Node
	for _, n := range a.nodes {
		copies = append(copies, r.copy(n, fresh))
	}
	for _, n := range before[a.at:] {
		for i, v := range n.In {
			f := fresh[r.originOf(v)]
			if f == nil {
				continue
			}
			if in[n] == nil {
				in[n] = slices.Clone(n.In)
			}
			n.In[i] = f
		}
	}
	r.g.Nodes = slices.Concat(before[:a.at], copies, before[a.at:])
	r.g.Prune()
	return func() {
		r.g.Nodes = before
		for n, list := range in {
			n.In = list
		}
	}
}

func (r *recomputer) originOf(v *graph.Value) *graph.Value {
	if o := r.origin[v]; o != nil {
		return o
	}
	return v
}

// copy returns a copy of n, which reads what is fresh, and adds its results to that.
func (r *recomputer) copy(n *graph.Node, fresh map[*graph.Value]*graph.Value) *graph.Node {
	m := *n
	if s := r.memory.Scratch[n]; s > 0 {
		r.memory.Scratch[&m] = s
	}
	m.In, m.Out = slices.Clone(n.In), slices.Clone(n.Out)
	for i, v := range m.In {
		if f := fresh[r.originOf(v)]; v != nil && f != nil {
			m.In[i] = f
		}
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		o := r.originOf(v)
		c := *v
		r.copies++
		c.Name, c.From = fmt.Sprintf("%s/again:%d", o.Name, r.copies), &m
		m.Out[i] = &c
		r.origin[&c], fresh[o] = o, &c
	}
	return &m
}

// Keep returns what puts the nodes of g, and what they read, back as they are now, as often as it is called.
func Keep(g *graph.Graph) (restore func()) {
	nodes, outs := slices.Clone(g.Nodes), slices.Clone(g.Outputs)
	in := make([][]*graph.Value, len(nodes))
	for i, n := range nodes {
		in[i] = slices.Clone(n.In)
	}
	return func() {
		g.Nodes, g.Outputs = slices.Clone(nodes), slices.Clone(outs)
		for i, n := range nodes {
			n.In = slices.Clone(in[i])
		}
	}
}
