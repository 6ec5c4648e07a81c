package opt

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
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
	s := &sharing{instead: graph.Replacements{}, consts: map[uint64]*graph.Value{}, ids: make(map[*graph.Value]uint64, 2*len(g.Nodes)), seed: maphash.MakeSeed()}
	s.graph(g, nil)
	g.Replace(s.instead)
	return nil
}

// sharing is the pass at work.
type sharing struct {
	instead graph.Replacements
	consts  map[uint64]*graph.Value // small constants by the hash of their content
	ids     map[*graph.Value]uint64
	seed    maphash.Seed
	buf     []byte // of the last key
	attrs   ops.Attrs
}

// seen are the nodes of a graph, and of those around it, by what they compute.
type seen struct {
	nodes map[string]*graph.Node
	outer *seen
}

func (s *seen) find(key []byte) *graph.Node {
	for ; s != nil; s = s.outer {
		if n := s.nodes[string(key)]; n != nil {
			return n
		}
	}
	return nil
}

func (s *sharing) graph(g *graph.Graph, outer *seen) {
	here := &seen{make(map[string]*graph.Node, len(g.Nodes)), outer}
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
			here.nodes[string(key)] = n
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

// key returns what n computes, or false if it must stay. The next call overwrites it.
func (s *sharing) key(n *graph.Node) ([]byte, bool) {
	if n.Op == nil || n.Op.Flags&(ops.Random|ops.Managed) != 0 || len(n.Bodies) > 0 {
		return nil, false
	}
	k := appendText(appendText(s.buf[:0], n.Domain), n.Type)
	k = binary.AppendVarint(k, int64(n.Version))
	k = binary.AppendUvarint(k, uint64(len(n.In)))
	for _, v := range n.In {
		k = binary.AppendUvarint(k, s.id(v))
	}
	k = binary.AppendUvarint(k, uint64(len(n.Out)))
	for _, v := range n.Out {
		used := byte(0)
		if v != nil {
			used = 1
		}
		k = append(k, used)
	}
	s.attrs = append(s.attrs[:0], n.Attrs...)
	slices.SortFunc(s.attrs, func(x, y *onnx.Attribute) int { return strings.Compare(x.Name, y.Name) })
	ok := true
	for i := 0; ok && i < len(s.attrs); i++ {
		k, ok = appendAttr(k, s.attrs[i])
	}
	s.buf = k
	return k, ok
}

// id numbers values; equal ones have one number.
func (s *sharing) id(v *graph.Value) uint64 {
	if v == nil {
		return 0
	}
	v = s.instead.Of(v)
	id := s.ids[v]
	if id != 0 {
		return id
	}
	if first := s.equalConst(v); first != v {
		id = s.ids[first]
	}
	if id == 0 {
		id = uint64(len(s.ids) + 1)
	}
	s.ids[v] = id
	return id
}

// equalConst returns the first constant with the type and elements of v: v itself if it is the first, large, or no
// constant.
func (s *sharing) equalConst(v *graph.Value) *graph.Value {
	c := v.Const
	if c == nil || c.Kind() != tensor.KindTensor || c.DType() == tensor.String || c.DType().ByteLen(c.Len()) > maxCompared {
		return v
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	maphash.WriteComparable(&h, c.DType())
	for _, d := range c.Shape() {
		maphash.WriteComparable(&h, d)
	}
	h.Write(c.Bytes())
	hash := h.Sum64()
	first := s.consts[hash]
	switch {
	case first == nil:
		s.consts[hash] = v
	case first.Const.DType() == c.DType() && slices.Equal(first.Const.Shape(), c.Shape()) && bytes.Equal(first.Const.Bytes(), c.Bytes()):
		return first
	}
	return v
}

// appendText appends s and its length.
func appendText[T string | []byte](k []byte, s T) []byte {
	return append(binary.AppendUvarint(k, uint64(len(s))), s...)
}

// appendAttr appends the name, type and value of an attribute, or reports false if it holds more than numbers and strings.
func appendAttr(k []byte, a *onnx.Attribute) ([]byte, bool) {
	k = binary.AppendVarint(appendText(k, a.Name), int64(a.Type))
	switch a.Type {
	case onnx.AttrFloat:
		return binary.LittleEndian.AppendUint32(k, math.Float32bits(a.F)), true
	case onnx.AttrInt:
		return binary.AppendVarint(k, a.I), true
	case onnx.AttrString:
		return appendText(k, a.S), true
	case onnx.AttrFloats:
		k = binary.AppendUvarint(k, uint64(len(a.Floats)))
		for _, x := range a.Floats {
			k = binary.LittleEndian.AppendUint32(k, math.Float32bits(x))
		}
		return k, true
	case onnx.AttrInts:
		k = binary.AppendUvarint(k, uint64(len(a.Ints)))
		for _, x := range a.Ints {
			k = binary.AppendVarint(k, x)
		}
		return k, true
	case onnx.AttrStrings:
		k = binary.AppendUvarint(k, uint64(len(a.Strings)))
		for _, x := range a.Strings {
			k = appendText(k, x)
		}
		return k, true
	}
	return k, false
}
