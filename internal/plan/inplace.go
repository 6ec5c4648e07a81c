package plan

import (
	"github.com/onnxrun/onnxrun/ops"
)

// view makes output 0 share the storage of input 0. It reports whether no step is needed for that.
func (c *compiler) view(s *step) bool {
	in, out := &c.p.slots[s.in[0]], &c.p.slots[s.out[0]]
	s.view = true
	out.root = in.root
	if !out.fixed || c.p.slots[in.root].store == isDynamic || !in.fixed && in.store != inConst {
		out.store, out.fixed, s.dynamic = isDynamic, false, true
		return false
	}
	out.store = in.store
	return true
}

// lifetimes finds the last step that reads each root, and which dynamic ones die after each step.
func (c *compiler) lifetimes() {
	p := c.p
	for i := range p.slots {
		root := &p.slots[p.slots[i].root]
		root.first = min(root.first, max(p.slots[i].first, -1))
		root.last = max(root.last, p.slots[i].first)
	}
	for i := range p.steps {
		for _, list := range append([][]int32{p.steps[i].in}, p.steps[i].capture...) {
			for _, s := range list {
				if s >= 0 {
					root := &p.slots[p.slots[s].root]
					root.last = max(root.last, int32(i))
				}
			}
		}
	}
	for i, s := range p.slots {
		if s.root == int32(i) && s.store == isDynamic && s.last >= 0 && int(s.last) < len(p.steps) {
			p.steps[s.last].release = append(p.steps[s.last].release, int32(i))
		}
	}
}

// inPlace merges the output of a step with an input that dies there, where the row allows it and the sizes
// are the same.
func (c *compiler) inPlace() {
	p := c.p
	for i := range p.steps {
		s := &p.steps[i]
		inputs := c.overwritable(s)
		if s.dynamic || len(inputs) == 0 || len(s.out) == 0 || s.out[0] < 0 {
			continue
		}
		out := &p.slots[s.out[0]]
		if out.store != inArena || out.root != s.out[0] {
			continue
		}
		for _, j := range inputs {
			if j >= 0 && c.mergeable(s, j, out, int32(i)) {
				c.merge(p.slots[j].root, s.out[0])
				break
			}
		}
	}
}

// overwritable returns the inputs that output 0 of s may be written over if they die there.
func (c *compiler) overwritable(s *step) []int32 {
	if s.node.Op.Flags&ops.InPlace != 0 {
		return s.in
	}
	over := s.node.Over()
	if over == 0 {
		return nil
	}
	for i, j := range s.in {
		if i != over && j >= 0 && c.p.slots[j].root == c.p.slots[s.in[over]].root {
			return nil // it is read elsewhere as well
		}
	}
	return s.in[over:][:1]
}

func (c *compiler) mergeable(s *step, in int32, out *slot, at int32) bool {
	x := &c.p.slots[in]
	root := &c.p.slots[x.root]
	if root.store != inArena || root.last != at || x.dtype != out.dtype || len(x.dims) != len(out.dims) {
		return false
	}
	for k := range x.dims {
		if x.dims[k] != out.dims[k] {
			return false
		}
	}
	return true
}

// merge makes root the storage of everything that was stored in old.
func (c *compiler) merge(root, old int32) {
	p := c.p
	last := p.slots[old].last
	for i := range p.slots {
		if p.slots[i].root == old {
			p.slots[i].root = root
		}
	}
	p.slots[root].last = last
}
