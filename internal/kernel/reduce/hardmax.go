package reduce

import "github.com/onnxrun/onnxrun/internal/kernel/vec"

// Hardmax sets, in each row of cols elements of dst, the first of the largest elements of the row of src to 1
// and the others to 0. A NaN counts only in the first place. dst must not overlap src.
func Hardmax(dst, src []float32, rows, cols, threads int) {
	j := newJob(hardmaxRows, dst, src)
	j.n = cols
	j.do(rows, cols, threads)
}

func hardmaxRows(j *job, lo, hi int) {
	vec.HardmaxRows(j.dst[lo*j.n:hi*j.n], j.src[lo*j.n:hi*j.n], j.n)
}

// HardmaxAxis is Hardmax along the middle axis of src, seen as [outer, n, inner].
func HardmaxAxis(dst, src []float32, outer, n, inner, threads int) {
	if inner == 1 {
		Hardmax(dst, src, outer, n, threads)
		return
	}
	j := newJob(hardmaxTiles, dst, src)
	j.n, j.inner, j.tiles = n, inner, (inner+tile-1)/tile
	j.do(outer*j.tiles, n*min(inner, tile), threads)
}

// hardmaxTiles does the columns of some tiles.
func hardmaxTiles(j *job, lo, hi int) {
	s := scratches.Get()
	defer scratches.Put(s)
	for u := lo; u < hi; u++ {
		o, from := u/j.tiles, u%j.tiles*tile
		width, at := min(tile, j.inner-from), o*j.n*j.inner+from
		for i := range j.n {
			clear(j.dst[at+i*j.inner:][:width])
		}
		whole := width &^ (vec.ColumnGroup - 1)
		vec.HardmaxColumns(s.a[:whole], s.at[:whole], j.src[at:], j.n, j.inner)
		for c, i := range s.at[:whole] {
			j.dst[at+int(i)*j.inner+c] = 1
		}
		for c := whole; c < width; c++ {
			best := at + c
			for i := 1; i < j.n; i++ {
				if k := at + c + i*j.inner; j.src[k] > j.src[best] {
					best = k
				}
			}
			j.dst[best] = 1
		}
	}
}
