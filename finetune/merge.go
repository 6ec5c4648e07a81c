package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Merge adds the low-rank branches of a model to the weights beside them, W + s A B rounded once to the weight's type, and
// removes their nodes. Branches beside quantised weights, which cannot take the sum, stay; they are returned with the
// reason in Frozen. A weight that other nodes read, too, is copied before it is changed.
func Merge(m *onnx.Model) (kept []Branch, err error) {
	e, err := newEditor(m)
	if err != nil {
		return nil, err
	}
	found := e.branches()
	groups := map[string][]*foundBranch{} // by weight
	var roots []string
	for _, b := range found {
		if why := e.immovable(b, found); why != "" {
			b.Frozen = why
			kept = append(kept, b.Branch)
			continue
		}
		root := b.site.form.root
		if groups[root] == nil {
			roots = append(roots, root)
		}
		groups[root] = append(groups[root], b)
	}
	for _, root := range roots {
		if err := e.mergeInto(root, groups[root]); err != nil {
			return nil, err
		}
	}
	var unused []string
	for _, root := range roots {
		for _, b := range groups[root] {
			for _, n := range b.nodes {
				unused = append(unused, n.Inputs...)
			}
			unused = append(unused, root)
			e.detach(b)
		}
	}
	e.settle()
	e.dropDead(unused)
	e.commit()
	return kept, nil
}

// immovable says why a branch cannot be merged.
func (e *editor) immovable(b *foundBranch, all []*foundBranch) string {
	switch {
	case b.Frozen != "":
		return b.Frozen
	case b.site.form == nil:
		return "its weight is no matrix of floats"
	case e.isOutput(b.base) || len(e.users[b.base]) > 1:
		return "the layer's result is used without the branch, too"
	}
	for _, o := range all {
		if o != b && slices.Contains(o.nodes, b.site.node) {
			return "it stands beside a factor of another branch"
		}
	}
	return ""
}

// mergeInto adds the branches beside one weight to it. If other nodes read it, or the branches differ, each gets a weight
// of its own.
func (e *editor) mergeInto(root string, group []*foundBranch) error {
	shared := false
	for _, n := range e.readers(root) {
		k := slices.IndexFunc(group, func(b *foundBranch) bool { return b.site.node == n })
		if k < 0 || group[k].A != group[0].A || group[k].B != group[0].B {
			shared = true
		}
	}
	done := map[string]string{} // A and B to the merged weight
	for _, b := range group {
		key := b.A + "\x00" + b.B
		name, again := done[key]
		if again && !shared {
			continue
		}
		if !again {
			t, err := b.merged(shared)
			if err != nil {
				return fmt.Errorf("finetune: merge: module %q: %w", b.Module, err)
			}
			if name = root; shared {
				name = e.fresh(root + ".merged")
			}
			e.replaceConstant(name, t)
			done[key] = name
		}
		if shared {
			b.site.node.Inputs[b.site.input] = name
		}
	}
	return nil
}

// readers returns the nodes that read a constant, itself or in another form.
func (e *editor) readers(root string) []*onnx.Node {
	var list []*onnx.Node
	todo := []string{root}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, n := range e.users[name] {
			if _, ok := weightForms[nodeRule(n)]; ok && len(n.Outputs) > 0 && len(n.Inputs) > 0 && n.Inputs[0] == name {
				todo = append(todo, n.Outputs[0])
				continue
			}
			list = append(list, n)
		}
		if e.isOutput(name) {
			list = append(list, nil)
		}
	}
	return list
}

// merged returns the weight with the branch added: as the constant holds it, or, seen, as the node sees it.
func (b *foundBranch) merged(seen bool) (*tensor.Tensor, error) {
	f, delta := b.site.form, b.delta()
	if seen {
		w := f.seen()
		for i, d := range delta {
			w[i] += d
		}
		return tensor.FromFloat64s(f.dtype, f.shape, w)
	}
	delta = f.toRoot(delta)
	w := tensor.Float64s(f.value, f.value.Len())
	for i, d := range delta {
		w[i] += d
	}
	return tensor.FromFloat64s(f.value.DType(), f.value.Shape(), w)
}

// delta returns what the branch adds to the weight, in the order of elements that the site's node sees.
func (b *foundBranch) delta() []float64 {
	s, scale := b.site, b.Scale/b.site.factor
	if s.kind == Conv { // B [out, r] times A [r, in*k...]
		return product(b.b.seen(), b.a.seen(), s.width, b.Rank, s.in*s.kernel.Len(), scale)
	}
	d := product(b.a.seen(), b.b.seen(), s.in, b.Rank, s.width, scale)
	if !s.trans {
		return d
	}
	out := make([]float64, len(d))
	formStep{tensor.Shape{s.in, s.width}, []int{1, 0}}.walk(func(i, at int) { out[i] = d[at] })
	return out
}

// product returns scale times the product of a [m, k] and b [k, n].
func product(a, b []float64, m, k, n int, scale float64) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		row := c[i*n : i*n+n]
		for p := range k {
			x := scale * a[i*k+p]
			for j, y := range b[p*n : p*n+n] {
				row[j] += x * y
			}
		}
	}
	return c
}

// detach takes a branch out of the graph: what made the base makes the sum.
func (e *editor) detach(b *foundBranch) {
	for _, n := range append(b.nodes, b.sum) {
		e.removed[n] = true
	}
	base := e.makers[b.base]
	replaceName(base.Outputs, b.base, b.sum.Outputs[0])
	e.makers[b.sum.Outputs[0]] = base
	e.undeclare(b.base)
}
