package nhwc

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// reaching computes a convolution some of whose kernel elements see nothing but padding, as a small map leaves them with a large
// dilation, by an algorithm that knows only of the others.
type reaching struct {
	algorithm
	filters int   // kernels of the filter
	taps    int   // elements of a kernel
	kept    []int // those that see some input
}

// reached returns g with only those elements along each axis that see some input, and which elements of its kernel these are; nil
// if all do.
func reached(g conv.Geom) (conv.Geom, []int) {
	kept, all := []int{0}, true
	for i := range g.Rank {
		a := &g.Axes[i]
		lo, hi := 0, a.Kernel
		for lo < hi && !seesInput(*a, lo) {
			lo++
		}
		for hi > lo && !seesInput(*a, hi-1) {
			hi--
		}
		if pad := a.Lo - lo*a.Dilation; lo >= hi || pad < 0 {
			lo, hi = 0, a.Kernel
		}
		var next []int
		for _, k := range kept {
			for j := lo; j < hi; j++ {
				next = append(next, k*a.Kernel+j)
			}
		}
		kept = next
		if hi-lo < a.Kernel {
			all = false
			a.Kernel, a.Lo = hi-lo, a.Lo-lo*a.Dilation
			a.Hi = max(0, (a.Out-1)*a.Stride+a.Extent()-a.In-a.Lo)
		}
	}
	if all {
		return g, nil
	}
	return g, kept
}

// seesInput reports whether element k of the window of some output reads input.
func seesInput(a window.Axis, k int) bool {
	lo, hi := reach(a, k)
	return lo < hi
}

func (r *reaching) format() string {
	return fmt.Sprintf("%s of elements %v of %d", r.algorithm.format(), r.kept, r.taps)
}

// pack hands on the elements that are kept.
func (r *reaching) pack(f *packed, w []float32, room *mem.Room) {
	n := r.filters * len(r.kept)
	if room.Filled() {
		r.algorithm.pack(f, w[:n], room)
		return
	}
	s := window.GetScratch(n)
	defer s.Release()
	to := s.Buf[:0]
	for i := range r.filters {
		for _, k := range r.kept {
			to = append(to, w[i*r.taps+k])
		}
	}
	r.algorithm.pack(f, to, room)
	if n >= largeFilter {
		mem.Discard(s.Buf) // no run needs so much
	}
}

// largeFilter is how many elements of a filter are not left in the memory that goes from chunk to chunk.
const largeFilter = 1 << 18
