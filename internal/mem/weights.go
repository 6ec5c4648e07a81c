package mem

import (
	"slices"
	"sync"
)

// slab is what weights are cut from, so that small ones fill huge pages together.
var slab struct {
	sync.Mutex
	free     [][]byte // rests of storage, at most maxRests
	expected int      // bytes that are to come
}

const (
	// maxChunk, or four pieces, bounds the storage that is taken at once, of which the rest may be idle address space.
	maxChunk = 4 * hugePage
	maxRests = 8
)

// Expect says that weights of about n bytes will be asked for.
func Expect(n int) {
	slab.Lock()
	defer slab.Unlock()
	slab.expected += max(n, 0)
}

// Settle ends what Expect announced. Weights that follow share no storage with those before, which thus becomes free
// when the last of these is.
func Settle() {
	slab.Lock()
	defer slab.Unlock()
	slab.free, slab.expected = nil, 0
}

// Weights is Floats for what lives as long as a model: pieces lie side by side, and the storage of each is free when
// that of its neighbours is. Small pieces that follow large ones fill what these left of their huge pages.
func Weights(n int) []float32 {
	if n == 0 {
		return nil
	}
	b, more := cut((4*n + Alignment - 1) &^ (Alignment - 1))
	preferHuge(b, len(b), more)
	return floats(b[: 4*n : 4*n])
}

// cut takes a piece from the slab, which reaches to the end of its storage, and returns how many more bytes of that are likely
// to be used.
func cut(size int) (piece []byte, more int) {
	slab.Lock()
	defer slab.Unlock()
	slab.expected = max(0, slab.expected-size)
	rest := takeRest(size)
	if rest == nil {
		rest = newChunk(size, slab.expected)
	}
	piece, rest = rest[:size], rest[size:]
	if len(rest) >= size/4 { // less would lie idle if pieces of one size follow
		more = min(len(rest), max(0, slab.expected-idle()))
	}
	keepRest(rest)
	return piece, more
}

// newChunk returns storage for a piece of n bytes and some of the more that are to come.
func newChunk(n, more int) []byte {
	size := max(n, min(n+more, max(maxChunk, 4*n)))
	if size < hugePage {
		return alignedBytes(size, Alignment)
	}
	if end := (size + hugePage - 1) &^ (hugePage - 1); end-n <= more {
		size = end
	}
	return hugeBytes(size)
}

// takeRest takes the smallest rest of at least n bytes from the slab, nil if there is none.
func takeRest(n int) []byte {
	best := -1
	for i, r := range slab.free {
		if len(r) >= n && (best < 0 || len(r) < len(slab.free[best])) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	r := slab.free[best]
	slab.free = slices.Delete(slab.free, best, best+1)
	return r
}

// keepRest gives the slab a rest, in the place of the smallest if there are many.
func keepRest(r []byte) {
	if len(r) == 0 {
		return
	}
	if slab.free = append(slab.free, r); len(slab.free) <= maxRests {
		return
	}
	least := 0
	for i, r := range slab.free {
		if len(r) < len(slab.free[least]) {
			least = i
		}
	}
	slab.free = slices.Delete(slab.free, least, least+1)
}

// idle returns how many bytes the rests have.
func idle() (n int) {
	for _, r := range slab.free {
		n += len(r)
	}
	return n
}
