package finetune

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Head replaces the last layer of a model by a new one for other classes, or for another number of results.
type Head struct {
	Classes []string    // names of the classes; they go into the model's metadata and where it names classes itself
	N       int         // the number of results, where Classes is nil
	At      string      // which layer, by module, weight or node, or which output leads to it; "" if there is only one
	Init    Initializer // of the weight; nil: KaimingInit{} for the weight, and the same bound for the bias, as PyTorch does
	Dropout float64     // of what the layer reads, in training
	Seed    uint64
}

// A NewHead says what Head made.
type NewHead struct {
	Module       string // path of the layer
	Weight, Bias string // names of the initializers; Bias may be ""
	In, Out      int    // features
	Was          int    // results that the layer had
}

// Apply replaces the layer. Between it and the outputs there may be what treats all classes alike: activations, Softmax,
// sums and means, pooling, reshaping, ArgMax, TopK, ZipMap. Constant shapes in between, names of classes and the declared
// types of outputs follow. Anything else is an error that names the node. A quantised layer becomes one of floats. On an
// error m is as it was.
func (h Head) Apply(m *onnx.Model) (NewHead, error) {
	if h.Classes != nil {
		h.N = len(h.Classes)
	}
	if h.N < 1 || h.N > maxClasses {
		return NewHead{}, fmt.Errorf("finetune: new head: %d classes, want 1 to %d", h.N, maxClasses)
	}
	if !(h.Dropout >= 0 && h.Dropout < 1) {
		return NewHead{}, fmt.Errorf("finetune: new head: dropout is %v, want at least 0 and below 1", h.Dropout)
	}
	e, err := newEditor(m)
	if err != nil {
		return NewHead{}, err
	}
	facts, err := graph.Study(m, ops.Default())
	if err != nil {
		return NewHead{}, err
	}
	s, err := e.lastLayer(h.At)
	if err != nil {
		return NewHead{}, fmt.Errorf("finetune: new head: %w", err)
	}
	if inputs := s.in * s.kernel.Len(); inputs > maxWeights/h.N {
		return NewHead{}, fmt.Errorf("finetune: new head: %d classes from %d inputs, want at most %d weights", h.N, inputs, maxWeights)
	}
	r := &resizer{editor: e, facts: facts, head: h, site: s, was: s.width, axis: map[string]int{}, place: s.node}
	out, err := r.replace()
	if err != nil {
		return NewHead{}, fmt.Errorf("finetune: new head: %w", err)
	}
	if h.Classes != nil {
		e.label(h.Classes)
	}
	e.settle()
	e.dropDead(r.dead)
	if err := r.declare(len(facts.Problems)); err != nil {
		return NewHead{}, fmt.Errorf("finetune: new head: %w", err)
	}
	e.commit()
	return out, nil
}

// maxClasses bounds the results of a head, maxWeights the elements of its weight.
const (
	maxClasses = 1 << 24
	maxWeights = 1 << 30
)

// A resizer changes the number of results of a layer and of what follows it.
type resizer struct {
	*editor
	facts *graph.Facts
	head  Head
	site  *site
	was   int
	axis  map[string]int // of the values that depend on the layer: the axis of the classes, noAxis if there is none
	bias  string         // the constant that is added to the product
	place *onnx.Node     // where the layer stands in the list of nodes
	dead  []string       // values that the new layer does not read
}

const noAxis = -1

// replace changes the layer, and what follows it.
func (r *resizer) replace() (NewHead, error) {
	s := r.site
	out := NewHead{Module: s.module(), In: s.in, Out: r.head.N, Was: s.width}
	weight, err := r.newWeight()
	if err != nil {
		return out, err
	}
	out.Weight = weight
	if err := r.ownBias(); err != nil {
		return out, err
	}
	r.axis[s.out] = r.productAxis()
	if err := r.follow(); err != nil {
		return out, err
	}
	out.Bias = r.bias
	if r.head.Dropout > 0 {
		n := r.dropoutNode(s.module(), s.x, r.head.Dropout)
		r.before[r.place] = append(r.before[r.place], n)
		replaceName(s.node.Inputs, s.x, n.Outputs[0])
	}
	return out, nil
}

// productAxis is the axis of the classes in the layer's product.
func (r *resizer) productAxis() int {
	if r.site.kind == Conv {
		return 1
	}
	if rank := r.rank(r.site.out); rank > 0 {
		return rank - 1
	}
	return 1
}

// rank returns the rank of a value before the change, -1 if it is not known.
func (r *resizer) rank(name string) int {
	if v := r.facts.Value(r.origin.Graph, name); v != nil {
		return v.Type.Rank()
	}
	return -1
}

