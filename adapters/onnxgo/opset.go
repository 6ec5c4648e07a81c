package onnxgo

import (
	"fmt"

	onnx "github.com/owulveryck/onnx-go"

	format "github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
)

// timeOf is the newest operator set of ai.onnx when onnx-go was written.
const timeOf = 10

// domains are those looked through for an operator's name, which comes without its domain.
var domains = []string{"", "ai.onnx.ml", "com.microsoft"}

// opsets is a set of versions: bit v is version v.
type opsets uint64

// domainOf finds the domain of an operator: the caller's own operators first.
func (g *Graph) domainOf(op *operation) (string, error) {
	for i := range g.Options.Ops {
		if own := &g.Options.Ops[i]; own.Name == op.Name {
			return own.Domain, nil
		}
	}
	known := false
	for _, d := range domains {
		known = known || len(schema.Versions(d, op.Name)) > 0
		op.domain = d
		if set, err := g.versions(op); err != nil {
			return "", err
		} else if set != 0 {
			return d, nil
		}
	}
	if known {
		return "", &onnx.ErrNotImplemented{Operator: op.Name, Message: fmt.Sprintf("no version takes %d inputs and these attributes", len(op.in))}
	}
	return "", &onnx.ErrNotImplemented{Operator: op.Name, Message: "unknown operator"}
}

// versions returns the operator sets in which the operator takes its number of inputs and its attributes.
func (g *Graph) versions(op *operation) (opsets, error) {
	attrs, err := attributes(op.Operation)
	if err != nil {
		return 0, err
	}
	var set opsets
	list := schema.Versions(op.domain, op.Name)
	for i, s := range list {
		if !takes(s, op, attrs) {
			continue
		}
		end := schema.LatestOpset(op.domain) + 1
		if i+1 < len(list) {
			end = list[i+1].Since
		}
		for v := s.Since; v < min(end, 64); v++ {
			set |= 1 << v
		}
	}
	return set, nil
}

func takes(s *schema.Schema, op *operation, attrs []*format.Attribute) bool {
	if s.Deprecated || len(op.in) < s.MinInputs || len(op.in) > s.MaxInputs || len(op.out) > s.MaxOutputs {
		return false
	}
	have := map[string]bool{}
	for _, a := range attrs {
		if want := s.Attribute(a.Name); want == nil || int(want.Type) != int(a.Type) {
			return false
		}
		have[a.Name] = true
	}
	for _, a := range s.Attributes {
		if a.Required && !have[a.Name] {
			return false
		}
	}
	return true
}

// takesNothing reports whether some version of the operator has no inputs.
func takesNothing(name string) bool {
	for _, d := range domains {
		for _, s := range schema.Versions(d, name) {
			if s.MinInputs == 0 {
				return true
			}
		}
	}
	return false
}

// imports chooses the operator sets of the model.
func (g *Graph) imports() ([]format.OpsetID, error) {
	sets := map[string]opsets{"": ^opsets(0)}
	own := map[string]int{}
	for i := range g.Options.Ops {
		o := &g.Options.Ops[i]
		own[o.Domain] = max(own[o.Domain], o.Since, 1)
	}
	for i := range g.ops {
		op := &g.ops[i]
		set, err := g.versions(op)
		if err != nil {
			return nil, err
		}
		if set == 0 {
			continue // one of the caller's
		}
		if _, ok := sets[op.domain]; !ok {
			sets[op.domain] = ^opsets(0)
		}
		if sets[op.domain] &= set; sets[op.domain] == 0 {
			return nil, &onnx.ErrNotImplemented{Operator: op.Name, Message: "no operator set has this form of it and the operators before it"}
		}
	}
	var list []format.OpsetID
	for domain, set := range sets {
		v := choose(domain, set)
		if domain == "" && g.Opset != 0 {
			v = g.Opset
		}
		list = append(list, format.OpsetID{Domain: domain, Version: int64(v)})
		delete(own, domain)
	}
	for domain, v := range own {
		list = append(list, format.OpsetID{Domain: domain, Version: int64(v)})
	}
	return list, nil
}

// choose takes the newest version, of ai.onnx the newest up to timeOf if there is one and else the oldest.
func choose(domain string, set opsets) int {
	latest := min(schema.LatestOpset(domain), 63)
	if domain != "" {
		for v := latest; v > 0; v-- {
			if set>>v&1 != 0 {
				return v
			}
		}
	}
	for v := timeOf; v > 0; v-- {
		if set>>v&1 != 0 {
			return v
		}
	}
	for v := timeOf + 1; v < latest; v++ {
		if set>>v&1 != 0 {
			return v
		}
	}
	return latest
}
