package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// fold32 is fold for float32.
func fold32(op Op, dst, src []float32, outer, n, inner, threads int) {
	switch {
	case inner == 1 && n >= longRow && op != LogSumExp:
		for o := range outer {
			dst[o] = foldLong(op, src[o*n:(o+1)*n], threads)
		}
	case inner == 1:
		j := newJob(foldRowsOf, dst, src)
		j.op, j.n = op, n
		j.do(outer, n, threads)
	case op == LogSumExp:
		j := newJob(logSumExpTiles, dst, src)
		j.n, j.inner, j.tiles = n, inner, (inner+tile-1)/tile
		j.do(outer*j.tiles, n*min(inner, tile), threads)
	case outer*inner <= fewResults && n*inner >= 2*segment && n >= 2*(1+segment/inner):
		foldSegments(op, dst, src, outer, n, inner, threads)
	default:
		j := newJob(foldTiles, dst, src)
		j.op, j.n, j.inner, j.tiles = op, n, inner, (inner+tile-1)/tile
		j.do(outer*j.tiles, n*min(inner, tile), threads)
	}
}

func foldRowsOf(j *job, lo, hi int) {
	if 0 < j.n && j.n <= shortRow && j.units > 1 {
		foldShort(j.op, j.dst[lo:hi], j.src[lo*j.n:hi*j.n], j.n)
		return
	}
	if j.op == SumSquare {
		vec.SumSquareRows(j.dst[lo:hi], j.src[lo*j.n:hi*j.n], j.n)
		return
	}
	for r := lo; r < hi; r++ {
		j.dst[r] = foldRow32(j.op, j.src[r*j.n:(r+1)*j.n])
	}
}

func foldRow32(op Op, x []float32) float32 {
	switch op {
	case Max:
		return vec.Largest(x)
	case Min:
		return vec.Smallest(x)
	case SumSquare:
		return vec.SumSquare(x)
	case L1:
		return vec.SumAbs(x)
	case Prod:
		return vec.Product(x)
	case LogSumExp:
		return logSumExp32(x)
	}
	return vec.Sum(x)
}

func logSumExp32(x []float32) float32 {
	m := vec.Largest(x)
	if d := m - m; d != d {
		return m
	}
	s := scratches.Get()
	defer scratches.Put(s)
	sum := 0.0
	for len(x) > 0 {
		n := min(tile, len(x))
		sum += float64(vec.ExpSum(s.a[:n], x[:n], m))
		x = x[n:]
	}
	return float32(float64(m) + math.Log(sum))
}

// logSumExpTiles reduces the columns of some tiles.
func logSumExpTiles(j *job, lo, hi int) {
	s := scratches.Get()
	defer scratches.Put(s)
	for u := lo; u < hi; u++ {
		o, from := u/j.tiles, u%j.tiles*tile
		width := min(tile, j.inner-from)
		at, acc := o*j.n*j.inner+from, j.dst[o*j.inner+from:][:width]
		logSumExpColumns(acc, j.src[at:], j.n, j.inner, s)
	}
}

// logSumExpColumns reduces columns of n elements, which lie stride elements apart.
func logSumExpColumns(acc, x []float32, n, stride int, s *scratch) {
	width := len(acc)
	high, sum, e := s.a[:width], s.b[:width], s.c[:width]
	vec.Fill(high, float32(math.Inf(-1)))
	for i := range n {
		vec.Max(high, high, x[i*stride:][:width])
	}
	clear(sum)
	for i := range n {
		vec.Sub(e, x[i*stride:][:width], high)
		vec.ExpTerm(e, e)
		vec.Add(sum, sum, e)
	}
	vec.Log(sum, sum)
	vec.Add(acc, high, sum)
	for i, m := range high {
		if m-m != 0 { // infinite, or not a number
			acc[i] = m
		}
	}
}

const (
	// Rows from longRow elements on are cut into parts, which threads share. vec takes long sums in the
	// same parts, so the cut leaves the result as it is.
	longRow = 1 << 16
	part    = 1 << 14
)

// foldLong reduces one row part by part.
func foldLong(op Op, x []float32, threads int) float32 {
	n := (len(x) + part - 1) / part
	s := partials.Get()
	defer partials.Put(s)
	if cap(*s) < n {
		*s = make([]float32, n)
	}
	parts := (*s)[:n]
	j := newJob(foldParts, parts, x)
	j.op = op
	j.do(n, part, threads)
	switch op {
	case Max:
		return vec.Largest(parts)
	case Min:
		return vec.Smallest(parts)
	case Prod:
		return vec.Product(parts)
	}
	sum := 0.0
	for _, v := range parts {
		sum += float64(v)
	}
	return float32(sum)
}

