package ops

import (
	"math"

	tiled "github.com/onnxrun/onnxrun/internal/kernel/attention"
)

// doTiled computes the output of a prepared call of float32 in tiles and reports whether it could: nobody wants scores, nothing
// but masks that need no memory changes them, and all batches have their queries at the same place.
func doTiled[T float32 | float64](x *attentionCall[T], threads int) bool {
	c, ok := any(x).(*attentionCall[float32])
	if !ok || c.scores != nil || c.softcap != 0 || c.sinks != nil || c.left >= 0 || c.right >= 0 || len(c.spans) == 0 {
		return false
	}
	span := c.spans[0]
	for _, s := range c.spans {
		if s != span {
			return false
		}
	}
	if span.length > c.k.n || span.length < 0 || span.start < 0 {
		return false
	}
	a := tiledCalls.Get().(*tiled.Args)
	*a = tiled.Args{
		B: c.q.b, H: c.q.h, KVHeads: c.k.h, Queries: c.q.n, Keys: span.length, Size: c.q.size, ValueSize: c.v.size,
		Q: c.q.strided(c.q.b), K: c.k.strided(c.q.b), V: c.v.strided(c.q.b), Y: c.y.strided(c.q.b),
		Scale: c.scaling, Causal: c.causal, First: span.start, EmptyZero: true, Threads: threads,
	}
	for i, m := range [2]*attentionMask[float32]{&c.mask, &c.pad} {
		if (m.add != nil || m.keep != nil) && m.cols < span.length {
			ok = false
		}
		a.Masks[i] = tiled.Mask{Add: m.add, Keep: m.keep, Fill: float32(math.Inf(-1)), Batches: c.q.b, Batch: m.batch, Head: m.head, Row: m.row, Col: 1}
	}
	if ok = ok && a.Scratch32() == 0; ok {
		tiled.Run(a)
	}
	*a = tiled.Args{}
	tiledCalls.Put(a)
	return ok
}
