package finetune

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A parameter is a constant that an adapter replaces.
type parameter struct {
	path  string // in the adapter
	root  string
	value *tensor.Tensor
	put   func(t *tensor.Tensor) (*tensor.Tensor, error) // brings one from an adapter into the constant's type and layout
}

// parameters finds the constants of the parameters that the adapter replaces.
func (a *Adapter) parameters(e *editor) ([]parameter, error) {
	mods := e.modules()
	var list []parameter
	for _, path := range slices.Sorted(maps.Keys(a.Saved)) {
		p, err := e.parameter(mods, path)
		if err == nil {
			p.value, err = p.put(a.Saved[path])
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", path, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// parameter finds one by the name of an initializer, which has the layout of PyTorch where it has its name, or else as weight
// or bias of a site.
func (e *editor) parameter(mods *modules, path string) (parameter, error) {
	if name := e.initializerFor(path); name != "" {
		p := e.inits[name]
		return parameter{path: path, root: name, put: likeConstant(name, p.DType(), protoShape(p))}, nil
	}
	dot := strings.LastIndexByte(path, '.')
	sites, err := mods.find(path[:max(dot, 0)])
	if err != nil {
		return parameter{}, err
	}
	s := sites[0]
	_, bias := e.traces(s)
	switch leaf := path[dot+1:]; {
	case leaf == "weight" && s.form != nil && s.frozen == "":
		return parameter{path: path, root: s.form.root, put: s.putWeight}, nil
	case leaf == "bias" && s.frozen == "" && s.kind != Embedding:
		if bias == "" {
			bias = e.addBias(s, path)
		}
		old := e.constant(bias)
		return parameter{path: path, root: bias, put: likeConstant(bias, old.DType(), old.Shape())}, nil
	}
	return parameter{}, fmt.Errorf("layer %q (node %q) has none that can be replaced", s.module(), nodeLabel(s.node))
}

// addBias gives a layer whose bias of zeros the exporter dropped one again.
func (e *editor) addBias(s *site, name string) string {
	name = e.fresh(name)
	e.initialize(name, tensor.New(s.dtype, s.width))
	if s.node.OpType == "Gemm" || s.node.OpType == "Conv" {
		s.node.Inputs = append(s.node.Inputs[:2:2], name)
		return name
	}
	end := e.makers[s.out]
	product := e.fresh(s.out + ".product")
	sum := &onnx.Node{Name: e.fresh(name + "/Add"), OpType: "Add", Inputs: []string{product, name}, Outputs: []string{s.out}}
	replaceName(end.Outputs, s.out, product)
	e.after[end] = append(e.after[end], sum)
	e.makers[product], e.makers[s.out] = end, sum
	e.users[product], s.out = []*onnx.Node{sum}, product
	return name
}

// putWeight brings a weight in the layout of PyTorch into that of the site's constant.
func (s *site) putWeight(t *tensor.Tensor) (*tensor.Tensor, error) {
	if s.kind == Linear && !s.trans && t.Shape().Equal(tensor.Shape{s.width, s.in}) {
		t = transposed(t)
	}
	if !t.Shape().Equal(s.form.shape) {
		return nil, fmt.Errorf("it has shape %v, but the layer (node %q) %d inputs and %d outputs", t.Shape(), nodeLabel(s.node), s.in, s.width)
	}
	return tensor.FromFloat64s(s.form.value.DType(), s.form.value.Shape(), s.form.toRoot(tensor.Float64s(t, t.Len())))
}

// likeConstant brings a parameter into the type and shape of a constant of the same layout.
func likeConstant(name string, d tensor.DType, shape tensor.Shape) func(*tensor.Tensor) (*tensor.Tensor, error) {
	return func(t *tensor.Tensor) (*tensor.Tensor, error) {
		if t.Len() != shape.Len() || len(shape) == t.Rank() && !t.Shape().Equal(shape) {
			return nil, fmt.Errorf("it has shape %v, but %q of the model %v: a head with other classes needs a new head first", t.Shape(), name, shape)
		}
		return tensor.FromFloat64s(d, shape, tensor.Float64s(t, t.Len()))
	}
}

// initializerFor returns the only initializer whose name is the path or the end of it, or ends in it; "" if there is none.
func (e *editor) initializerFor(path string) string {
	if e.inits[path] != nil {
		return path
	}
	found := ""
	for name := range e.inits {
		if endsEither(path, name) && strings.Contains(name, ".") {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

func protoShape(p *onnx.TensorProto) tensor.Shape {
	shape, err := p.Shape()
	if err != nil {
		return nil
	}
	return shape
}
