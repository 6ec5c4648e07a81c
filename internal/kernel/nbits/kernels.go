package nbits

import "github.com/onnxrun/onnxrun/internal/cpu"

// An expandFunc turns blocks of 16*groups codes, with a scale and a zero point each, into (code - zero) * scale.
type expandFunc func(dst *float32, codes *byte, scales, zeros *float32, blocks, groups int)

// A kernel is one row of the table of variants, for codes of 4 and of 8 bits.
type kernel struct {
	name    string
	needs   cpu.Feature
	expand4 expandFunc
	expand8 expandFunc
}

// active is the variant in use; without functions it is generic Go.
var active = choose()

func choose() (k kernel) {
	for _, row := range assembly {
		if cpu.Has(row.needs) {
			k = row
		}
	}
	return k
}
