package plan

// Memory is the size in bytes of a frame's arena, and of the largest set of things in it that are in use at one step:
// no arrangement takes less. Both count things as multiples of the alignment, with the room that varying sizes get.
type Memory struct{ Arena, Live int }

// Memory returns that of the frames of the program that are idle now, with those of their bodies.
func (p *Program) Memory() (all []Memory) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.idle {
		all = f.memory(all)
	}
	return all
}

func (f *Frame) memory(all []Memory) []Memory {
	if f.bound {
		all = append(all, Memory{max(f.total, f.own()), live(f.blocks)})
	}
	for i := range f.calls {
		for _, b := range f.calls[i].Bodies {
			all = b.(*body).frame.memory(all)
		}
	}
	return all
}
