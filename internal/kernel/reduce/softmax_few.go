package reduce

const (
	// fewColumns is the most elements of a row for which softmaxFew beats a vector per row.
	fewColumns = 6
	// fewRows is the least number of rows that are worth it.
	fewRows = 64
)

// fewBuf holds rows of few elements by column.
type fewBuf [fewColumns * tile]float32

// softmaxFew computes the softmax of many rows of few elements, or its logarithm: rows become columns of a buffer, and
// vectors run across them.
func softmaxFew(j *job, lo, hi int) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	n := j.n
	t := job{n: n, log: j.log}
	for ; lo < hi; lo += tile {
		rows := min(tile, hi-lo)
		buf := s.few[:n*rows]
		x, y := j.src[lo*n:][:n*rows], j.dst[lo*n:][:n*rows]
		for c := range n {
			gatherColumn(buf[c*rows:][:rows], x[c:], n)
		}
		t.dst, t.src, t.inner = buf, buf, rows
		softmaxTile(&t, 0, rows, s)
		for c := range n {
			scatterColumn(y[c:], buf[c*rows:][:rows], n)
		}
	}
}

func gatherColumn(dst, src []float32, step int) {
	at := 0
	for i := range dst {
		dst[i] = src[at]
		at += step
	}
}

func scatterColumn(dst, src []float32, step int) {
	at := 0
	for _, v := range src {
		dst[at] = v
		at += step
	}
}
