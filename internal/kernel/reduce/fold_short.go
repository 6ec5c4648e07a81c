package reduce

import (
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// shortRow is the most elements of rows that are reduced side by side: some of them become columns, down which vectors run. A row of
// four elements takes 0.5 to 1 ns so, one of 16 some 6, where a loop takes 4 to 20 and the call of a kernel for each row 12 to 40
// (BenchmarkShortRows, Ice Lake).
const shortRow = 32

// columnsBuf holds the columns of blockRows rows.
type columnsBuf [16 * 240]float32

// blockRows is how many rows of n elements become columns at a time: columns lie no power of two apart.
func blockRows(n int) int {
	if n <= 16 {
		return 240
	}
	return 112
}

// A rowBlock is rows of n elements as columns, each of them rows long.
type rowBlock struct {
	x    []float32
	rows int
}

// columns turns as many of the rows in x, each of n elements, as a block takes into columns.
func (s *scratch) columns(x []float32, n int) rowBlock {
	rows := min(blockRows(n), len(x)/n)
	move.Columns(move.Bytes(s.short[:]), move.Bytes(x[:rows*n]), rows, n)
	return rowBlock{s.short[:rows*n], rows}
}

// foldShort reduces each row of n elements of x, at least one and at most shortRow, to an element of dst.
func foldShort(op Op, dst, x []float32, n int) {
	s := scratches.Get()
	defer scratches.Put(s)
	for len(dst) > 0 {
		b := s.columns(x, n)
		if op == LogSumExp {
			logSumExpColumns(dst[:b.rows], b.x, n, b.rows, s)
		} else {
			foldTile(op, dst[:b.rows], b.x, b.rows, s)
		}
		dst, x = dst[b.rows:], x[b.rows*n:]
	}
}

// argShort finds the extreme element of each row of n elements of x, as argRow does.
func argShort(op Op, dst []int64, x []float32, n int, last bool) {
	s := scratches.Get()
	defer scratches.Put(s)
	for len(dst) > 0 {
		b := s.columns(x, n)
		whole := b.rows &^ (vec.ColumnGroup - 1)
		if whole > 0 {
			vec.ArgColumns(s.a[:whole], s.at[:whole], b.x, n, b.rows, op == Min, last)
			vec.Convert(dst[:whole], s.at[:whole])
		}
		for r := whole; r < b.rows; r++ {
			dst[r] = int64(argRow[float32](op, x[r*n:(r+1)*n], last, nil))
		}
		dst, x = dst[b.rows:], x[b.rows*n:]
	}
}
