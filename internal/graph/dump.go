package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxShown is how many elements of a constant Dump shows.
const maxShown = 8

// Dump writes g as text for people: a line for every input, node and output with what is known of its
// values, the graphs of control-flow nodes indented below them. Long constants are cut short. The same graph
// always gives the same text.
func Dump(w io.Writer, g *Graph) error {
	return mmap.Guard(func() error {
		d := dumper{w: bufio.NewWriter(w), defined: map[*Value]bool{}}
		d.graph("graph", g)
		return d.w.Flush()
	})
}

type dumper struct {
	w       *bufio.Writer
	indent  int
	defined map[*Value]bool // constants that a line above shows
}

func (d *dumper) line(format string, args ...any) {
	d.w.WriteString(strings.Repeat("  ", d.indent))
	fmt.Fprintf(d.w, format+"\n", args...)
}

func (d *dumper) graph(what string, g *Graph) {
	d.line("%s %s {", what, g.Name)
	d.indent++
	for _, v := range g.Inputs {
		d.line("input %s", v.text())
	}
	for _, n := range g.Nodes {
		d.constants(n.In)
		d.node(n)
	}
	d.constants(g.Outputs)
	for _, v := range g.Outputs {
		d.line("output %s", v.text())
	}
	d.indent--
	d.line("}")
}

// constants writes those of a list that nothing above shows.
func (d *dumper) constants(list []*Value) {
	for _, v := range list {
		if v != nil && v.IsConst() && !d.defined[v] {
			d.defined[v] = true
			d.line("const %s = %s", v.text(), Elements(v.Const))
		}
	}
}

func (d *dumper) node(n *Node) {
	var b strings.Builder
	for i, v := range n.Out {
		if i > 0 {
			b.WriteString(", ")
		}
		if v == nil {
			b.WriteString("-")
			continue
		}
		b.WriteString(v.text())
	}
	fmt.Fprintf(&b, " = %s(%s)", n.Operator(), names(n.In))
	for _, a := range n.Attrs {
		if a.G == nil && len(a.Graphs) == 0 {
			fmt.Fprintf(&b, " %s=%s", a.Name, a)
		}
	}
	d.line("%s", b.String())
	d.indent++
	for _, body := range n.Bodies {
		d.graph(body.Name, body.Graph)
	}
	d.indent--
}

// Operator returns the operator with the version of its row, and with its domain if that is not ai.onnx.
func (n *Node) Operator() string {
	name := n.Type
	if n.Domain != "" {
		name = n.Domain + ":" + name
	}
	if n.Op == nil {
		return name
	}
	return fmt.Sprintf("%s-%d", name, n.Op.Since)
}

// text returns the name and type of a value, and its elements where they are known as expressions.
func (v *Value) text() string {
	s := v.Name + ": " + v.Type.String()
	if v.IsConst() || v.Elems == nil {
		return s
	}
	var b strings.Builder
	for i, e := range v.Elems {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.String())
	}
	return fmt.Sprintf("%s {%s}", s, b.String())
}

func names(list []*Value) string {
	parts := make([]string, len(list))
	for i, v := range list {
		if parts[i] = "-"; v != nil {
			parts[i] = v.Name
		}
	}
	return strings.Join(parts, ", ")
}

// Elements returns the first elements of a tensor as text.
func Elements(t *tensor.Tensor) string {
	switch {
	case t.Kind() != tensor.KindTensor:
		return t.Kind().String()
	case t.Len() == 0:
		return "[]"
	case t.DType() == tensor.String:
		s := t.Strings()
		return ended(fmt.Sprintf("%.200q", s[:min(len(s), maxShown)]), len(s))
	}
	v := tensor.Float64s(t, min(t.Len(), maxShown))
	if v == nil {
		return fmt.Sprintf("[%d elements]", t.Len())
	}
	return ended(fmt.Sprintf("%.6g", v), t.Len())
}

func ended(shown string, n int) string {
	if n <= maxShown {
		return shown
	}
	return fmt.Sprintf("%s ... %d more]", strings.TrimSuffix(shown, "]"), n-maxShown)
}
