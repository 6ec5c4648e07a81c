package mem

import (
	"runtime"
	"runtime/debug"
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

// TestGiveBack leaves much garbage with pointers behind, then little: the first goes back to the system.
func TestGiveBack(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	leave := func(bytes int) (before, after runtime.MemStats) {
		runtime.GC()
		for range bytes / 1024 {
			pointers = make([]*byte, 128)
		}
		pointers = nil
		runtime.ReadMemStats(&before)
		GiveBack()
		runtime.ReadMemStats(&after)
		return before, after
	}
	if before, after := leave(4 * worthGivingBack); after.HeapAlloc > before.HeapAlloc-3*worthGivingBack || after.HeapReleased < before.HeapReleased+3*worthGivingBack {
		t.Errorf("much garbage: %d bytes on the heap, then %d, of which the system got %d", before.HeapAlloc, after.HeapAlloc, after.HeapReleased-before.HeapReleased)
	}
	if before, after := leave(worthGivingBack / 4); after.NumGC != before.NumGC {
		t.Error("little garbage was collected")
	}
}

var pointers []*byte
