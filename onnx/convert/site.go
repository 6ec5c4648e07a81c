package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A site is a node on its way to another version. Adapters edit node, which is a copy, and put nodes before
// and after it; these are written for the version that the pass goes to.
type site struct {
	*pass
	scope     *scope
	node      *onnx.Node // nil: replaced by the others
	def, next *schema.Schema
	before    []*onnx.Node
	after     []*onnx.Node
	err       error // of a constant that the version has no way for
}

// convert applies the adapter of the table and fits what is left to the schema.
func (s *site) convert() ([]*onnx.Node, error) {
	since := 0
	if s.next != nil && !s.next.Deprecated {
		since = s.next.Since
	}
	row := find(s.def.Domain, s.def.Name, s.def.Since, since)
	if row == nil && since == 0 {
		return nil, fmt.Errorf("version %d has no such operator", s.to)
	}
	if row != nil {
		if err := row.apply(s); err != nil {
			return nil, err
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	list := s.before
	if s.node != nil {
		next := schema.Lookup(s.node.Domain, s.node.OpType, s.to)
		if next == nil || next.Deprecated {
			return nil, fmt.Errorf("version %d has no operator %s", s.to, s.node.OpType)
		}
		if err := s.fit(next); err != nil {
			return nil, err
		}
		list = append(list, s.node)
	}
	return append(list, s.after...), nil
}

// in returns the name of input i, "" if it is left out.
func (s *site) in(i int) string {
	if i < len(s.node.Inputs) {
		return s.node.Inputs[i]
	}
	return ""
}

// setIn makes name input i.
func (s *site) setIn(i int, name string) {
	for len(s.node.Inputs) <= i {
		s.node.Inputs = append(s.node.Inputs, "")
	}
	s.node.Inputs[i] = name
}

// cutIn leaves only the first n inputs.
func (s *site) cutIn(n int) { s.node.Inputs = s.node.Inputs[:min(n, len(s.node.Inputs))] }

// del removes attributes.
func (s *site) del(names ...string) {
	s.node.Attributes = slices.DeleteFunc(s.node.Attributes, func(a *onnx.Attribute) bool { return slices.Contains(names, a.Name) })
}

// set replaces or adds an attribute.
func (s *site) set(a *onnx.Attribute) {
	s.del(a.Name)
	s.node.Attributes = append(s.node.Attributes, a)
}

// given returns an attribute that the node gives, nil if it does not. One that a function takes from its
// caller cannot be looked at.
func (s *site) given(name string) (*onnx.Attribute, error) {
	a := s.node.Attr(name)
	if a != nil && a.RefAttrName != "" {
		return nil, fmt.Errorf("attribute %q comes from the caller of a function", name)
	}
	return a, nil
}

// attr returns an attribute or its default in the version that the node is written for, nil if neither is.
func (s *site) attr(name string) (*onnx.Attribute, error) {
	a, err := s.given(name)
	if a != nil || err != nil {
		return a, err
	}
	if d := s.def.Attribute(name); d != nil && d.Default != nil {
		return ops.DefaultAttr(name, d.Default), nil
	}
	return nil, nil
}

// int returns an integer attribute, and def where neither the node nor its schema gives it.
func (s *site) int(name string, def int64) (int64, error) {
	a, err := s.attr(name)
	if a == nil || err != nil {
		return def, err
	}
	return a.I, nil
}

// str returns a string attribute.
func (s *site) str(name string) (string, error) {
	a, err := s.attr(name)
	if a == nil || err != nil {
		return "", err
	}
	return string(a.S), nil
}

// value returns what is known of a name.
func (s *site) value(name string) ops.Value {
	if name == "" {
		return ops.Value{}
	}
	return s.pass.value(s.scope, name)
}

// rank returns the rank of input i.
func (s *site) rank(i int) (int, error) {
	v := s.value(s.in(i))
	if !v.Ranked {
		return 0, fmt.Errorf("the rank of input %d (%s) is not known", i, s.in(i))
	}
	return len(v.Dims), nil
}

// shape returns the shape of input i, which must be known.
func (s *site) shape(i int) (tensor.Shape, error) {
	shape, ok := s.value(s.in(i)).Static()
	if !ok {
		return nil, fmt.Errorf("the shape of input %d (%s) is not known", i, s.in(i))
	}
	return shape, nil
}

// dtype returns the element type of input i.
func (s *site) dtype(i int) (tensor.DType, error) {
	if v := s.value(s.in(i)); v.DType != tensor.Undefined {
		return v.DType, nil
	}
	return 0, fmt.Errorf("the element type of input %d (%s) is not known", i, s.in(i))
}

// constant returns the value of input i, which must be constant.
func (s *site) constant(i int) (*tensor.Tensor, error) {
	v := s.value(s.in(i))
	if v.Const == nil || v.Const.Kind() != tensor.KindTensor {
		return nil, fmt.Errorf("input %d (%s) is not constant, as version %d wants it", i, s.in(i), s.to)
	}
	return v.Const, nil
}

// ints returns the elements of input i, which must be constant integers.
func (s *site) ints(i int) ([]int64, error) {
	if x, ok := s.value(s.in(i)).Ints(); ok {
		return x, nil
	}
	_, err := s.constant(i)
	if err == nil {
		err = fmt.Errorf("input %d (%s) holds no integers", i, s.in(i))
	}
	return nil, err
}

// emit puts a node before the site and returns the name of its output.
func (s *site) emit(op string, in []string, attrs ...*onnx.Attribute) string {
	base := op
	if s.node != nil {
		base = nodeName(s.node)
	}
	out := s.fresh(base)
	s.emitTo(out, op, in, attrs...)
	return out
}

// emitTo puts a node with a given output before the site.
func (s *site) emitTo(out, op string, in []string, attrs ...*onnx.Attribute) {
	s.before = append(s.before, &onnx.Node{Name: s.fresh(out + "/" + op), OpType: op, Inputs: in, Outputs: []string{out}, Attributes: attrs})
}

// emitAfter puts a node behind the site.
func (s *site) emitAfter(out, op string, in []string, attrs ...*onnx.Attribute) {
	s.after = append(s.after, &onnx.Node{Name: s.fresh(out + "/" + op), OpType: op, Inputs: in, Outputs: []string{out}, Attributes: attrs})
}

// detach gives output i of the node a new name and returns both: what the node makes now, and what others
// read.
func (s *site) detach(i int) (inner, outer string) {
	outer = s.node.Outputs[i]
	inner = s.fresh(outer)
	s.node.Outputs[i] = inner
	return inner, outer
}

// replaceBy puts one node of another operator in place of the site's, with the same first output.
func (s *site) replaceBy(op string, in []string, attrs ...*onnx.Attribute) error {
	if len(s.node.Outputs) != 1 {
		return fmt.Errorf("%d outputs, where only one can be replaced", len(s.node.Outputs))
	}
	s.before = append(s.before, &onnx.Node{Name: s.node.Name, OpType: op, Inputs: in, Outputs: s.node.Outputs,
		Attributes: attrs, Doc: s.node.Doc, Metadata: s.node.Metadata})
	s.node = nil
	return nil
}

// tensor makes a constant. Before version 9 only floats can be Constant nodes: others are initializers, or in
// inner graphs and functions cast from double where that is exact.
func (s *site) tensor(t *tensor.Tensor) string {
	if s.to >= 9 || t.DType() == tensor.Float32 || t.DType() == tensor.Float64 || t.DType() == tensor.Float16 {
		return s.emit("Constant", nil, onnx.NewTensor("value", tensor.NewProto("", t)))
	}
	if s.scope.outer == nil && s.isModel {
		name := s.fresh("constant")
		s.initializers = append(s.initializers, tensor.NewProto(name, t))
		return name
	}
	wide := tensor.Float64s(t, t.Len())
	if wide == nil || slices.ContainsFunc(wide, func(v float64) bool { return v >= 1<<53 || v <= -1<<53 }) {
		s.err = fmt.Errorf("version %d has no constant of type %v with these elements in an inner graph or function", s.to, t.DType())
		return ""
	}
	return s.cast(s.tensor(tensor.FromSlice(wide, t.Shape()...)), t.DType())
}

// vector makes a constant list of integers.
func (s *site) vector(v ...int64) string { return s.tensor(tensor.FromSlice(v, len(v))) }

// scalar makes a constant of rank 0.
func (s *site) scalar(d tensor.DType, v float64) (string, error) {
	t, err := tensor.FromFloat64s(d, tensor.Shape{}, []float64{v})
	if err != nil {
		return "", err
	}
	return s.tensor(t), nil
}

// withAxes emits an operator whose axes are an attribute before version since, and an input from there on.
func (s *site) withAxes(op string, since int, x string, axes []int64, attrs ...*onnx.Attribute) string {
	if s.to < since {
		return s.emit(op, []string{x}, append(attrs, onnx.NewInts("axes", axes...))...)
	}
	return s.emit(op, []string{x, s.vector(axes...)}, attrs...)
}

// unsqueeze emits an Unsqueeze.
func (s *site) unsqueeze(x string, axes ...int64) string { return s.withAxes("Unsqueeze", 13, x, axes) }

// squeeze emits a Squeeze.
func (s *site) squeeze(x string, axes ...int64) string { return s.withAxes("Squeeze", 13, x, axes) }

// reshape emits a Reshape to a known shape.
func (s *site) reshape(x string, shape ...int64) string {
	if s.to < 5 {
		return s.emit("Reshape", []string{x}, onnx.NewInts("shape", shape...))
	}
	return s.emit("Reshape", []string{x, s.vector(shape...)})
}

// cast emits a Cast.
func (s *site) cast(x string, to tensor.DType) string {
	return s.emit("Cast", []string{x}, s.castTo(to))
}

// castTo returns the attribute that names the target of a Cast.
func (s *site) castTo(to tensor.DType) *onnx.Attribute {
	if s.to < 6 {
		return onnx.NewString("to", protoName(to))
	}
	return onnx.NewInt("to", int64(to))
}