// newWeight gives the layer its new weight and returns the initializer's name: that of the old one, unless others use it.
func (r *resizer) newWeight() (string, error) {
	s, n := r.site, r.head.N
	if s.kind == Linear && (s.form == nil || s.frozen != "") {
		return r.unquantise()
	}
	f := s.form
	shape := f.shape.Clone()
	classes := 0 // axis of the weight
	if s.kind == Linear && !s.trans {
		classes = 1
	}
	shape[classes] = n
	name := f.root
	reuse := len(r.readers(name)) == 1 && !f.quantised && r.inits[name] != nil
	for _, step := range f.nodes {
		reuse = reuse && step.OpType != "Reshape"
	}
	if !reuse {
		if name = r.fresh(f.root + ".head"); f.quantised || r.inits[f.root] == nil {
			name = r.fresh(s.module() + ".weight")
		}
		if err := r.fill(name, f.dtype, shape); err != nil {
			return "", err
		}
		r.dead = append(r.dead, s.node.Inputs[s.input])
		s.node.Inputs[s.input] = name
		return name, nil
	}
	for i := len(f.steps) - 1; i >= 0; i-- { // in the order of the constant
		from := make(tensor.Shape, len(shape))
		for k, p := range f.steps[i].perm {
			from[p] = shape[k]
		}
		shape = from
	}
	return name, r.fill(name, f.value.DType(), shape)
}

// unquantise puts a product of floats in the place of one of codes.
func (r *resizer) unquantise() (string, error) {
	s := r.site
	name := r.fresh(s.module() + ".weight")
	if err := r.fill(name, s.dtype, tensor.Shape{s.in, r.head.N}); err != nil {
		return "", err
	}
	if s.node.OpType == "Gemm" || s.node.OpType == "MatMul" { // its weight is behind DequantizeLinear
		r.dead = append(r.dead, s.node.Inputs[s.input])
		s.node.Inputs[s.input] = name
		s.node.Attributes = slices.DeleteFunc(s.node.Attributes, func(a *onnx.Attribute) bool { return a.Name == "transB" })
		return name, nil
	}
	if k := len(s.node.Inputs); k > 4 && s.node.OpType != "MatMulInteger" && s.node.Inputs[k-1] != "" {
		return "", fmt.Errorf("node %q (%s) has zero points, groups or a bias that a layer of floats has no place for", nodeLabel(s.node), s.node.OpType)
	}
	n := s.node
	for {
		r.removed[n] = true
		r.dead = append(r.dead, n.Inputs...)
		if n.Outputs[0] == s.out {
			break
		}
		n = r.users[n.Outputs[0]][0]
	}
	product := &onnx.Node{Name: r.fresh(s.module() + ".head"), OpType: "MatMul", Inputs: []string{s.x, name}, Outputs: []string{s.out}}
	r.after[n] = append(r.after[n], product)
	r.makers[s.out] = product
	s.node, s.input, r.place = product, 1, n
	return name, nil
}

// fill makes the initializer of the new weight.
func (r *resizer) fill(name string, d tensor.DType, shape tensor.Shape) error {
	fan := Fan{Shape: shape, In: r.inputs(), Out: r.head.N * r.site.kernel.Len()}
	t, err := initialized(r.head.Init, d, fan, Random{r.head.Seed, NamedStream(name)})
	if err == nil {
		r.initialize(name, t)
	}
	return err
}

// inputs is the number of products that each result is a sum of.
func (r *resizer) inputs() int { return r.site.in * r.site.kernel.Len() }

// ownBias replaces the bias that the layer's node adds itself.
func (r *resizer) ownBias() error {
	s := r.site
	if s.node.OpType != "Gemm" && s.node.OpType != "Conv" || len(s.node.Inputs) < 3 || s.node.Inputs[2] == "" {
		return nil
	}
	return r.replaceBias(s.node, 2)
}

// replaceBias gives input i of a node, a constant summand with an element for each class, new values for the new classes.
func (r *resizer) replaceBias(n *onnx.Node, i int) error {
	f, err := r.form(n.Inputs[i])
	if f == nil || err != nil {
		return fmt.Errorf("the bias %q of node %q (%s) is not constant", n.Inputs[i], nodeLabel(n), n.OpType)
	}
	shape := f.shape.Clone()
	axis := slices.Index(shape, r.was)
	if axis < 0 || f.shape.Len() != r.was {
		return fmt.Errorf("the bias %q of node %q (%s) has shape %v, want one element for each of %d results", n.Inputs[i], nodeLabel(n), n.OpType, shape, r.was)
	}
	shape[axis] = r.head.N
	name := f.root
	if len(f.nodes) > 0 || len(r.readers(name)) != 1 || r.inits[name] == nil {
		name = r.fresh(r.site.module() + ".bias")
		n.Inputs[i] = name
	}
	r.bias = name
	var init Initializer = ConstantInit{}
	if r.head.Init == nil {
		init = biasInit(r.inputs())
	}
	t, err := initialized(init, f.dtype, Fan{Shape: shape}, Random{r.head.Seed, NamedStream(name)})
	if err == nil {
		r.initialize(name, t)
	}
	return err
}

// biasInit is how PyTorch starts the bias of a layer with so many inputs.
func biasInit(inputs int) Initializer {
	bound := 1 / math.Sqrt(float64(max(inputs, 1)))
	return UniformInit{-bound, bound}
}
