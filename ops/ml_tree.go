package ops

import (
	"fmt"
	"math"
	"slices"
)

// treeNode is one comparison: x[feature] <= split goes to yes, anything else to no. A leaf leads to itself, so that a
// walk of fixed length needs no test for the end; its split is its weight where it has just one.
type treeNode[T float32 | float64] struct {
	split   T
	feature int32
	yes, no int32
}

// treeRoot is one tree. If target is not negative, all leaves have exactly one weight, for that output.
type treeRoot struct{ node, depth, target int32 }

// A treeEnsemble is an ensemble ready to run: all node modes reduced to "at most", nodes in one array.
type treeEnsemble[T float32 | float64] struct {
	nodes    []treeNode[T]
	missing  []bool // by node: NaN goes to yes
	roots    []treeRoot
	first    []int32 // by node: where its weights begin in weights; one more at the end
	weights  []leafWeight[T]
	targets  int
	features int  // how many features the nodes look at
	careful  bool // a split is NaN: no short cuts
	dense    bool // every leaf has one weight for each output, in order
}

type leafWeight[T float32 | float64] struct {
	target int32
	value  T
}

// fixedDepth is the greatest depth up to which walks have a fixed number of steps.
const fixedDepth = 10

// newTreeEnsemble lowers an ensemble.
func newTreeEnsemble[T float32 | float64](s *treeSpec) (*treeEnsemble[T], error) {
	if s.targets < 1 || len(s.nodes) > math.MaxInt32/4 {
		return nil, fmt.Errorf("ops: ensemble of %d nodes with %d outputs", len(s.nodes), s.targets)
	}
	e := &treeEnsemble[T]{nodes: make([]treeNode[T], len(s.nodes)), missing: make([]bool, len(s.nodes)), targets: s.targets}
	for i := range s.nodes {
		n := &s.nodes[i]
		if n.mode != treeLeaf && (n.feature < 0 || n.feature >= math.MaxInt32) {
			return nil, fmt.Errorf("ops: node %d looks at feature %d", i, n.feature)
		}
		e.lower(int32(i), n)
	}
	e.first = make([]int32, len(e.nodes)+1)
	for i := range e.nodes {
		if i < len(s.nodes) && s.nodes[i].mode == treeLeaf {
			for _, w := range s.nodes[i].leaf {
				e.weights = append(e.weights, leafWeight[T]{int32(w.target), T(w.value)})
			}
		}
		e.first[i+1] = int32(len(e.weights))
	}
	e.dense = e.isDense(s.nodes)
	return e, e.measure(s.roots)
}

func (e *treeEnsemble[T]) isDense(nodes []treeSpecNode) bool {
	for i := range nodes {
		if nodes[i].mode != treeLeaf {
			continue
		}
		w := e.weights[e.first[i]:e.first[i+1]]
		if len(w) != e.targets {
			return false
		}
		for k := range w {
			if int(w[k].target) != k {
				return false
			}
		}
	}
	return true
}

// lower writes node i. Equality takes two nodes, membership two for each value; they go to the end.
func (e *treeEnsemble[T]) lower(i int32, n *treeSpecNode) {
	split, f, yes, no := T(n.split), int32(n.feature), int32(n.yes), int32(n.no)
	e.features = max(e.features, n.feature+1)
	switch n.mode {
	case treeLeaf:
		e.nodes[i] = treeNode[T]{yes: i, no: i}
		if len(n.leaf) == 1 {
			e.nodes[i].split = T(n.leaf[0].value)
		}
	case treeLEQ:
		e.set(i, treeNode[T]{split, f, yes, no}, n.missing)
	case treeLT:
		e.set(i, treeNode[T]{below(split), f, yes, no}, n.missing)
	case treeGT:
		e.set(i, treeNode[T]{split, f, no, yes}, !n.missing)
	case treeGTE:
		e.set(i, treeNode[T]{below(split), f, no, yes}, !n.missing)
	case treeEQ:
		e.setEqual(i, split, f, yes, no, n.missing)
	case treeNEQ:
		e.setEqual(i, split, f, no, yes, false)
	case treeMember:
		if len(n.members) == 0 {
			e.set(i, treeNode[T]{T(math.Inf(1)), f, no, no}, false)
		}
		for k, v := range n.members {
			next := no
			if k+1 < len(n.members) {
				next = e.add()
			}
			e.setEqual(i, T(v), f, yes, next, n.missing)
			i = next
		}
	}
}

func (e *treeEnsemble[T]) set(i int32, n treeNode[T], missing bool) {
	n.split += 0 // no negative zero
	e.careful = e.careful || n.split != n.split
	e.nodes[i], e.missing[i] = n, missing
}

func (e *treeEnsemble[T]) add() int32 {
	e.nodes, e.missing = append(e.nodes, treeNode[T]{}), append(e.missing, false)
	return int32(len(e.nodes) - 1)
}

// setEqual makes node i a test for equality: at most v, and not below it.
func (e *treeEnsemble[T]) setEqual(i int32, v T, f, yes, no int32, missing bool) {
	second := e.add()
	e.set(i, treeNode[T]{v, f, second, no}, missing)
	e.set(second, treeNode[T]{below(v), f, no, yes}, false)
}

