package attention

import (
	"sync/atomic"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// set is one set of kernels.
type set struct {
	name   string
	needs  cpu.Feature
	panels []panel // the widest first; the widths of the others divide it
	turns  []turn  // the widest first
}

// turn is a kernel that transposes as many rows as its width; see turnArgs.
type turn struct {
	width int
	run   func(*turnArgs)
}

// panel holds the kernels for a panel of queries. Panels are matrices whose rows hold an element of each query: width
// elements, one row behind the other.
type panel struct {
	width  int
	scores []func(*scoresArgs) // scores[r-1] goes r keys at a time
	values []func(*valuesArgs) // values[r-1] goes r elements at a time
}

// queryPad divides the number of queries that masks are packed for: the width of the widest panel.
const queryPad = 32

// sets lists all sets of kernels, best first. The last needs nothing.
var sets = append(archSets(), generic)

// Kernels returns the names of the sets that this machine can run, best first: the first is the one in use.
func Kernels() []string {
	var names []string
	for _, s := range sets {
		if cpu.Has(s.needs) {
			names = append(names, s.name)
		}
	}
	return names
}

// forced overrides the choice; see Use.
var forced atomic.Pointer[set]

// Use selects a set of kernels by name until undo is called, for tests. It reports false, and changes nothing, when the
// machine cannot run that set.
func Use(name string) (undo func(), ok bool) {
	for _, s := range sets {
		if s.name == name && cpu.Has(s.needs) {
			old := forced.Swap(s)
			return func() { forced.Store(old) }, true
		}
	}
	return func() {}, false
}

func selected() *set {
	if s := forced.Load(); s != nil {
		return s
	}
	for _, s := range sets {
		if cpu.Has(s.needs) {
			return s
		}
	}
	return generic
}

// panel returns the kernels for n queries: the narrowest panel that holds them, or the widest.
func (s *set) panel(n int) *panel {
	p := &s.panels[0]
	for i := range s.panels {
		if s.panels[i].width >= n {
			p = &s.panels[i]
		}
	}
	return p
}

// scoresArgs is the argument of scores, which sets, for all keys i of its tiles and queries j of the panel,
//
//	s(i, j) = sum over p of k(i, p) * q(p, j) + add[0](i, j) + add[1](i, j) + bias[i]
//
// and raises top[j] to the largest of them. Where NaN is among them, top[j] is any. What is nil is not added. Steps count
// bytes. Keys have size contiguous elements. The layout is known to the generator in _asm.
type scoresArgs struct {
	k       unsafe.Pointer    // 0
	step    int               // 8: from a key to the next
	size    int               // 16
	q, s    unsafe.Pointer    // 24 32: panels
	tiles   int               // 40: at least 1; kernels count down
	add     [2]unsafe.Pointer // 48 56
	between [2]int            // 64 72: from a row of add to the next
	bias    unsafe.Pointer    // 80
	top     unsafe.Pointer    // 88
	_       [3]int            // 96: what kernels use
}

// valuesArgs is the argument of values, which sets, for all elements i of its tiles and queries j of the panel,
//
//	y(i, j) = factor[j] * y(i, j) + sum over p of v(p, i) * p(p, j)
//
// without the first summand where factor is nil.
type valuesArgs struct {
	v      unsafe.Pointer // 0
	step   int            // 8: bytes from the values of a key to those of the next
	keys   int            // 16
	p, y   unsafe.Pointer // 24 32: panels
	tiles  int            // 40: at least 1; kernels count down
	factor unsafe.Pointer // 48
}

// turnArgs is the argument of a turn, which sets, for all rows i of its width and all j < cols,
//
//	dst[j*step+i] = src[rows[i]+j] * factor[j]
//
// where step, rows and next count bytes. It reads elements of src and factor four at a time. Of factor it takes four, and goes on
// by next.
type turnArgs struct {
	src    unsafe.Pointer // 0
	rows   [16]int        // 8
	dst    unsafe.Pointer // 136
	step   int            // 144
	cols   int            // 152: at least 1
	factor unsafe.Pointer // 160
	next   int            // 168
}

// tiles are some of the same height, the first of which begins at a row.
type tiles struct{ first, rows, tiles int }

// evenly cuts n rows into tiles of most rows at the utmost: those of one row more come first.
func evenly(n, most int) [2]tiles {
	count := (n + most - 1) / most
	rows, higher := n/max(count, 1), n%max(count, 1)
	return [2]tiles{{0, rows + 1, higher}, {higher * (rows + 1), rows, count - higher}}
}
