package par

import "sync/atomic"

// share is the range of a loop's chunks that one goroutine begins with. Neighbouring chunks mostly lie beside each other
// in memory: with ranges, a goroutine goes on where its processor's prefetcher is, does not write between the lines that
// another one writes, and finds in its caches what it wrote in the loop before. (Chunks of 64 kB dealt out in turns made
// two threads as slow as one.) It lies on a cache line of its own.
type share struct {
	left  atomic.Uint64 // the chunks nobody has begun: the first in the upper half, the end in the lower
	owned atomic.Bool
	_     [51]byte
}

// deal cuts the chunks into a range for each of n goroutines.
func (r *region) deal(chunks, n int) {
	if cap(r.shares) < n {
		r.shares = make([]share, n)
	}
	r.shares = r.shares[:n]
	at := func(i int) uint64 { return uint64(chunks) * uint64(i) / uint64(n) }
	for i := range r.shares {
		s := &r.shares[i]
		s.left.Store(at(i)<<32 | at(i+1))
		s.owned.Store(i == 0)
	}
}

// drop empties all ranges.
func (r *region) drop() {
	for i := range r.shares {
		r.shares[i].left.Store(0)
	}
}

// own gives a helper a range that no other goroutine began with: if it can the same as in earlier loops.
func (r *region) own(worker int) int {
	helpers := len(r.shares) - 1
	for i := range helpers {
		k := 1 + (worker+i)%helpers
		if r.shares[k].owned.CompareAndSwap(false, true) {
			return k
		}
	}
	return 0
}

// work runs the chunks of the goroutine's own range in order, then the last ones of other ranges, until none is left.
func (r *region) work(own int) {
	for {
		i, ok := r.shares[own].first()
		if !ok {
			break
		}
		r.task.Chunk(i)
	}
	n := len(r.shares)
	for k := own + 1; k < own+n; {
		i, ok := r.shares[k%n].last()
		if !ok {
			k++
			continue
		}
		r.task.Chunk(i)
	}
}

// first takes the first chunk of the range.
func (s *share) first() (int, bool) {
	for {
		v := s.left.Load()
		if v>>32 >= v&(1<<32-1) {
			return 0, false
		}
		if s.left.CompareAndSwap(v, v+1<<32) {
			return int(v >> 32), true
		}
	}
}

// last takes the last chunk of the range.
func (s *share) last() (int, bool) {
	for {
		v := s.left.Load()
		if v>>32 >= v&(1<<32-1) {
			return 0, false
		}
		if s.left.CompareAndSwap(v, v-1) {
			return int(v&(1<<32-1)) - 1, true
		}
	}
}
