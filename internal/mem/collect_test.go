package mem

import (
	"runtime"
	"testing"
)

// TestCollectBeyond leaves garbage behind beside a large live slice: there is never much more than allowed.
func TestCollectBeyond(t *testing.T) {
	const kept, piece, most = 64 << 20, 1 << 20, 8 << 20
	live := make([]byte, kept)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := uint64(0)
	for range 64 {
		garbage = make([]byte, piece)
		CollectBeyond(most)
		runtime.ReadMemStats(&after)
		peak = max(peak, after.HeapAlloc)
	}
	if peak > before.HeapAlloc+most+4*piece {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapAlloc, peak)
	}
	runtime.KeepAlive(live)
	garbage = nil
}

var garbage []byte
