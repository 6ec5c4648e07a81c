package move

import "unsafe"

// Columns turns rows of n elements of 4 bytes each, one behind the other, into n columns of as many elements as there are rows. dst must
// have room for n rounded up to tileSide, as columns of whole tiles are written: those behind the last hold elements of no meaning.
func Columns(dst, src []byte, rows, n int) {
	const size = 4
	wide := (n + tileSide - 1) &^ (tileSide - 1)
	if rows <= 0 || n <= 0 || len(src) < rows*n*size || len(dst) < rows*wide*size {
		panic("move: rows or columns reach outside their memory")
	}
	dp, sp := unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0])
	if n <= few || active.tiles4 == nil {
		transposeBlock(dp, sp, rows, n, rows*size, n*size, size, false)
		return
	}
	// Tiles read beyond short rows, into those that follow: not beyond the last.
	whole := rows &^ (tileSide - 1)
	for whole > 0 && (whole-1)*n+wide > rows*n {
		whole -= tileSide
	}
	for c := 0; c < n && whole > 0; c += tileSide {
		active.tiles4((*byte)(unsafe.Add(dp, c*rows*size)), (*byte)(unsafe.Add(sp, c*size)), whole/tileSide, rows*size, n*size)
	}
	for r := whole; r < rows; r++ {
		strided[uint32](unsafe.Add(dp, r*size), unsafe.Add(sp, r*n*size), n, rows*size, size)
	}
}
