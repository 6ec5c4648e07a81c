package main

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

// What is computed for several vectors stands side by side on AVX2: an instruction for each of them, then the next. So a constant is
// loaded once for all, and a processor whose queue of vector instructions holds little more than those of one vector finds some to do.
// The bodies are emitted one after the other between marks, and a pass merges them before registers are given out.
const (
	besideBegin = "beside: begin"
	besideNext  = "beside: next"
	besideEnd   = "beside: end"
)

// beside emits body for the numbers below count, side by side. The bodies have the same instructions with the same constants, depend on nothing
// of each other, have no jumps, and leave the flags alone; registers into which they load constants are theirs.
func beside(count int, body func(i int)) {
	Comment(besideBegin)
	for i := range count {
		if i > 0 {
			Comment(besideNext)
		}
		body(i)
	}
	Comment(besideEnd)
}

func init() {
	pass.Compile = pass.Concat(pass.FunctionPass(mergeBeside), pass.Compile, pass.FunctionPass(sixteenRegisters))
}

// sixteenRegisters returns an error where a function of AVX2 takes registers that only AVX-512 has.
func sixteenRegisters(f *ir.Function) error {
	if !strings.HasSuffix(f.Name, "AVX2") {
		return nil
	}
	for _, i := range f.Instructions() {
		for _, o := range i.Operands {
			if r, ok := o.(reg.Physical); ok && r.Kind() == reg.KindVector && r.PhysicalIndex() >= 16 {
				return fmt.Errorf("%s needs more than 16 registers", f.Name)
			}
		}
	}
	return nil
}

// mergeBeside merges what stands between marks.
func mergeBeside(f *ir.Function) error {
	var out []ir.Node
	var bodies [][]*ir.Instruction
	for _, n := range f.Nodes {
		switch mark(n) {
		case besideBegin, besideNext:
			bodies = append(bodies, nil)
		case besideEnd:
			for _, b := range bodies[1:] {
				if !slices.EqualFunc(b, bodies[0], alike) {
					return fmt.Errorf("%s: what stands side by side differs", f.Name)
				}
			}
			out = append(out, inTurns(bodies)...)
			bodies = nil
		default:
			last := len(bodies) - 1
			if last < 0 {
				out = append(out, n)
				continue
			}
			i, ok := n.(*ir.Instruction)
			if !ok {
				return fmt.Errorf("%s: side by side stands more than instructions", f.Name)
			}
			bodies[last] = append(bodies[last], i)
		}
	}
	f.Nodes = out
	return nil
}

// alike reports whether two instructions may share a constant.
func alike(a, b *ir.Instruction) bool {
	p, _ := constantOf(a)
	q, _ := constantOf(b)
	return a.Opcode == b.Opcode && p == q
}

// mark returns the text of a comment of one line.
func mark(n ir.Node) string {
	if c, ok := n.(*ir.Comment); ok && len(c.Lines) == 1 {
		return c.Lines[0]
	}
	return ""
}

// inTurns takes one instruction of each list in turn. Constants in memory are loaded once for all lists.
func inTurns(lists [][]*ir.Instruction) (merged []ir.Node) {
	add := func(i *ir.Instruction) { merged = append(merged, i) }
	for at, first := range lists[0] {
		constant, ok := constantOf(first)
		if !ok || len(lists) == 1 {
			for _, l := range lists {
				add(l[at])
			}
			continue
		}
		shared := YMM()
		add(loadOf(constant, shared))
		for _, l := range lists {
			switch {
			case first.Opcode != "VMOVUPS":
				replace(l[at], constant, shared)
				add(l[at])
			case writes(l[at+1:], l[at].Outputs[0]):
				add(moveOf(shared, l[at].Outputs[0]))
			default:
				for _, i := range l[at+1:] {
					replace(i, l[at].Outputs[0], shared)
				}
			}
		}
	}
	return merged
}

// constantOf returns the operand that is a constant in memory.
func constantOf(i *ir.Instruction) (Mem, bool) {
	for _, o := range i.Operands {
		if m, ok := o.(Mem); ok && m.Symbol.Name == tableName {
			return m, true
		}
	}
	return Mem{}, false
}

func loadOf(m Mem, to reg.Register) *ir.Instruction {
	return &ir.Instruction{Opcode: "VMOVUPS", Operands: []Op{m, to}, Inputs: []Op{m}, Outputs: []Op{to}, ISA: []string{"AVX"}}
}

func moveOf(from reg.Register, to Op) *ir.Instruction {
	return &ir.Instruction{Opcode: "VMOVAPS", Operands: []Op{from, to}, Inputs: []Op{from}, Outputs: []Op{to}, ISA: []string{"AVX"}}
}

// writes reports whether one of the instructions writes to a register.
func writes(list []*ir.Instruction, r Op) bool {
	return slices.ContainsFunc(list, func(i *ir.Instruction) bool { return slices.Contains(i.Outputs, r) })
}

// replace puts an operand in the place of another.
func replace(i *ir.Instruction, old, by Op) {
	for _, list := range []*[]Op{&i.Operands, &i.Inputs} {
		*list = slices.Clone(*list)
		for j, o := range *list {
			if o == old {
				(*list)[j] = by
			}
		}
	}
}
