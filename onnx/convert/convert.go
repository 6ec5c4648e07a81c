// Package convert rewrites models for other versions of the operator sets they import: upwards always, as
// far as the model keeps to the standard, downwards where the older operators can say the same.
//
// A model is taken from one version to the next in steps. A step looks only at operators that are defined
// anew there: the table of adapters (table.go) says what has to change besides what the schemas tell.
package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
)

// An Error lists the nodes that another version has nothing equal for.
type Error struct {
	Domain   string
	From, To int // the step that failed
	Nodes    []Failure
}

// A Failure is a node that cannot be converted, and why.
type Failure struct {
	Node   string // the path of the node
	Op     string
	Reason string
}

// Error names every node with the reason.
func (e *Error) Error() string {
	domain := e.Domain
	if domain == "" {
		domain = "ai.onnx"
	}
	parts := make([]string, len(e.Nodes))
	for i, f := range e.Nodes {
		parts[i] = fmt.Sprintf("node %q (%s): %s", f.Node, f.Op, f.Reason)
	}
	return fmt.Sprintf("convert: %s %d to %d: %s", domain, e.From, e.To, strings.Join(parts, "; "))
}

// Model returns m for the versions of operator sets that to names by domain ("" is ai.onnx); domains that m
// does not import stay out. m is not changed; the result shares its tensors and whatever is equal. Errors
// are *Error for nodes that cannot be converted and *onnx.FormatError for models that are not valid.
func Model(m *onnx.Model, to map[string]int) (out *onnx.Model, err error) {
	err = mmap.Guard(func() error {
		out, err = convertModel(m, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func convertModel(m *onnx.Model, to map[string]int) (*onnx.Model, error) {
	if err := onnx.Check(m).Err(); err != nil {
		return nil, err
	}
	out := *m
	out.Opsets = slices.Clone(m.Opsets)
	if len(out.Opsets) == 0 {
		out.Opsets = []onnx.OpsetID{{Version: 1}}
	}
	c := &converter{model: &out, names: namesOf(m)}
	if err := c.functions(to); err != nil {
		return nil, err
	}
	u := &unit{converter: c, graph: out.Graph, opsets: out.Opsets, isModel: true}
	if err := u.convert(to); err != nil {
		return nil, err
	}
	out.Graph, out.Opsets = u.graph, u.opsets
	if err := c.training(to, m); err != nil {
		return nil, err
	}
	out.Graph = withoutUnused(m.Graph, out.Graph)
	setIRVersion(&out, m)
	return &out, nil
}

// converter is what the parts of one model share.
type converter struct {
	model   *onnx.Model // the result so far
	names   map[string]bool
	counter int
}

// fresh returns a name that nothing in the model has, made of another.
func (c *converter) fresh(base string) string {
	for {
		c.counter++
		name := fmt.Sprintf("%s/%d", base, c.counter)
		if !c.names[name] {
			c.names[name] = true
			return name
		}
	}
}

// functions converts the bodies of the model's functions. Where one cannot be converted without knowing what
// it is called with, all calls are replaced by bodies.
func (c *converter) functions(to map[string]int) error {
	if len(c.model.Functions) == 0 {
		return nil
	}
	var list []*onnx.Function
	for _, f := range c.model.Functions {
		g, err := c.function(f, to)
		var failed *Error
		if errors.As(err, &failed) {
			return c.inlineAll()
		}
		if err != nil {
			return err
		}
		list = append(list, g)
	}
	c.model.Functions = list
	return nil
}

// function converts the body of one function.
func (c *converter) function(f *onnx.Function, to map[string]int) (*onnx.Function, error) {
	u := &unit{converter: c, graph: &onnx.Graph{Name: f.Name, Nodes: f.Nodes}, opsets: slices.Clone(f.Opsets)}
	if err := u.convert(to); err != nil {
		return nil, err
	}
	out := *f
	out.Nodes, out.Opsets = u.graph.Nodes, u.opsets
	return &out, nil
}

// training converts the graphs that initialise and update a model.
func (c *converter) training(to map[string]int, m *onnx.Model) error {
	var list []*onnx.TrainingInfo
	for _, t := range m.TrainingInfo {
		out := *t
		for _, g := range []**onnx.Graph{&out.Initialization, &out.Algorithm} {
			if *g == nil {
				continue
			}
			u := &unit{converter: c, graph: *g, opsets: slices.Clone(m.Opsets)}
			if err := u.convert(to); err != nil {
				return err
			}
			*g = u.graph
		}
		list = append(list, &out)
	}
	c.model.TrainingInfo = list
	return nil
}

// A unit is a graph with imports of its own: the main graph or the body of a function.
type unit struct {
	*converter
	graph   *onnx.Graph
	opsets  []onnx.OpsetID
	isModel bool
}

// convert takes the unit to other versions, step by step.
func (u *unit) convert(to map[string]int) error {
	for _, domain := range slices.Sorted(maps.Keys(to)) {
		i := slices.IndexFunc(u.opsets, func(o onnx.OpsetID) bool { return onnx.NormalDomain(o.Domain) == domain })
		if i < 0 {
			continue
		}
		from, target, latest := u.opsets[i].Version, int64(to[domain]), int64(schema.LatestOpset(domain))
		for _, v := range []int64{from, target} {
			if v < 1 || v > latest {
				return fmt.Errorf("convert: version %d of domain %q, want 1 to %d", v, domain, latest)
			}
		}
		for v := from; v != target; {
			next := v + 1
			if target < v {
				next = v - 1
			}
			if err := u.step(domain, int(v), int(next)); err != nil {
				return err
			}
			v = next
			for k, o := range u.opsets { // "" and "ai.onnx" may both be there
				if onnx.NormalDomain(o.Domain) == domain {
					u.opsets[k].Version = v
				}
			}
		}
	}
	return nil
}

// step takes the unit to a neighbouring version. Nodes that cannot be rewritten, but have a function body,
// are replaced by it first.
func (u *unit) step(domain string, from, to int) error {
	for {
		p := &pass{unit: u, domain: domain, from: from, to: to}
		g := p.convert(&scope{graph: u.graph})
		if len(p.failed) == 0 {
			u.graph = g
			return nil
		}
		expanded, err := u.expand(p)
		if err != nil {
			return err
		}
		if !expanded {
			return p.report()
		}
	}
}