// below is the greatest number less than v; nothing is at most NaN.
func below[T float32 | float64](v T) T {
	if math.IsInf(float64(v), -1) {
		return T(math.NaN())
	}
	switch v := any(v).(type) {
	case float32:
		return T(math.Nextafter32(v, float32(math.Inf(-1))))
	case float64:
		return T(math.Nextafter(v, math.Inf(-1)))
	}
	return v
}

// measure finds the depth of every tree and whether its leaves are uniform. It refuses cycles.
func (e *treeEnsemble[T]) measure(roots []int) error {
	depth := make([]int32, len(e.nodes)) // 0: not seen, -1: on the way, else depth below plus one
	target := make([]int32, len(e.nodes))
	var stack []int32
	for _, r := range roots {
		stack = append(stack[:0], int32(r))
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			n := &e.nodes[i]
			switch {
			case n.yes == i && n.no == i:
				depth[i], target[i] = 1, -1
				if w := e.weights[e.first[i]:e.first[i+1]]; len(w) == 1 {
					target[i] = w[0].target
				}
			case depth[i] == 0:
				depth[i] = -1
				for _, child := range [2]int32{n.yes, n.no} {
					if depth[child] < 0 {
						return fmt.Errorf("ops: node %d of an ensemble is below itself", child)
					}
					if depth[child] == 0 {
						stack = append(stack, child)
					}
				}
				continue
			case depth[i] < 0:
				if depth[n.yes] <= 0 || depth[n.no] <= 0 {
					return fmt.Errorf("ops: node %d of an ensemble is below itself", i)
				}
				depth[i] = 1 + max(depth[n.yes], depth[n.no])
				if target[i] = target[n.yes]; target[i] != target[n.no] {
					target[i] = -1
				}
			}
			stack = stack[:len(stack)-1]
		}
		e.roots = append(e.roots, treeRoot{int32(r), depth[r] - 1, target[r]})
	}
	return nil
}

// uniform reports whether every tree adds one weight to output 0.
func (e *treeEnsemble[T]) uniform() bool {
	return !slices.ContainsFunc(e.roots, func(r treeRoot) bool { return r.target != 0 })
}

// over is 1 for a number greater than split, else 0. Both are finite or split is infinite: then the sign of the
// difference tells, without a branch that no predictor could follow.
func over[T float32 | float64](x, split T) int32 {
	return int32(math.Float32bits(float32(split-x)) >> 31)
}

// step returns where a number leads to from node n.
func (n *treeNode[T]) step(x T) int32 {
	return n.yes ^ (n.yes^n.no)&-over(x, n.split)
}

// leaf walks one sample of finite numbers down a tree.
func (e *treeEnsemble[T]) leaf(r *treeRoot, x []T) int32 {
	nodes, i := e.nodes, r.node
	if r.depth <= fixedDepth {
		for range r.depth {
			n := &nodes[i]
			i = n.step(x[n.feature])
		}
		return i
	}
	for {
		n := &nodes[i]
		next := n.step(x[n.feature])
		if next == i {
			return i
		}
		i = next
	}
}

// leaf2 walks two samples of the given width down a tree, in step. Their numbers are finite.
func (e *treeEnsemble[T]) leaf2(r *treeRoot, x []T, width int) (a, b int32) {
	x0, x1 := x[:width], x[width:2*width]
	nodes := e.nodes
	a, b = r.node, r.node
	for range r.depth {
		n0, n1 := &nodes[a], &nodes[b]
		a, b = n0.step(x0[n0.feature]), n1.step(x1[n1.feature])
	}
	return a, b
}

// leaf4 walks four samples of the given width down a tree, in step. Their numbers are finite.
func (e *treeEnsemble[T]) leaf4(r *treeRoot, x []T, width int) (a, b, c, d int32) {
	x0, x1, x2, x3 := x[:width], x[width:2*width], x[2*width:3*width], x[3*width:4*width]
	nodes := e.nodes
	a, b, c, d = r.node, r.node, r.node, r.node
	for range r.depth {
		n0, n1, n2, n3 := &nodes[a], &nodes[b], &nodes[c], &nodes[d]
		a, b = n0.step(x0[n0.feature]), n1.step(x1[n1.feature])
		c, d = n2.step(x2[n2.feature]), n3.step(x3[n3.feature])
	}
	return a, b, c, d
}

// trees4 walks one sample of finite numbers down four trees, in step.
func (e *treeEnsemble[T]) trees4(r []treeRoot, x []T, depth int32) (a, b, c, d int32) {
	nodes := e.nodes
	a, b, c, d = r[0].node, r[1].node, r[2].node, r[3].node
	for range depth {
		n0, n1, n2, n3 := &nodes[a], &nodes[b], &nodes[c], &nodes[d]
		a, b = n0.step(x[n0.feature]), n1.step(x[n1.feature])
		c, d = n2.step(x[n2.feature]), n3.step(x[n3.feature])
	}
	return a, b, c, d
}

// leafMissing is leaf for a sample with numbers that are not finite.
func (e *treeEnsemble[T]) leafMissing(r *treeRoot, x []T) int32 {
	i := r.node
	for {
		n := &e.nodes[i]
		next := n.no
		if v := x[n.feature]; v <= n.split || v != v && e.missing[i] {
			next = n.yes
		}
		if next == i {
			return i
		}
		i = next
	}
}
