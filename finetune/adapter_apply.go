package finetune

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Attach attaches the adapter's low-rank changes to a model as branches, which Merge can add to its weights, and replaces
// the parameters that the adapter holds as a whole. A module is found by its path, exactly or up to what stands before it,
// in names of weights, biases and nodes; what is not found, or found twice, is an error with the nearest candidates. On an
// error m is as it was.
func (a *Adapter) Attach(m *onnx.Model) ([]Branch, error) {
	e, err := newEditor(m)
	if err != nil {
		return nil, err
	}
	found, err := a.locate(e)
	if err != nil {
		return nil, fmt.Errorf("finetune: adapter: %w", err)
	}
	saved, err := a.parameters(e)
	if err != nil {
		return nil, fmt.Errorf("finetune: adapter: %w", err)
	}
	b := newBrancher(e)
	for _, f := range found {
		for _, s := range f.sites {
			if err := b.attach(s, f.a, f.b, f.scale); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range saved {
		e.replaceConstant(p.root, p.value)
	}
	e.commit()
	return b.list(), nil
}

// A located is a change with the sites of its module, in the layout of the graph.
type located struct {
	module string
	sites  []*site
	a, b   *tensor.Tensor
	scale  float64
}

// locate finds the sites of all modules.
func (a *Adapter) locate(e *editor) ([]located, error) {
	mods := e.modules()
	var list []located
	for _, module := range slices.Sorted(maps.Keys(a.Layers)) {
		l := a.Layers[module]
		sites, err := mods.find(module)
		if err != nil {
			return nil, err
		}
		s := sites[0]
		if e.branched(s) {
			return nil, fmt.Errorf("module %q has a branch already: merge it first", module)
		}
		fa, fb, err := s.layout(module, l)
		if err != nil {
			return nil, err
		}
		f := located{module: module, sites: sites, a: fa, b: fb, scale: l.Scale}
		list = append(list, f)
	}
	return list, nil
}

// layout returns the factors of a module in the layout of the graph, which must fit the site.
func (s *site) layout(module string, l *LowRank) (a, b *tensor.Tensor, err error) {
	if l.Embedding != (s.kind == Embedding) {
		return nil, nil, fmt.Errorf("module %q is a layer of kind %s, but the adapter's is not (embedding: %v)", module, s.kind, l.Embedding)
	}
	a, b = l.A, l.B
	if s.kind != Conv {
		a, b = transposed(flat(l.A)), transposed(flat(l.B))
	}
	wantA, wantB := s.shapes(l.Rank())
	if !a.Shape().Equal(wantA) || !b.Shape().Equal(wantB) {
		return nil, nil, fmt.Errorf("module %q: A has shape %v and B %v, but the layer (node %q) has %d inputs, %d outputs and kernel %v",
			module, l.A.Shape(), l.B.Shape(), nodeLabel(s.node), s.in, s.width, s.kernel)
	}
	return a, b, nil
}

// branched reports whether the result of a site goes into the sum of a branch.
func (e *editor) branched(s *site) bool {
	return strings.HasSuffix(s.out, ".base") && len(e.users[s.out]) == 1 && strings.Contains(e.users[s.out][0].Name, ".lora")
}

// flat drops the dimensions of 1 behind the first two: a layer of 1x1 convolutions may be a product in the model.
func flat(t *tensor.Tensor) *tensor.Tensor {
	if s := t.Shape(); len(s) > 2 && s[2:].Len() == 1 {
		if r, err := t.Reshaped(s[0], s[1]); err == nil {
			return r
		}
	}
	return t
}

// transposed returns the transpose of a matrix; tensors of other ranks as they are.
func transposed(t *tensor.Tensor) *tensor.Tensor {
	if t.Rank() != 2 {
		return t
	}
	f := weightForm{value: t, steps: []formStep{{t.Shape(), []int{1, 0}}}}
	out, err := tensor.FromFloat64s(t.DType(), tensor.Shape{t.Shape()[1], t.Shape()[0]}, f.seen())
	if err != nil {
		return t
	}
	return out
}
