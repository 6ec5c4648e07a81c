package onnx

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxShown is how many elements of a list or tensor Dump shows.
const maxShown = 8

// Dump writes m as text for people: versions, then each graph and function with a line for every value and
// node. Long tensors and lists are cut short. The same model always gives the same text.
func Dump(w io.Writer, m *Model) error {
	return mmap.Guard(func() error { return dump(w, m) })
}

func dump(w io.Writer, m *Model) error {
	d := dumper{w: bufio.NewWriter(w)}
	d.line("model ir_version=%d producer=%s opset=%s", m.IRVersion,
		strconv.Quote(strings.TrimSpace(m.ProducerName+" "+m.ProducerVersion)), opsetText(m.Opsets))
	for _, e := range m.Metadata {
		d.line("metadata %s = %s", name(e.Key), cut(strconv.Quote(e.Value)))
	}
	for _, f := range m.Functions {
		d.function(f)
	}
	if m.Graph != nil {
		d.graph("graph", m.Graph)
	}
	for _, t := range m.TrainingInfo {
		if t.Initialization != nil {
			d.graph("training_initialization", t.Initialization)
		}
		if t.Algorithm != nil {
			d.graph("training_algorithm", t.Algorithm)
		}
	}
	return d.w.Flush()
}

type dumper struct {
	w      *bufio.Writer
	indent int
}

func (d *dumper) line(format string, args ...any) {
	for range min(d.indent, maxNesting) {
		d.w.WriteString("  ")
	}
	fmt.Fprintf(d.w, format+"\n", args...)
}

// block writes a heading and what body writes, indented, in braces.
func (d *dumper) block(head string, body func()) {
	if d.indent >= maxNesting {
		d.line("%s { ... }", head)
		return
	}
	d.line("%s {", head)
	d.indent++
	body()
	d.indent--
	d.line("}")
}

func opsetText(list []OpsetID) string {
	var parts []string
	for _, o := range list {
		domain := o.Domain
		if domain == "" {
			domain = "ai.onnx"
		}
		parts = append(parts, fmt.Sprintf("%s:%d", domain, o.Version))
	}
	return strings.Join(parts, ",")
}

func (d *dumper) graph(what string, g *Graph) {
	d.block(what+" "+name(g.Name), func() {
		types := map[string]*Type{}
		for _, list := range [][]*ValueInfo{g.ValueInfos, g.Outputs} {
			for _, v := range list {
				types[v.Name] = v.Type
			}
		}
		for _, v := range g.Inputs {
			d.line("input %s", typed(v.Name, v.Type))
		}
		for _, t := range g.Initializers {
			d.line("initializer %s: %s", name(t.Name), tensorText(t))
		}
		for _, t := range g.SparseInitializers {
			d.line("sparse_initializer %s: %s", name(t.Name()), sparseText(t))
		}
		for _, n := range g.Nodes {
			d.node(n, types)
		}
		for _, v := range g.Outputs {
			d.line("output %s", typed(v.Name, v.Type))
		}
	})
}

func (d *dumper) function(f *Function) {
	head := fmt.Sprintf("function %s(%s) -> (%s) opset=%s", operator(f.Domain, f.Name, f.Overload), names(f.Inputs), names(f.Outputs), opsetText(f.Opsets))
	d.block(head, func() {
		for _, a := range f.Attributes {
			d.line("attribute %s", name(a))
		}
		for _, a := range f.AttributeProtos {
			d.line("attribute %s = %s", name(a.Name), attributeText(a))
		}
		types := map[string]*Type{}
		for _, v := range f.ValueInfos {
			types[v.Name] = v.Type
		}
		for _, n := range f.Nodes {
			d.node(n, types)
		}
	})
}

