package move

import (
	"github.com/onnxrun/onnxrun/internal/cpu"
)

// A tilesFunc transposes a row of count square tiles of 16 elements of 4 bytes: tile t of dst starts 64*t
// bytes on, tile t of src 16*t rows on.
type tilesFunc func(dst, src *byte, count, dstStride, srcStride int)

// A kernel is one row of the table of variants.
type kernel struct {
	name   string
	needs  cpu.Feature
	tiles4 tilesFunc
}

// tiles4 is the variant in use, or nil for generic Go.
var tiles4 = choose()

func choose() (f tilesFunc) {
	for _, k := range assembly {
		if cpu.Has(k.needs) {
			f = k.tiles4
		}
	}
	return f
}
