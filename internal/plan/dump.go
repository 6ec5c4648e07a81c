package plan

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mmap"
)

// String returns the word that Dump uses.
func (s storage) String() string {
	return [...]string{"arena", "const", "input", "output", "dynamic"}[s]
}

// Dump writes the program as text for people: which symbols the shapes of inputs give, each slot with its
// storage, lifetime and size, each step with its slots. The same program always gives the same text.
func (p *Program) Dump(w io.Writer) error {
	return mmap.Guard(func() error {
		d := &dumper{w: bufio.NewWriter(w)}
		d.program("program", p)
		return d.w.Flush()
	})
}

type dumper struct {
	w      *bufio.Writer
	indent int
}

func (d *dumper) line(format string, args ...any) {
	d.w.WriteString(strings.Repeat("  ", d.indent))
	fmt.Fprintf(d.w, format+"\n", args...)
}

func (d *dumper) program(what string, p *Program) {
	d.line("%s %s: %d slots, %d in the arena, %d steps {", what, p.graph.Name, len(p.slots), len(p.arena), len(p.steps))
	d.indent++
	for _, s := range p.solve {
		d.line("symbol %s from dimension %d of input %s", p.symbols[s.symbol], s.axis, p.slots[p.inputs[s.input]].value.Name)
	}
	for _, o := range p.outer {
		d.line("symbol %s from the program around", p.symbols[o.symbol])
	}
	for i := range p.slots {
		d.slot(p, i)
	}
	for i := range p.steps {
		d.step(p, i)
	}
	for _, o := range p.outputs {
		how := ""
		if o.copy {
			how = " (copied)"
		}
		d.line("output %%%d %s%s", o.slot, p.slots[o.slot].value.Name, how)
	}
	d.indent--
	d.line("}")
}

func (d *dumper) slot(p *Program, i int) {
	s := &p.slots[i]
	where := s.store.String()
	if s.root != int32(i) {
		where += fmt.Sprintf(" of %%%d", s.root)
	}
	if s.store == inConst {
		d.line("%%%d %s: %s, %s = %s", i, s.value.Name, s.value.Type, where, constant(s.value))
		return
	}
	life := fmt.Sprintf("steps %d to %d", s.first, s.last)
	switch {
	case s.root != int32(i):
		life = "as long as that"
	case s.first < 0:
		life = fmt.Sprintf("to step %d", s.last)
	}
	d.line("%%%d %s: %s, %s, %s, %s", i, s.value.Name, s.value.Type, where, life, sizeText(s))
}

func constant(v *graph.Value) string {
	if !v.IsConst() {
		return "a view"
	}
	return graph.Elements(v.Const)
}

// sizeText returns the bytes of a slot as a number or an expression.
func sizeText(s *slot) string {
	if shape, ok := s.value.Static(); ok {
		return fmt.Sprintf("%d bytes", s.dtype.ByteLen(shape.Len()))
	}
	if !s.fixed {
		return "size known while running"
	}
	parts := make([]string, len(s.value.Dims))
	for i, e := range s.value.Dims {
		parts[i] = e.String()
		if strings.ContainsAny(parts[i], "+- ") {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return fmt.Sprintf("%s elements of %v", strings.Join(parts, "*"), s.dtype)
}

func (d *dumper) step(p *Program, i int) {
	s := &p.steps[i]
	notes := ""
	if s.dynamic {
		notes += " dynamic"
	}
	if s.view {
		notes += " view"
	}
	if s.into > 0 {
		notes += fmt.Sprintf(" into %%%d", s.in[s.into])
	}
	if s.scratch != nil {
		notes += " scratch"
	}
	d.line("step %d: %s = %s(%s) %q%s", i, slotList(s.out), s.node.Operator(), slotList(s.in), s.node.Path(), notes)
	d.indent++
	for b, body := range s.bodies {
		d.program(fmt.Sprintf("%s captures (%s)", s.node.Bodies[b].Name, slotList(s.capture[b])), body)
	}
	d.indent--
}

func slotList(slots []int32) string {
	parts := make([]string, len(slots))
	for i, s := range slots {
		if parts[i] = "-"; s >= 0 {
			parts[i] = fmt.Sprintf("%%%d", s)
		}
	}
	return strings.Join(parts, ", ")
}

// ArenaBytes returns the bytes that one frame takes for inner values and scratch memory at the given sizes
// of the symbols, 1 for those without. Values whose sizes only running can tell, and bodies, do not count.
func (p *Program) ArenaBytes(sizes map[string]int) (int, error) {
	f := newFrame(p, nil)
	f.setContext(context.Background(), 1)
	for i, name := range p.symbols {
		f.env[i] = 1
		if n, ok := sizes[name]; ok {
			f.env[i] = int64(n)
		}
	}
	if err := p.exprs.Eval(f.env, f.dims); err != nil {
		return 0, err
	}
	if _, err := f.resize(); err != nil {
		return 0, err
	}
	return place(f.blocks, f.offsets), nil
}