// node writes the line of a node, and the graphs in its attributes below it.
func (d *dumper) node(n *Node, types map[string]*Type) {
	outs := make([]string, len(n.Outputs))
	for i, o := range n.Outputs {
		outs[i] = typed(o, types[o])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s = %s(%s)", strings.Join(outs, ", "), operator(n.Domain, n.OpType, n.Overload), names(n.Inputs))
	for _, a := range n.Attributes {
		if len(graphsOf(a)) == 0 {
			fmt.Fprintf(&b, " %s=%s", name(a.Name), attributeText(a))
		}
	}
	if n.Name != "" {
		fmt.Fprintf(&b, " # %s", name(n.Name))
	}
	d.line("%s", b.String())
	d.indent++
	for _, a := range n.Attributes {
		for _, g := range graphsOf(a) {
			d.graph(name(a.Name), g)
		}
	}
	d.indent--
}

func operator(domain, op, overload string) string {
	s := name(op)
	if domain != "" {
		s = name(domain) + "." + s
	}
	if overload != "" {
		s += ":" + name(overload)
	}
	return s
}

// name writes a name as it is if it has only plain characters, else quoted; _ for none.
func name(s string) string {
	if s == "" {
		return "_"
	}
	for _, r := range s {
		if r <= ' ' || r >= 0x7F || strings.ContainsRune(`"(){}=#,\`, r) {
			return strconv.Quote(s)
		}
	}
	return s
}

func names(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = name(s)
	}
	return strings.Join(out, ", ")
}

func typed(s string, t *Type) string {
	if t == nil || s == "" {
		return name(s)
	}
	return name(s) + ": " + t.String()
}

// String returns the attribute's value as text; long lists and tensors are cut short.
func (a *Attribute) String() string { return attributeText(a) }

func attributeText(a *Attribute) string {
	switch {
	case a.RefAttrName != "":
		return "@" + name(a.RefAttrName)
	case a.Type == AttrFloat:
		return formatFloat(float64(a.F))
	case a.Type == AttrInt:
		return strconv.FormatInt(a.I, 10)
	case a.Type == AttrString:
		return cut(strconv.Quote(string(a.S[:min(len(a.S), 2*maxText)])))
	case a.Type == AttrTensor && a.T != nil:
		return tensorText(a.T)
	case a.Type == AttrSparseTensor && a.SparseTensor != nil:
		return sparseText(a.SparseTensor)
	case a.Type == AttrTypeProto && a.TypeProto != nil:
		return a.TypeProto.String()
	case a.Type == AttrFloats:
		return list(a.Floats, func(v float32) string { return formatFloat(float64(v)) })
	case a.Type == AttrInts:
		return list(a.Ints, func(v int64) string { return strconv.FormatInt(v, 10) })
	case a.Type == AttrStrings:
		return list(a.Strings, func(v []byte) string { return cut(strconv.Quote(string(v[:min(len(v), 2*maxText)]))) })
	case a.Type == AttrTensors:
		return list(a.Tensors, tensorText)
	case a.Type == AttrTypeProtos:
		return list(a.TypeProtos, (*Type).String)
	}
	return a.Type.String()
}

func formatFloat(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 32)
	if v == math.Trunc(v) && !strings.ContainsAny(s, "eIN") {
		s += ".0"
	}
	return s
}

func list[T any](v []T, text func(T) string) string {
	var b strings.Builder
	for i, x := range v {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == maxShown && len(v) > maxShown+1 {
			fmt.Fprintf(&b, "... %d more", len(v)-i)
			break
		}
		b.WriteString(text(x))
	}
	return "[" + b.String() + "]"
}

// maxText is how much of a string is shown.
const maxText = 60

func cut(quoted string) string {
	if len(quoted) <= maxText {
		return quoted
	}
	return quoted[:maxText] + "..."
}

// tensorText writes the type of a tensor, and its elements if they are few or the first of them.
func tensorText(t *TensorProto) string {
	s := t.DType().String() + strings.ReplaceAll(fmt.Sprint(t.Dims), " ", ",")
	if t.Location == tensor.LocationExternal {
		x, err := externalOf(t)
		if err != nil {
			return s + " external"
		}
		return fmt.Sprintf("%s external %s@%d", s, name(x.location), x.offset)
	}
	if t.Check() != nil {
		return s + " without valid data"
	}
	if shape, err := t.Shape(); err != nil || shape.Len() > maxShown && t.DType() != tensor.String {
		return s
	}
	v, err := t.Value()
	if err != nil {
		return s
	}
	if v.DType() == tensor.String {
		return s + " " + list(v.Strings(), func(e string) string { return cut(strconv.Quote(e[:min(len(e), 2*maxText)])) })
	}
	return s + " " + list(tensor.Float64s(v, maxShown), func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) })
}

func sparseText(t *SparseTensor) string {
	if t.Values == nil {
		return "sparse"
	}
	return fmt.Sprintf("sparse %v%s with %v values", t.Values.DType(), strings.ReplaceAll(fmt.Sprint(t.Dims), " ", ","), t.Values.Dims)
}

// String returns the type as text, as in "float32[n,3,?]" or "sequence(int64[])". A tensor of unknown rank
// is "float32".
func (t *Type) String() string { return t.text(0) }

func (t *Type) text(depth int) string {
	if t == nil || depth > maxNesting {
		return "?"
	}
	switch t.Kind {
	case TypeTensor, TypeSparse:
		s := t.DType().String()
		if t.Kind == TypeSparse {
			s = "sparse " + s
		}
		if t.HasShape {
			dims := make([]string, len(t.Dims))
			for i, d := range t.Dims {
				dims[i] = d.String()
			}
			s += "[" + strings.Join(dims, ",") + "]"
		}
		return s
	case TypeSequence, TypeOptional:
		return t.Kind.String() + "(" + t.Elem.text(depth+1) + ")"
	case TypeMap:
		return "map(" + t.DType().String() + ", " + t.Elem.text(depth+1) + ")"
	}
	return t.Kind.String()
}

// String returns the number, the name, or a question mark.
func (d Dim) String() string {
	switch d.Kind {
	case DimValue:
		return strconv.FormatInt(d.Value, 10)
	case DimParam:
		return name(d.Param)
	}
	return "?"
}
