package finetune

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
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

// ExtractAdapter returns the branches of a model as an adapter. Modules that saved names, such as a new head, go along as a
// whole: weight and bias of a layer in the layout of PyTorch, or all initializers whose names begin with the module and
// a dot.
func ExtractAdapter(m *onnx.Model, saved ...string) (*Adapter, error) {
	e, err := newEditor(m)
	if err != nil {
		return nil, err
	}
	a := &Adapter{Layers: map[string]*LowRank{}, Saved: map[string]*tensor.Tensor{}}
	a.Config.ModulesToSave = saved
	for _, b := range e.branches() {
		module := strings.TrimPrefix(b.Module, adapterPrefix)
		l, err := b.lowRank()
		if err != nil {
			return nil, fmt.Errorf("finetune: adapter: module %q: %w", module, err)
		}
		a.Layers[module] = l
	}
	if len(a.Layers) == 0 {
		return nil, fmt.Errorf("finetune: adapter: the model has no low-rank branches")
	}
	mods := e.modules()
	for _, module := range saved {
		if err := e.save(a, mods, module); err != nil {
			return nil, fmt.Errorf("finetune: adapter: %w", err)
		}
	}
	a.configure()
	return a, nil
}

// save puts the parameters of a module into the adapter.
func (e *editor) save(a *Adapter, mods *modules, module string) error {
	sites, err := mods.find(module)
	if err != nil {
		for _, name := range slices.Sorted(maps.Keys(e.inits)) {
			if strings.HasPrefix(name, module+".") && e.constant(name) != nil {
				a.Saved[name] = e.constant(name)
				err = nil
			}
		}
		return err
	}
	s := sites[0]
	if s.form == nil || s.frozen != "" {
		return fmt.Errorf("module %q cannot be saved: %s", module, s.frozen)
	}
	weight, err := tensor.FromFloat64s(s.form.dtype, s.form.shape, s.form.seen())
	if err != nil {
		return err
	}
	if s.kind == Linear && !s.trans {
		weight = transposed(weight)
	}
	a.Saved[module+".weight"] = weight
	if _, bias := e.traces(s); bias != "" {
		a.Saved[module+".bias"] = e.constant(bias)
	}
	return nil
}

// lowRank returns the factors of a branch in the layout of PyTorch.
func (b *foundBranch) lowRank() (*LowRank, error) {
	l := &LowRank{Scale: b.Scale, Embedding: b.Kind == Embedding}
	for _, f := range []struct {
		form *weightForm
		to   **tensor.Tensor
	}{{b.a, &l.A}, {b.b, &l.B}} {
		t, err := tensor.FromFloat64s(f.form.dtype, f.form.shape, f.form.seen())
		if err != nil {
			return nil, err
		}
		if *f.to = t; b.Kind != Conv {
			*f.to = transposed(t)
		}
	}
	return l, nil
}

// configure sets rank, alpha and their patterns so that they give what the layers have.
func (a *Adapter) configure() {
	names := slices.Sorted(maps.Keys(a.Layers))
	ranks, alphas := map[int]int{}, map[float64]int{}
	alpha := func(l *LowRank) float64 { return l.Scale * float64(l.Rank()) }
	for _, l := range a.Layers {
		short, err := strconv.ParseFloat(strconv.FormatFloat(alpha(l), 'g', 6, 64), 64) // the graph has it as a float32
		if err == nil {
			l.Scale = short / float64(l.Rank())
		}
		ranks[l.Rank()]++
		alphas[alpha(l)]++
	}
	a.Config.Rank, a.Config.Alpha = mostOften(ranks), mostOften(alphas)
	for _, name := range names {
		l := a.Layers[name]
		a.Config.Targets = append(a.Config.Targets, name)
		if l.Rank() != a.Config.Rank {
			a.Config.RankPattern = append(a.Config.RankPattern, Pattern{regexp.QuoteMeta(name), float64(l.Rank())})
		}
		if alpha(l) != a.Config.Alpha {
			a.Config.AlphaPattern = append(a.Config.AlphaPattern, Pattern{regexp.QuoteMeta(name), alpha(l)})
		}
	}
}

// mostOften returns the key with the highest count, the least of several.
func mostOften[K int | float64](counts map[K]int) K {
	var best K
	for k, n := range counts {
		if m := counts[best]; n > m || n == m && k < best {
			best = k
		}
	}
	return best
}
