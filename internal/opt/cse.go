package opt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxCompared bounds, in bytes, the constants that are compared by their elements: larger ones are the same only if they are
// one value, since reading all weights would cost more than merging gains.
const maxCompared = 4 << 10

// subexpressions computes once what several nodes compute: nodes of the same operator, attributes and inputs become the
// first of them. Constants are equal if their elements are. A node of a body may become one of a graph around it.
func subexpressions(g *graph.Graph) error {
	s := &sharing{instead: graph.Replacements{}, consts: map[string]*graph.Value{}, ids: map[*graph.Value]int{}}
	s.graph(g, nil)
	g.Replace(s.instead)
	return nil
}

// sharing is the pass at work.
type sharing struct {
	instead graph.Replacements
	consts  map[string]*graph.Value // small constants by content
	ids     map[*graph.Value]int
}

// seen are the nodes of a graph, and of those around it, by what they compute.
type seen struct {
	nodes map[string]*graph.Node
	outer *seen
}

func (s *seen) find(key string) *graph.Node {
	for ; s != nil; s = s.outer {
		if n := s.nodes[key]; n != nil {
			return n
		}
	}
	return nil
}

func (s *sharing) graph(g *graph.Graph, outer *seen) {
	here := &seen{map[string]*graph.Node{}, outer}
	kept := g.Nodes[:0]
	for _, n := range g.Nodes {
		for _, b := range n.Bodies {
			s.graph(b.Graph, here)
		}
		key, ok := s.key(n)
		if !ok {
			kept = append(kept, n)
			continue
		}
		first := here.find(key)
		if first == nil {
			here.nodes[key] = n
			kept = append(kept, n)
			continue
		}
		for i, v := range n.Out {
			if v != nil {
				s.instead[v] = first.Out[i]
			}
		}
	}
	g.Nodes = kept
}

// key returns what n computes, or false if it must stay.
func (s *sharing) key(n *graph.Node) (string, bool) {
	if n.Op == nil || n.Op.Flags&(ops.Random|ops.Managed) != 0 || len(n.Bodies) > 0 {
		return "", false
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%s:%d", n.Domain, n.Type, n.Version)
	for _, v := range n.In {
		fmt.Fprintf(&b, ",%d", s.id(v))
	}
	for _, v := range n.Out {
		fmt.Fprintf(&b, ";%t", v != nil)
	}
	attrs := slices.SortedFunc(slices.Values(n.Attrs), func(x, y *onnx.Attribute) int { return strings.Compare(x.Name, y.Name) })
	for _, a := range attrs {
		text, ok := attrKey(a)
		if !ok {
			return "", false
		}
		b.WriteString("|" + text)
	}
	return b.String(), true
}

// id numbers values; equal ones have one number.
func (s *sharing) id(v *graph.Value) int {
	if v == nil {
		return 0
	}
	v = s.instead.Of(v)
	if content, ok := constKey(v); ok {
		first := s.consts[content]
		if first == nil {
			first = v
			s.consts[content] = v
		}
		v = first
	}
	if s.ids[v] == 0 {
		s.ids[v] = len(s.ids) + 1
	}
	return s.ids[v]
}

// constKey returns the type and elements of a small constant.
func constKey(v *graph.Value) (string, bool) {
	c := v.Const
	if c == nil || c.Kind() != tensor.KindTensor || c.DType() == tensor.String || c.DType().ByteLen(c.Len()) > maxCompared {
		return "", false
	}
	return fmt.Sprint(c.DType(), c.Shape(), ":") + string(c.Bytes()), true
}

// attrKey returns the name and value of an attribute, or false if it holds more than numbers and strings.
func attrKey(a *onnx.Attribute) (string, bool) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%q=%d:", a.Name, a.Type)
	var err error
	switch a.Type {
	case onnx.AttrFloat:
		err = binary.Write(&b, binary.LittleEndian, a.F)
	case onnx.AttrInt:
		err = binary.Write(&b, binary.LittleEndian, a.I)
	case onnx.AttrString:
		fmt.Fprintf(&b, "%q", a.S)
	case onnx.AttrFloats:
		err = binary.Write(&b, binary.LittleEndian, a.Floats)
	case onnx.AttrInts:
		err = binary.Write(&b, binary.LittleEndian, a.Ints)
	case onnx.AttrStrings:
		fmt.Fprintf(&b, "%q", a.Strings)
	default:
		return "", false
	}
	return b.String(), err == nil
}
