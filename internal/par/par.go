// Package par runs the chunks of a loop on one process-wide pool of goroutines.
// It imports only the standard library (and may import internal/cpu).
//
// A parallel loop is a Task and a number of chunks. How work is cut into chunks
// is the caller's business and must not depend on the number of threads: then
// every result is the same, bit for bit, for any number of threads. Split does
// this for simple ranges.
//
// The pool holds at most GOMAXPROCS workers, started when first needed and kept
// for the life of the process; they wait without using the processor. A test that
// looks for leaked goroutines must ignore "github.com/onnxrun/onnxrun/internal/par.worker".
package par

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// Task is the body of a parallel loop. Chunk is called once for every index, from
// several goroutines at once. A pointer kept in a sync.Pool makes a Run that
// allocates nothing.
type Task interface {
	Chunk(i int)
}

// Default returns the number of threads a caller without other wishes should use:
// GOMAXPROCS, which respects the processor quota of a container.
func Default() int { return runtime.GOMAXPROCS(0) }

// Run calls t.Chunk for every index in [0, chunks) on at most threads goroutines,
// the caller among them, and returns when all calls have returned. With threads
// or chunks below two it is a plain loop. Each goroutine begins with a range of
// its own, the caller with the first, and then takes what others have not begun.
// Chunks may call Run themselves. If a chunk panics, no further chunks start and
// Run panics with the same value.
func Run(threads, chunks int, t Task) {
	if threads <= 1 || chunks <= 1 || uint64(chunks) > math.MaxUint32 {
		for i := range chunks {
			t.Chunk(i)
		}
		return
	}
	// Helpers only for processors that no other loop uses: with as many callers as
	// processors each works alone.
	defer busy.Add(-1)
	helpers := max(min(threads, chunks, Default()-int(busy.Add(1))+1)-1, 0)
	ensure(helpers)
	r := regions.Get().(*region)
	r.task, r.drained = t, false
	r.deal(chunks, helpers+1)
	o := offer{r, uint32(r.state.Load() >> genShift)}
	for range helpers {
		select {
		case queue <- o:
		default: // everyone is busy; the caller does what nobody claims
		}
	}
	defer r.finish()
	r.work(0)
	r.drained = true
}

// region is one running parallel loop. Its state word packs a generation, which
// makes offers of earlier loops void, a flag that the caller sleeps, and the
// number of helpers inside.
type region struct {
	state   atomic.Uint64
	task    Task
	shares  []share // the caller's is the first
	drained bool    // the caller found nothing left to begin
	failed  atomic.Pointer[failure]
	done    chan struct{}
}

type failure struct{ value any }

// offer invites a worker to one generation of a region.
type offer struct {
	r   *region
	gen uint32
}

const (
	genShift  = 32
	waiting   = 1 << 31
	countMask = waiting - 1
)

var (
	queue   = make(chan offer, 256)
	workers atomic.Int64
	busy    atomic.Int64 // goroutines at work in loops, callers and helpers
	regions = sync.Pool{New: func() any { return &region{done: make(chan struct{}, 1)} }}
)

// join enters the region as a helper, unless its loop is over.
func (r *region) join(gen uint32) bool {
	for {
		s := r.state.Load()
		if uint32(s>>genShift) != gen {
			return false
		}
		if r.state.CompareAndSwap(s, s+1) {
			busy.Add(1)
			return true
		}
	}
}

// leave is the last thing a helper does with the region.
func (r *region) leave() {
	busy.Add(-1)
	s := r.state.Add(^uint64(0))
	if s&waiting != 0 && s&countMask == 0 {
		r.done <- struct{}{}
	}
}

// finish bars further helpers, waits for those inside, and passes on their panic.
func (r *region) finish() {
	if !r.drained { // the caller's own chunk panicked
		r.drop()
	}
	if s := r.state.Add(1 << genShift); s&countMask != 0 {
		r.wait()
	}
	f := r.failed.Load()
	r.task = nil
	r.failed.Store(nil)
	regions.Put(r)
	if f != nil {
		panic(f.value)
	}
}

// spinWait bounds how often the caller looks for the last helper before it sleeps:
// some 100 microseconds, twice the length of a chunk.
const spinWait = 1 << 12

func (r *region) wait() {
	for i := range spinWait {
		if r.state.Load()&countMask == 0 {
			return
		}
		if i%spinYield == spinYield-1 {
			runtime.Gosched()
		}
		cpu.Pause()
	}
	for {
		s := r.state.Load()
		if s&countMask == 0 {
			return
		}
		if r.state.CompareAndSwap(s, s|waiting) {
			<-r.done
			r.state.And(^uint64(waiting))
			return
		}
	}
}