func foldParts(j *job, lo, hi int) {
	for i := lo; i < hi; i++ {
		from, to := par.Range(i, part, len(j.src))
		j.dst[i] = foldRow32(j.op, j.src[from:to])
	}
}

// foldTiles reduces the columns of some tiles.
func foldTiles(j *job, lo, hi int) {
	s := scratches.Get()
	defer scratches.Put(s)
	for u := lo; u < hi; u++ {
		o, from := u/j.tiles, u%j.tiles*tile
		to := min(from+tile, j.inner)
		x := j.src[o*j.n*j.inner : (o+1)*j.n*j.inner]
		acc := j.dst[o*j.inner+from : o*j.inner+to]
		if j.inner <= narrow/2 {
			foldNarrow(j.op, acc, x, s)
		} else {
			foldTile(j.op, acc, x[min(from, len(x)):], j.inner, s)
		}
	}
}

// rowsPerSum is the number of rows that are summed before the sum joins the total.
const rowsPerSum = 128

// foldTile reduces rows that lie stride elements apart.
func foldTile(op Op, acc, x []float32, stride int, s *scratch) {
	vec.Fill(acc, neutral[float32](op))
	part := s.a[:len(acc)]
	for first := true; len(x) >= len(acc); first = false {
		rows := min(rowsPerSum, 1+(len(x)-len(acc))/stride)
		if first {
			foldRows32(op, acc, x, rows, stride)
		} else {
			vec.Fill(part, neutral[float32](op))
			foldRows32(op, part, x, rows, stride)
			foldInto32(op.rest(), acc, part)
		}
		x = x[min(rows*stride, len(x)):]
	}
}

// Kernels walk down columns of rowsAtOnce rows: so many streams from memory. Of short rows they take as many as have
// leastAtOnce elements.
const (
	rowsAtOnce  = 8
	leastAtOnce = 4096
)

// foldRows32 joins acc with rows of x, in their order.
func foldRows32(op Op, acc, x []float32, rows, stride int) {
	whole := len(acc) &^ (vec.ColumnGroup - 1)
	step := max(rowsAtOnce, leastAtOnce/max(1, whole))
	for lo := 0; lo < rows && whole > 0; lo += step {
		foldColumns(op, acc[:whole], x[lo*stride:], min(step, rows-lo), stride)
	}
	if rest := acc[whole:]; len(rest) > 0 {
		for i := range rows {
			foldInto(op, rest, x[i*stride+whole:][:len(rest)])
		}
	}
}

func foldColumns(op Op, acc, x []float32, rows, stride int) {
	switch op {
	case Max:
		vec.HighestColumns(acc, x, rows, stride)
	case Min:
		vec.LowestColumns(acc, x, rows, stride)
	case Prod:
		vec.ProductColumns(acc, x, rows, stride)
	case SumSquare:
		vec.SumSquareColumns(acc, x, rows, stride)
	case L1:
		vec.SumAbsColumns(acc, x, rows, stride)
	default:
		vec.SumColumns(acc, x, rows, stride)
	}
}

// foldNarrow reduces rows of few elements by taking several at once as one longer row.
func foldNarrow(op Op, acc, x []float32, s *scratch) {
	n := len(acc)
	wide := narrow / n * n
	if len(x) < 2*wide {
		foldTile(op, acc, x, n, s)
		return
	}
	all := len(x) / wide * wide
	total := s.b[:wide]
	foldTile(op, total, x[:all], wide, s)
	foldTile(op, acc, x[all:], n, s)
	for ; len(total) > 0; total = total[n:] {
		foldInto32(op.rest(), acc, total[:n])
	}
}

func foldInto32(op Op, acc, x []float32) {
	switch op {
	case Max:
		vec.Max(acc, acc, x)
	case Min:
		vec.Min(acc, acc, x)
	case Prod:
		vec.Mul(acc, acc, x)
	case SumSquare:
		vec.MulAcc(acc, x, x)
	default:
		vec.Add(acc, acc, x)
	}
}

func finish32(op Op, dst []float32, n int) {
	switch op {
	case Mean:
		s := scratches.Get()
		s.a[0] = float32(n)
		vec.Div(dst, dst, s.a[:1])
		scratches.Put(s)
	case L2:
		vec.Sqrt(dst, dst)
	case LogSum:
		vec.Log(dst, dst)
	}
}
