package mem

import "sync"

// slab is what weights are cut from, so that small ones fill huge pages together.
var slab struct {
	sync.Mutex
	free     []byte
	expected int // bytes that are to come
}

// maxChunk bounds the storage that is taken at once, of which the rest may be idle address space.
const maxChunk = 4 * hugePage

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
// that of its neighbours is.
func Weights(n int) []float32 {
	if n == 0 {
		return nil
	}
	size := (4*n + Alignment - 1) &^ (Alignment - 1)
	slab.Lock()
	defer slab.Unlock()
	rest, fresh := slab.free, len(slab.free) < size
	if fresh {
		rest = newChunk(max(size, min(slab.expected, maxChunk)))
	}
	slab.expected = max(0, slab.expected-size)
	b := rest[:size]
	alike := (len(rest) - size) / size * size // more pieces of this size that fit
	preferHuge(b, size, min(slab.expected, alike))
	if rest = rest[size:]; !fresh || len(rest) > len(slab.free) {
		slab.free = rest
	}
	return floats(b[: 4*n : 4*n])
}

func newChunk(n int) []byte {
	if n < hugePage {
		return alignedBytes(n, Alignment)
	}
	return hugeBytes(n)
}
