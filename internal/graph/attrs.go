package graph

import (
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
)

// resolveAttrs returns the node's attributes with references to the attributes of a function call replaced
// by their values; a reference to an attribute that the call leaves out disappears.
func resolveAttrs(n *onnx.Node, sc *scope) (ops.Attrs, error) {
	if !slices.ContainsFunc(n.Attributes, func(a *onnx.Attribute) bool { return a.RefAttrName != "" }) {
		return n.Attributes, nil
	}
	var out ops.Attrs
	for _, a := range n.Attributes {
		if a.RefAttrName == "" {
			out = append(out, a)
			continue
		}
		if sc.attrs == nil {
			return nil, onnx.Malformed("graph", "node %q (%s): attribute %q refers to %q outside of a function", n.Name, n.OpType, a.Name, a.RefAttrName)
		}
		if v, ok := sc.attrs[a.RefAttrName]; ok {
			c := *v
			c.Name = a.Name
			out = append(out, &c)
		}
	}
	return out, nil
}

// withDefaults appends the defaults of s that attrs do not give. Nobody changes an attribute, so all nodes of a
// builder share those of a schema.
func (b *builder) withDefaults(attrs ops.Attrs, s *schema.Schema) ops.Attrs {
	if s == nil {
		return attrs
	}
	out := attrs[:len(attrs):len(attrs)]
	for i := range s.Attributes {
		d := &s.Attributes[i]
		if d.Default == nil || attrs.Find(d.Name) != nil {
			continue
		}
		if len(out) == len(attrs) {
			out = slices.Grow(out, len(s.Attributes)-i)
		}
		a := b.defaults[d]
		if a == nil {
			if b.defaults == nil {
				b.defaults = map[*schema.Attribute]*onnx.Attribute{}
			}
			a = ops.DefaultAttr(d.Name, d.Default)
			b.defaults[d] = a
		}
		out = append(out, a)
	}
	return out
}

// bodyOf returns the function body that the standard gives an operator at an opset version, nil if there is
// none.
func bodyOf(s *schema.Schema, opset int) (*onnx.Function, error) {
	if s == nil {
		return nil, nil
	}
	b := s.Function(opset)
	if b == nil {
		return nil, nil
	}
	return onnx.DecodeFunction(b)
}
