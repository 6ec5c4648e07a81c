package reduce

const (
	// segment is the number of elements behind one partial result of foldSegments.
	segment = 1 << 15
	// fewResults is the most results of a reduction whose inputs are worth cutting into segments: more are shared among
	// threads as they are.
	fewResults = 2 * tile
)

// foldSegments reduces the middle axis of src, seen as [outer, n, inner], by segments of its rows, which threads share, and
// then their results. It serves many rows with few results, such as the mean of a picture's pixels.
func foldSegments(op Op, dst, src []float32, outer, n, inner, threads int) {
	rows := 1 + segment/inner
	count := (n + rows - 1) / rows
	s := partials.Get()
	defer partials.Put(s)
	if size := outer * count * inner; cap(*s) < size {
		*s = make([]float32, size)
	}
	parts := (*s)[:outer*count*inner]
	j := newJob(foldSegmentsOf, parts, src)
	j.op, j.n, j.inner, j.tiles = op, n, inner, count
	j.do(outer*count, rows*inner, threads)
	j = newJob(foldTiles, dst, parts)
	j.op, j.n, j.inner, j.tiles = op.rest(), count, inner, (inner+tile-1)/tile
	j.do(outer*j.tiles, count*min(inner, tile), threads)
}

// foldSegmentsOf reduces some segments; j.tiles is their number for each outer index.
func foldSegmentsOf(j *job, lo, hi int) {
	s := scratches.Get()
	defer scratches.Put(s)
	rows := 1 + segment/j.inner
	for u := lo; u < hi; u++ {
		o, i := u/j.tiles, u%j.tiles
		from, to := i*rows, min(i*rows+rows, j.n)
		x := j.src[(o*j.n+from)*j.inner : (o*j.n+to)*j.inner]
		acc := j.dst[u*j.inner:][:j.inner]
		for at := 0; at < j.inner; at += tile {
			part := acc[at:min(at+tile, j.inner)]
			if j.inner <= narrow/2 {
				foldNarrow(j.op, part, x, s)
			} else {
				foldTile(j.op, part, x[at:], j.inner, s)
			}
		}
	}
}
