package move

import (
	"github.com/onnxrun/onnxrun/internal/cpu"
)

// A tilesFunc transposes a row of count square tiles of 16 elements: tile t of dst starts 16*t elements on, tile t of src
// 16*t rows on.
type tilesFunc func(dst, src *byte, count, dstStride, srcStride int)

// A zipFunc transposes a few rows of 8*count elements of 4 bytes, stride bytes apart, to as many rows of a few elements that
// follow each other; or, as unzip, the other way.
type zipFunc func(dst, src *byte, count, stride int)

// A rowsFunc copies count rows of n bytes, at least leastWide, that begin so many bytes apart.
type rowsFunc func(dst, src *byte, count, n, dstStride, srcStride int)

// A claimFunc asks for the lines of count rows of n bytes, which are about to be written.
type claimFunc func(dst *byte, count, n, stride int)

// A secondFunc copies every second element, from the first on, of count groups of 64 bytes.
type secondFunc func(dst, src *byte, count int)

// A rowsAtFunc copies count rows of n bytes, at least leastWide, to dst, one after the other, from the offsets of src in a list, which
// goes on with rowsAhead more.
type rowsAtFunc func(dst, src *byte, at *int, count, n int)

const rowsAhead = 2

// farAhead is how many rows rowsFar asks ahead for.
const farAhead = 16

// few is the most rows or columns that a transpose takes one by one, or zips.
const few = 4

// A kernel is one row of the table of variants.
type kernel struct {
	name  string
	needs cpu.Feature
	// For elements of 1, 2, 4 and 8 bytes.
	tiles1, tiles2, tiles4, tiles8 tilesFunc
	// tiles8 is done with the lines of src one after the other, tiles8Dst, if there is one, with those of dst.
	tiles8Dst tilesFunc
	blocks    bool // transposes go by blocks, else as staged.go says
	// For 0 to few rows.
	zip, unzip [few + 1]zipFunc
	rows       rowsFunc
	rowsFar    rowsFunc // for rows that may not be at hand; with blocks only
	claim      claimFunc
	rowsStream rowsFunc // past the caches, for dst and lengths that are multiples of 32 bytes; nil where it is not used
	rowsAt     rowsAtFunc
	take       takeTable
	second     [4]secondFunc // by the logarithm of the elements' bytes
}

// active holds the variants in use; they are nil for generic Go.
var active = choose()

func choose() (f kernel) {
	for _, k := range assembly {
		if cpu.Has(k.needs) {
			f = k
		}
	}
	return f
}
