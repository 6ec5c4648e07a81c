package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// treeSpec is an ensemble as the attributes of any of its operators give it: nodes by number, children resolved.
type treeSpec struct {
	nodes   []treeSpecNode
	roots   []int
	targets int
}

type treeSpecNode struct {
	mode    treeMode
	feature int
	split   float64
	missing bool // NaN follows the true branch
	yes, no int
	members []float64    // of treeMember
	leaf    []treeWeight // of treeLeaf
}

type treeWeight struct {
	target int
	value  float64
}

type treeMode uint8

// Node modes, in the numbering of TreeEnsemble.
const (
	treeLEQ treeMode = iota
	treeLT
	treeGTE
	treeGT
	treeEQ
	treeNEQ
	treeMember
	treeLeaf
)

var treeModeNames = map[string]treeMode{
	"BRANCH_LEQ": treeLEQ, "BRANCH_LT": treeLT, "BRANCH_GTE": treeGTE, "BRANCH_GT": treeGT,
	"BRANCH_EQ": treeEQ, "BRANCH_NEQ": treeNEQ, "LEAF": treeLeaf,
}

// attrFloats reads a list of floats, or the tensor that replaces it since version 3.
func attrFloats(a Attrs, list, as string) ([]float64, error) {
	t, err := a.Tensor(as)
	if err != nil {
		return nil, err
	}
	if t != nil && t.Len() > 0 {
		v := tensor.Float64s(t, t.Len())
		if v == nil {
			return nil, fmt.Errorf("ops: %s is of type %v, want numbers", as, t.DType())
		}
		return v, nil
	}
	src := a.FloatList(list)
	out := make([]float64, len(src))
	for i, v := range src {
		out[i] = float64(v)
	}
	return out, nil
}

// treeSpecOf reads the attributes of TreeEnsembleClassifier (prefix "class") and TreeEnsembleRegressor
// (prefix "target").
func treeSpecOf(a Attrs, prefix string, targets int) (*treeSpec, error) {
	trees, ids := a.IntList("nodes_treeids"), a.IntList("nodes_nodeids")
	features, modes := a.IntList("nodes_featureids"), a.StrList("nodes_modes")
	yes, no, missing := a.IntList("nodes_truenodeids"), a.IntList("nodes_falsenodeids"), a.IntList("nodes_missing_value_tracks_true")
	splits, err := attrFloats(a, "nodes_values", "nodes_values_as_tensor")
	if err != nil {
		return nil, err
	}
	n := len(trees)
	for _, l := range []int{len(ids), len(features), len(modes), len(yes), len(no), len(splits)} {
		if l != n {
			return nil, fmt.Errorf("ops: node attributes of %d and %d entries", n, l)
		}
	}
	s := &treeSpec{nodes: make([]treeSpecNode, n), targets: targets}
	index := make(map[[2]int64]int, n)
	seen := map[int64]bool{}
	for i := range n {
		key := [2]int64{trees[i], ids[i]}
		if _, ok := index[key]; ok {
			return nil, fmt.Errorf("ops: node %d of tree %d is given twice", ids[i], trees[i])
		}
		index[key] = i
		if !seen[trees[i]] {
			seen[trees[i]] = true
			s.roots = append(s.roots, i)
		}
	}
	for i := range n {
		mode, ok := treeModeNames[modes[i]]
		if !ok {
			return nil, fmt.Errorf("ops: node mode %q", modes[i])
		}
		s.nodes[i] = treeSpecNode{mode: mode, feature: int(features[i]), split: splits[i], missing: i < len(missing) && missing[i] == 1}
		if mode == treeLeaf {
			continue
		}
		t, ok1 := index[[2]int64{trees[i], yes[i]}]
		f, ok2 := index[[2]int64{trees[i], no[i]}]
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("ops: node %d of tree %d names children %d and %d, of which one does not exist", ids[i], trees[i], yes[i], no[i])
		}
		s.nodes[i].yes, s.nodes[i].no = t, f
	}
	return s, s.readLeaves(a, prefix, index)
}

