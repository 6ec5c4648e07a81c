package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
)

// The cost model counts nanoseconds of a processor that does 55 multiply-adds in each; what matters is how the algorithms
// compare. CALIBRATION.md says how the figures were measured.
const (
	perMulAdd    = 0.018   // of a product with many rows of A and a long K
	startUp      = 8       // elements of K that the beginning and end of a tile of the product cost
	perTransform = 0.06    // of an element of V or M
	farther      = 1.2     // times as much where all of V is made first
	perWindow    = 0.1     // of an element of the filter's transform while running
	perByte      = 0.04    // of streaming the filter
	perResident  = 0.2     // what it is worth to keep a byte out of memory
	resident     = 1 << 17 // bytes of a transformed filter, beyond those of the windows, that are not counted
	margin       = 0.9     // the most that a transform may cost for one of direct convolution
)

// newWinograd takes 3×3 windows at stride 1 where a transform is expected to win, with the filter transformed once or while
// running; of volumes, for each of their layers.
func newWinograd(g conv.Geom) algorithm {
	if g.Rank == 3 {
		return newLayered(g)
	}
	if !tileable(&g) || min(g.InC, g.OutC) < 16*g.Groups {
		return nil
	}
	m, fresh, best := 0, false, margin*directTime(&g)
	for _, size := range []int{4, 2} {
		if c := tiledTime(&g, size, true) + memoryCost(&g, size); c < best {
			m, fresh, best = size, false, c
		}
		if g.Groups > 1 {
			continue
		}
		if c := tiledTime(&g, size, false); c < best {
			m, fresh, best = size, true, c
		}
	}
	if m == 0 {
		return nil
	}
	return newTiled(g, m, fresh)
}

// tileable tells whether the transforms can compute g at all.
func tileable(g *conv.Geom) bool {
	if g.Rank != 2 || g.InC%(8*g.Groups) != 0 || g.OutC%(8*g.Groups) != 0 {
		return false
	}
	for _, a := range g.Axes[:2] {
		if a.Kernel != 3 || a.Stride != 1 || a.Out < 1 {
			return false
		}
	}
	return true
}

// productTime is that of a product over k whose filter has so many elements.
func productTime(mulAdds, k, filter int) float64 {
	return float64(mulAdds)*perMulAdd*float64(k+startUp)/float64(k) + float64(4*filter)*perByte
}

func directTime(g *conv.Geom) float64 {
	icg := g.InC / g.Groups
	filter := 9 * icg * g.OutC
	mulAdds := filter * g.Batch * g.OutSize()
	if sparse(g) {
		mulAdds = int(float64(mulAdds) * seen(g))
	}
	return productTime(mulAdds, 9*icg, filter)
}

// tiledTime is the time with tiles of m×m outputs, with the filter's transform kept or made while running.
func tiledTime(g *conv.Geom, m int, kept bool) float64 {
	tiles, e, filter := g.Batch, (m+2)*(m+2), g.InC/g.Groups*g.OutC
	for _, a := range g.Axes[:2] {
		tiles *= stripCount(a, m)
	}
	time := float64(tiles*e*(g.InC+g.OutC)) * perTransform
	if kept {
		return time + productTime(e*filter*tiles, g.InC/g.Groups, e*filter)
	}
	times := ceilDiv(tiles, sharedTiles(tiles, e*g.InC))
	return farther*time + productTime(e*filter*tiles, g.InC, 9*filter) + perWindow*float64(times*e*filter)
}

// memoryCost is what the memory of a transform of the filter counts that is kept.
func memoryCost(g *conv.Geom, m int) float64 {
	more := 4 * ((m+2)*(m+2) - 9) * g.InC / g.Groups * g.OutC
	return perResident * float64(max(0, more-resident))
}

// leastBlock is the number of tiles in a block below which streaming the filter costs more than a cache that overflows.
const leastBlock = 24

// fewTiles are so few that threads share them, instead of taking blocks of their own.
const fewTiles = 4 * leastBlock

// blockTiles returns how many tiles a block has: V and M of a block fill half of the second-level cache, if the filter is
// not much larger than they are.
func (t *tiled) blockTiles(threads int) int {
	_, l2, _ := cpu.Caches()
	budget := max(l2, 512<<10) / 2
	n := budget / (4 * t.n * t.n * t.span * (t.icg + t.ocg)) / 12 * 12
	n = max(leastBlock, n)
	if threads > 1 {
		n = max(leastBlock/2, min(n, t.tiles/(4*threads)))
	}
	return min(n, t.tiles)
}

// sharedTiles returns how many tiles of so many elements are transformed before the filter is: many, for its sake, but V
// should take no more than a few megabytes.
func sharedTiles(tiles, elements int) int {
	most := min(max(2*leastBlock, 1<<20/elements), 8*leastBlock)
	return ceilDiv(tiles, ceilDiv(tiles, most))
}
