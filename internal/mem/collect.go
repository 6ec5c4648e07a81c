package mem

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// CollectBeyond collects garbage if more than so many bytes were allocated since the last collection. The runtime itself waits
// until they are as many as all that is live, large weights and arenas included, though a collection only has to look through
// what may hold pointers: that has to be less than what was allocated, too. It is for loops that leave large garbage behind.
func CollectBeyond(bytes uint64) {
	all, live, scanned := heap()
	if all > live && all-live > max(bytes, scanned) {
		runtime.GC()
	}
}

const (
	worthGivingBack = 8 << 20
	mostScanned     = 64 << 20
)

// GiveBack collects garbage and gives what that leaves free to the system, if worthGivingBack has been allocated since the last
// collection and may hold pointers: half of it is garbage then, where graphs were built and rewritten. Less is not worth the memory
// that a collection takes, and to look through more than mostScanned takes too long.
func GiveBack() {
	if all, live, scanned := heap(); all > live && min(all-live, scanned) > worthGivingBack && scanned <= mostScanned {
		debug.FreeOSMemory()
	}
}

// heap returns the bytes of all objects on the heap, of those that the last collection has left, and of those that may hold
// pointers: zeros if the runtime does not tell.
func heap() (all, live, scanned uint64) {
	var s [3]metrics.Sample
	s[0].Name, s[1].Name, s[2].Name = "/memory/classes/heap/objects:bytes", "/gc/heap/live:bytes", "/gc/scan/heap:bytes"
	metrics.Read(s[:])
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return 0, 0, 0
		}
	}
	return s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64()
}