// readLeaves hangs the weights of leaves on their nodes.
func (s *treeSpec) readLeaves(a Attrs, prefix string, index map[[2]int64]int) error {
	trees, ids, targets := a.IntList(prefix+"_treeids"), a.IntList(prefix+"_nodeids"), a.IntList(prefix+"_ids")
	weights, err := attrFloats(a, prefix+"_weights", prefix+"_weights_as_tensor")
	if err != nil {
		return err
	}
	if len(trees) != len(ids) || len(targets) != len(ids) || len(weights) != len(ids) {
		return fmt.Errorf("ops: %d, %d, %d and %d entries of leaf weights", len(trees), len(ids), len(targets), len(weights))
	}
	for i, id := range ids {
		n, ok := index[[2]int64{trees[i], id}]
		if !ok {
			return fmt.Errorf("ops: weight of node %d of tree %d, which does not exist", id, trees[i])
		}
		if targets[i] < 0 || targets[i] >= int64(s.targets) {
			return fmt.Errorf("ops: weight for output %d of %d", targets[i], s.targets)
		}
		s.nodes[n].leaf = append(s.nodes[n].leaf, treeWeight{int(targets[i]), weights[i]})
	}
	return nil
}

// treeSpec5 reads the attributes of TreeEnsemble.
func treeSpec5(a Attrs) (*treeSpec, error) {
	features, yes, no := a.IntList("nodes_featureids"), a.IntList("nodes_truenodeids"), a.IntList("nodes_falsenodeids")
	yesLeaf, noLeaf, missing := a.IntList("nodes_trueleafs"), a.IntList("nodes_falseleafs"), a.IntList("nodes_missing_value_tracks_true")
	targets, roots := a.IntList("leaf_targetids"), a.IntList("tree_roots")
	var lists [4][]float64
	for i, name := range []string{"nodes_splits", "nodes_modes", "leaf_weights", "membership_values"} {
		v, err := attrFloats(a, "", name)
		if err != nil {
			return nil, err
		}
		lists[i] = v
	}
	splits, modes, weights, members := lists[0], lists[1], lists[2], lists[3]
	n := len(features)
	for _, l := range []int{len(yes), len(no), len(yesLeaf), len(noLeaf), len(splits), len(modes)} {
		if l != n {
			return nil, fmt.Errorf("ops: node attributes of %d and %d entries", n, l)
		}
	}
	if len(weights) != len(targets) {
		return nil, fmt.Errorf("ops: %d leaf weights for %d targets", len(weights), len(targets))
	}
	s := &treeSpec{nodes: make([]treeSpecNode, n+len(weights)), targets: a.IntOr("n_targets", 1)}
	child := func(id, leaf int64) int {
		if leaf != 0 {
			if id < 0 || id >= int64(len(weights)) {
				return -1
			}
			return n + int(id)
		}
		if id < 0 || id >= int64(n) {
			return -1
		}
		return int(id)
	}
	for i := range n {
		d := &s.nodes[i]
		if modes[i] < 0 || modes[i] > float64(treeMember) {
			return nil, fmt.Errorf("ops: node mode %v", modes[i])
		}
		*d = treeSpecNode{mode: treeMode(modes[i]), feature: int(features[i]), split: splits[i], missing: i < len(missing) && missing[i] == 1}
		d.yes, d.no = child(yes[i], yesLeaf[i]), child(no[i], noLeaf[i])
		if d.yes < 0 || d.no < 0 {
			return nil, fmt.Errorf("ops: node %d names children %d and %d, of which one does not exist", i, yes[i], no[i])
		}
		for d.mode == treeMember && len(members) > 0 {
			v := members[0]
			members = members[1:]
			if math.IsNaN(v) {
				break
			}
			d.members = append(d.members, v)
		}
	}
	for i, w := range weights {
		if targets[i] < 0 || targets[i] >= int64(s.targets) {
			return nil, fmt.Errorf("ops: weight for output %d of %d", targets[i], s.targets)
		}
		s.nodes[n+i] = treeSpecNode{mode: treeLeaf, leaf: []treeWeight{{int(targets[i]), w}}}
	}
	for _, r := range roots {
		if r < 0 || r >= int64(n) {
			return nil, fmt.Errorf("ops: tree root %d of %d nodes", r, n)
		}
		s.roots = append(s.roots, int(r))
	}
	return s, nil
}
