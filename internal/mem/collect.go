package mem

import (
	"runtime"
	"runtime/metrics"
)

// CollectBeyond collects garbage if more than so many bytes were allocated since the last collection. The runtime itself waits
// until they are as many as all that is live, large weights and arenas included, though a collection only has to look through
// what may hold pointers: that has to be less than what was allocated, too. It is for loops that leave large garbage behind.
func CollectBeyond(bytes uint64) {
	var s [3]metrics.Sample
	s[0].Name, s[1].Name, s[2].Name = "/memory/classes/heap/objects:bytes", "/gc/heap/live:bytes", "/gc/scan/heap:bytes"
	metrics.Read(s[:])
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return
		}
	}
	all, live, scanned := s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64()
	if all > live && all-live > max(bytes, scanned) {
		runtime.GC()
	}
}
