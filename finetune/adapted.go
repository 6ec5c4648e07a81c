package finetune

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// An Adapted is a session of one base model that runs with any of several adapters, chosen in every run: the factors of
// the branches, and the parameters that adapters hold as a whole, are inputs of its graph. The base is compiled and its
// weights are packed once. It is safe for many goroutines.
type Adapted struct {
	session  *runtime.Session
	modules  *modules
	branches map[*site]*boundBranch
	base     map[string]*tensor.Tensor // all inputs of adapters, for the base alone
	saved    map[string]parameter      // by path
}

// A boundBranch is a branch with the site that says its layout.
type boundBranch struct {
	*Branch
	site *site
}

// A Binding is an adapter in the form of an Adapted's inputs. It may be used by many runs at once.
type Binding struct{ inputs map[string]*tensor.Tensor }

// Inputs returns the tensors of the adapter by name of the input. They must not be changed.
func (b *Binding) Inputs() map[string]*tensor.Tensor { return b.inputs }

// NewAdapted makes a session of an opened model for the layers that the given adapters change, and takes the file over: it
// is closed with the session, and at once if NewAdapted fails. Other adapters may be bound later if they change no other
// layers; their ranks may differ.
func NewAdapted(f *onnx.File, o *runtime.Options, adapters ...*Adapter) (*Adapted, error) {
	s := &Adapted{branches: map[*site]*boundBranch{}, base: map[string]*tensor.Tensor{}, saved: map[string]parameter{}}
	err := s.transform(f.Model, adapters)
	if err == nil {
		s.session, err = runtime.New(f, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	return nil, errors.Join(fmt.Errorf("finetune: adapters of a session: %w", err), f.Close())
}

// transform makes branches whose factors are inputs.
func (s *Adapted) transform(m *onnx.Model, adapters []*Adapter) error {
	e, err := newEditor(m)
	if err != nil {
		return err
	}
	s.modules = e.modules()
	b := newBrancher(e)
	b.inputs = true
	for _, a := range adapters {
		found, err := a.locate(e)
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := s.branch(b, f.sites); err != nil {
				return err
			}
		}
		params, err := a.parameters(e)
		if err != nil {
			return err
		}
		for _, p := range params {
			if err := s.parameter(e, p); err != nil {
				return err
			}
		}
	}
	e.commit()
	return nil
}

// branch gives sites of one module a branch that does nothing, unless they have it.
func (s *Adapted) branch(b *brancher, sites []*site) error {
	sites = s.own(sites)
	if s.branches[sites[0]] != nil {
		return nil
	}
	shapeA, shapeB := sites[0].shapes(1)
	for _, site := range sites {
		if err := b.attach(site, tensor.New(site.dtype, shapeA...), tensor.New(site.dtype, shapeB...), 1); err != nil {
			return err
		}
	}
	made := b.order[len(b.order)-1]
	for _, site := range sites {
		s.branches[site] = &boundBranch{made, site}
	}
	s.base[made.A], s.base[made.B] = tensor.New(sites[0].dtype, shapeA...), tensor.New(sites[0].dtype, shapeB...)
	return nil
}

// own returns the sites of the session that stand for the same nodes.
func (s *Adapted) own(sites []*site) []*site {
	var list []*site
	for _, o := range s.modules.sites {
		if slices.ContainsFunc(sites, func(x *site) bool { return x.node == o.node }) {
			list = append(list, o)
		}
	}
	return list
}

// parameter makes a constant an input.
func (s *Adapted) parameter(e *editor, p parameter) error {
	s.saved[p.path] = p
	if s.base[p.root] != nil {
		return nil
	}
	value := e.constant(p.root)
	if e.inits[p.root] == nil || value == nil {
		return fmt.Errorf("parameter %q is no initializer", p.root)
	}
	s.base[p.root] = value.Clone()
	e.dropInitializer(p.root)
	e.graph.Inputs = append(e.graph.Inputs, &onnx.ValueInfo{Name: p.root, Type: onnx.NewTensorType(value.DType(), fixedDims(value.Shape())...)})
	return nil
}

// Bind brings an adapter into the form of the session's inputs; nil is the base model. An adapter that changes layers the
// session has no branches for is an error.
func (s *Adapted) Bind(a *Adapter) (*Binding, error) {
	b := &Binding{maps.Clone(s.base)}
	if a == nil {
		return b, nil
	}
	for _, module := range slices.Sorted(maps.Keys(a.Layers)) {
		if err := s.bind(b, module, a.Layers[module]); err != nil {
			return nil, fmt.Errorf("finetune: adapter: %w", err)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(a.Saved)) {
		p, ok := s.saved[path]
		if !ok {
			return nil, fmt.Errorf("finetune: adapter: parameter %q is none of those that the session was made for", path)
		}
		t, err := p.put(a.Saved[path])
		if err != nil {
			return nil, fmt.Errorf("finetune: adapter: parameter %q: %w", path, err)
		}
		b.inputs[p.root] = t
	}
	return b, nil
}

// bind sets the factors of one module.
func (s *Adapted) bind(b *Binding, module string, l *LowRank) error {
	sites, err := s.modules.find(module)
	if err != nil {
		return err
	}
	branch := s.branches[sites[0]]
	if branch == nil {
		return fmt.Errorf("module %q is none of those that the session was made for", module)
	}
	fa, fb, err := branch.site.layout(module, l)
	if err != nil {
		return err
	}
	scaled := tensor.Float64s(fb, fb.Len())
	for i := range scaled {
		scaled[i] *= l.Scale
	}
	if b.inputs[branch.A], err = converted(fa, branch.site.dtype); err != nil {
		return err
	}
	b.inputs[branch.B], err = tensor.FromFloat64s(branch.site.dtype, fb.Shape(), scaled)
	return err
}

// Run runs the model with an adapter; nil is the base model. It is Run of runtime.Session otherwise.
func (s *Adapted) Run(ctx context.Context, inputs map[string]*tensor.Tensor, b *Binding) (map[string]*tensor.Tensor, error) {
	all := maps.Clone(s.base)
	if b != nil {
		all = maps.Clone(b.inputs)
	}
	for name, t := range inputs {
		if s.base[name] != nil {
			return nil, fmt.Errorf("finetune: input %q is the adapter's", name)
		}
		all[name] = t
	}
	return s.session.Run(ctx, all)
}

// Inputs returns the inputs of the model, without those of adapters.
func (s *Adapted) Inputs() []runtime.ValueInfo {
	return slices.DeleteFunc(slices.Clone(s.session.Inputs()), func(v runtime.ValueInfo) bool { return s.base[v.Name] != nil })
}

// Outputs returns the outputs of the model.
func (s *Adapted) Outputs() []runtime.ValueInfo { return s.session.Outputs() }

// Metadata returns the metadata entries of the model.
func (s *Adapted) Metadata() map[string]string { return s.session.Metadata() }

// Close waits for running calls and unmaps the model.
func (s *Adapted) Close() error { return s.session.Close() }
