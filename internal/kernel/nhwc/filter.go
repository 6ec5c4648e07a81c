package nhwc

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// packed is a filter in the form that an algorithm wants, which uses some of the fields.
type packed struct {
	data     []float32
	matrices gemm.Packed
	phases   []packed // of a transposed convolution
	places   []int32  // kept for packing
	threads  int      // that may pack

	late  filterRows // of a filter that is packed while it is read; see late
	turns []float32  // where its phases are packed, each before it runs
}

// emptyPhases returns the forms of n phases, to be packed.
func (f *packed) emptyPhases(n int) []packed {
	f.phases = slices.Grow(f.phases[:0], n)[:n]
	for i := range f.phases {
		f.phases[i] = packed{threads: f.threads}
	}
	return f.phases
}

// bytes is the memory that the form takes.
func (f *packed) bytes() int {
	n := 4*len(f.data) + f.matrices.Bytes()
	for i := range f.phases {
		n += f.phases[i].bytes()
	}
	return n
}

// Pack makes the form of the filter w [OutC, InC/Groups, Kernel...] that the plan wants; of that of the convolution whose
// gradient it computes, or of that of ConvTranspose, if it is a plan for those.
func (p *Plan) Pack(w []float32) *Filter { return p.PackIn(nil, w) }

// PackIn is Pack with elements that come from room, where they may be already: then those of w are not read.
func (p *Plan) PackIn(room *mem.Room, w []float32) *Filter {
	f := new(Filter)
	p.pack(f, w, room)
	return f
}

// FilterLen returns how many floats PackInto wants.
func (p *Plan) FilterLen() int {
	if alg := p.late(); alg != nil {
		return alg.lateLen() + lineFloats
	}
	return p.wholeLen()
}

// wholeLen is how many floats a filter takes that is packed as a whole.
func (p *Plan) wholeLen() int { return p.alg.filterLen() + lineFloats }

// PackInto is Pack into room, FilterLen elements of unknown content, for runs while w stays as it is: room and w belong to f from then
// on. It allocates nothing in steady state, if f is used again and again. The form does not depend on the number of threads.
func (p *Plan) PackInto(f *Filter, w, room []float32, threads int) {
	f.packed.threads = threads
	if alg := p.late(); alg != nil {
		p.checkFilter(w)
		f.begin(p)
		alg.packLate(&f.packed, filterRows{elems: w}, room[:p.FilterLen()])
		return
	}
	f.room.Within(room[:p.wholeLen()])
	p.pack(f, w, &f.room)
	f.room.Within(nil)
}

func (p *Plan) pack(f *Filter, w []float32, room *mem.Room) {
	p.checkFilter(w)
	f.begin(p)
	p.alg.pack(&f.packed, w, room)
}

func (p *Plan) checkFilter(w []float32) {
	if want := p.g.OutC * (p.g.InC / p.g.Groups) * p.g.Taps(); len(w) != want {
		panic(fmt.Sprintf("nhwc: filter has %d elements, want %d", len(w), want))
	}
}

// begin empties f, to be packed for p.
func (f *Filter) begin(p *Plan) {
	f.format = p.Format()
	f.packed = packed{phases: f.packed.phases, places: f.packed.places, threads: f.packed.threads}
}
