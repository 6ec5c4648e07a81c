package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
)

// The cost model counts nanoseconds of a processor that does a hundred multiply-adds in one; what matters is how the
// algorithms compare. CALIBRATION.md says how the figures were measured.
const (
	perMulAdd    = 0.018 // of a product with many rows of A and a long K
	startUp      = 8     // elements of K that the beginning and end of a tile of the product cost
	perTransform = 0.06  // of an element of V or M
	perByte      = 0.04  // of streaming the filter
	perResident  = 0.2   // what it is worth to keep a byte out of memory
)

// newWinograd takes 3×3 windows at stride 1 where a transform is expected to win.
func newWinograd(g conv.Geom) algorithm {
	if !tileable(&g) || g.InC < 16 || g.OutC < 16 {
		return nil
	}
	m, least := 0, directCost(&g)
	for _, size := range []int{4, 2} {
		if c := tiledCost(&g, size); c < least {
			m, least = size, c
		}
	}
	if m == 0 {
		return nil
	}
	return newTiled(g, m)
}

// tileable tells whether the transforms can compute g at all.
func tileable(g *conv.Geom) bool {
	if g.Rank != 2 || g.Groups != 1 || g.InC%8 != 0 || g.OutC%8 != 0 {
		return false
	}
	for _, a := range g.Axes[:2] {
		if a.Kernel != 3 || a.Stride != 1 || a.Out < 1 {
			return false
		}
	}
	return true
}

// productCost is that of a product over k, and of the filter's bytes.
func productCost(mulAdds, k, filter int) float64 {
	return float64(mulAdds)*perMulAdd*float64(k+startUp)/float64(k) + float64(4*filter)*(perByte+perResident)
}

func directCost(g *conv.Geom) float64 {
	filter := 9 * g.InC * g.OutC
	return productCost(filter*g.Batch*g.OutSize(), 9*g.InC, filter)
}

// tiledCost is the cost with tiles of m×m outputs.
func tiledCost(g *conv.Geom, m int) float64 {
	tiles, e := g.Batch, (m+2)*(m+2)
	for _, a := range g.Axes[:2] {
		tiles *= stripCount(a, m)
	}
	return productCost(e*g.InC*g.OutC*tiles, g.InC, e*g.InC*g.OutC) + float64(tiles*e*(g.InC+g.OutC))*perTransform
}

// leastBlock is the number of tiles in a block below which streaming the filter costs more than a cache that overflows.
const leastBlock = 24

// blockTiles returns how many tiles a block has: V and M of a block fill half of the second-level cache, if the filter is
// not much larger than they are.
func (t *tiled) blockTiles(threads int) int {
	_, l2, _ := cpu.Caches()
	budget := max(l2, 512<<10) / 2
	n := budget / (4 * t.n * t.n * (t.g.InC + t.g.OutC)) / 12 * 12
	n = max(leastBlock, n)
	if threads > 1 {
		n = max(leastBlock/2, min(n, t.tiles/(4*threads)))
	}
	return min(n, t.tiles)
}
