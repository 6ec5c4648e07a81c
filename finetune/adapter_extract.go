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
