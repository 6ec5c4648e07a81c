package plan

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/mem"
)

// Arenas are memory that programs use by turns: a run takes a piece and gives it back. Programs that run one after the other
// then take no more than the largest of them. Safe for many goroutines.
type Arenas struct {
	mu   sync.Mutex
	idle [][]byte
}

// take returns n bytes of any content: the smallest idle piece that holds them. Where none does, the largest one makes
// place for a new one.
func (a *Arenas) take(n int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	best, most := -1, -1
	for i, b := range a.idle {
		if len(b) >= n && (best < 0 || len(b) < len(a.idle[best])) {
			best = i
		}
		if most < 0 || len(b) > len(a.idle[most]) {
			most = i
		}
	}
	if best >= 0 {
		return a.remove(best)
	}
	if most >= 0 {
		discard(a.remove(most)) // frames still point to it until they run again
	}
	return mem.Bytes(n)
}

func discard(b []byte) {
	if len(b) >= 4 {
		mem.Discard(unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4))
	}
}

func (a *Arenas) remove(i int) []byte {
	b, end := a.idle[i], len(a.idle)-1
	a.idle[i], a.idle[end] = a.idle[end], nil
	a.idle = a.idle[:end]
	return b
}

func (a *Arenas) give(b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle = append(a.idle, b)
}

// lease gives the frame an arena of the size that its binding asks for, if it has none of its own.
func (f *Frame) lease() {
	if a := f.p.opts.Arenas; a != nil {
		f.leaseFrom(a)
	}
	if f.stale {
		f.point(true)
		f.stale = false
	}
}

func (f *Frame) leaseFrom(a *Arenas) {
	if f.leased && f.total > len(f.arena) {
		f.giveBack()
	}
	if !f.leased {
		b := a.take(f.total)
		if unsafe.SliceData(b) != unsafe.SliceData(f.arena) {
			f.arena, f.stale = b, true
		}
		f.leased = true
		if f.p.opts.Tight {
			discard(f.arena[f.total:])
		}
	}
}

// giveBack ends the lease.
func (f *Frame) giveBack() {
	if f.leased {
		f.leased = false
		f.p.opts.Arenas.give(f.arena)
	}
}

// Release says that the outputs of the last run are not needed any more: see Options.Inside.
func (p *Program) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.idle {
		f.giveBack()
	}
}
