package convert

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// fit makes the site's node one of the schema that it goes to: attributes that say what is the default anyway
// are dropped where they are not known, defaults that change are written down. It fails when something is left that
// the schema does not have.
func (s *site) fit(next *schema.Schema) error {
	if err := s.fitAttributes(next); err != nil {
		return err
	}
	n := s.node
	n.Inputs, n.Outputs = trimmed(n.Inputs), trimmed(n.Outputs)
	if k := len(n.Inputs); k < next.MinInputs || k > next.MaxInputs {
		return fmt.Errorf("%d inputs, where version %d takes %s", k, s.to, between(next.MinInputs, next.MaxInputs))
	}
	if k := len(n.Outputs); k < next.MinOutputs || k > next.MaxOutputs {
		return fmt.Errorf("%d outputs, where version %d has %s", k, s.to, between(next.MinOutputs, next.MaxOutputs))
	}
	for i, name := range n.Inputs {
		if p := next.Input(i); name == "" && p.Option == schema.Single {
			return fmt.Errorf("input %d (%s) is left out, which version %d does not allow", i, p.Name, s.to)
		}
	}
	return s.fitTypes(next)
}

func (s *site) fitAttributes(next *schema.Schema) error {
	for _, a := range slices.Clone(s.node.Attributes) {
		if next.Attribute(a.Name) != nil {
			continue
		}
		d := s.def.Attribute(a.Name)
		if d == nil {
			continue // of no version: not for the converter to judge
		}
		if d.Default == nil || a.RefAttrName != "" || !equalAttr(a, ops.DefaultAttr(a.Name, d.Default)) {
			return fmt.Errorf("attribute %q, which version %d does not have, is not its default", a.Name, s.to)
		}
		s.del(a.Name)
	}
	if next.Name != s.def.Name {
		return nil
	}
	for i := range s.def.Attributes {
		d := &s.def.Attributes[i]
		other := next.Attribute(d.Name)
		if d.Default == nil || other == nil || s.node.Attr(d.Name) != nil {
			continue
		}
		if a := ops.DefaultAttr(d.Name, d.Default); other.Default == nil || !equalAttr(a, ops.DefaultAttr(d.Name, other.Default)) {
			s.set(a)
		}
	}
	for _, d := range next.Attributes {
		if d.Required && s.node.Attr(d.Name) == nil {
			return fmt.Errorf("version %d demands attribute %q", s.to, d.Name)
		}
	}
	return nil
}

func equalAttr(a, b *onnx.Attribute) bool {
	return a.Type == b.Type && a.F == b.F && a.I == b.I && bytes.Equal(a.S, b.S) && slices.Equal(a.Ints, b.Ints) &&
		slices.Equal(a.Floats, b.Floats) && slices.EqualFunc(a.Strings, b.Strings, bytes.Equal) &&
		a.T == nil && a.G == nil && a.SparseTensor == nil
}

// trimmed drops names that are left out at the end.
func trimmed(list []string) []string {
	for len(list) > 0 && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return list
}

func between(least, most int) string {
	switch {
	case least == most:
		return fmt.Sprint(least)
	case most == schema.Unlimited:
		return fmt.Sprintf("at least %d", least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// fitTypes looks for types that the node's version allows and the next one does not.
func (s *site) fitTypes(next *schema.Schema) error {
	if next.Name != s.def.Name {
		return nil
	}
	for i, name := range s.node.Inputs {
		if err := s.fitType(fmt.Sprintf("input %d", i), name, s.def, s.def.Input(i), next, next.Input(i)); err != nil {
			return err
		}
	}
	for i, name := range s.node.Outputs {
		if err := s.fitType(fmt.Sprintf("output %d", i), name, s.def, s.def.Output(i), next, next.Output(i)); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) fitType(what, name string, def *schema.Schema, p *schema.Param, next *schema.Schema, q *schema.Param) error {
	if name == "" || p == nil || q == nil {
		return nil
	}
	was, is := def.Allowed(p.TypeStr), next.Allowed(q.TypeStr)
	if was == is {
		return nil
	}
	v := s.value(name)
	if v.Present() && allows(was, v.Type) && !allows(is, v.Type) {
		return fmt.Errorf("%s (%s) is %v, which version %d does not allow", what, name, v.Type, s.to)
	}
	return nil
}

// allows reports whether a set of types holds a type; what it cannot tell, it allows.
func allows(set schema.Types, t ops.Type) bool {
	d := int(t.DType)
	switch {
	case t.Kind == tensor.KindTensor:
		return set.Tensor.Has(d)
	case t.Kind == tensor.KindSequence && t.Elem.Kind == tensor.KindTensor && t.DType != tensor.Undefined:
		return set.Seq.Has(d)
	case t.Kind == tensor.KindSequence:
		return set.Seq != 0 || set.SeqMapInt64 != 0 || set.SeqMapString != 0
	case t.Kind == tensor.KindOptional:
		return set.Optional != 0 || set.OptionalSeq != 0
	}
	return true
}
