package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

const (
	farther     = 1.2     // times as much where all of V is made first
	perByte     = 0.04    // of streaming the filter
	perResident = 0.2     // what it is worth to keep a byte out of memory
	resident    = 1 << 17 // bytes of a transformed filter, beyond those of the windows, that are not counted
	margin      = 0.9     // the most that a transform may cost for one of direct convolution
)

// newWinograd takes windows that are of 3×3 or 2×2 at stride 1, or for every stride-th kernel element, where a transform is
// expected to win, with the filter transformed once or while running; of volumes, for each of their layers.
func newWinograd(g conv.Geom) algorithm {
	if g.Rank == 3 {
		return newLayered(g)
	}
	taps := tileTaps(&g)
	if taps == 0 || min(g.InC, g.OutC) < 16*g.Groups {
		return nil
	}
	size, fresh, ok := chooseSize(&g, taps, directTime(&g), func(m int) tiling { return tilesOf(&g, m) })
	if !ok {
		return nil
	}
	return newTiled(g, size, fresh)
}

// tiling is a number of tiles and of input channels that their windows see, those of all views.
type tiling struct{ tiles, depth int }

// tilesOf is the tiling of a convolution into tiles of m×m outputs.
func tilesOf(g *conv.Geom, m int) tiling {
	y, x := g.Axes[0], g.Axes[1]
	return tiling{g.Batch * stripCount(y, m) * stripCount(x, m), y.Stride * x.Stride * g.InC / g.Groups}
}

// chooseSize returns the size of tile for windows of so many taps that takes the least time, and whether the filter is transformed
// while running; ok is false if none takes less than the given time.
func chooseSize(g *conv.Geom, taps int, direct float64, of func(m int) tiling) (size winograd.Size, fresh, ok bool) {
	sizes := []winograd.Size{winograd.Four, winograd.Two}
	if taps == 2 {
		sizes = []winograd.Size{winograd.Pair}
	}
	best := margin * direct
	for _, s := range sizes {
		t := of(s.Pixels)
		if c := tiledTime(g, s, t, true) + memoryCost(g, s.Elements()*s.Elements()*t.depth); c < best {
			size, fresh, ok, best = s, false, true, c
		}
		if g.Groups > 1 {
			continue
		}
		if c := tiledTime(g, s, t, false) + memoryCost(g, s.Taps*s.Taps*t.depth); c < best {
			size, fresh, ok, best = s, true, true, c
		}
	}
	return size, fresh, ok
}

// tileTaps is how many taps along each axis the windows have whose transforms can compute g, 0 if there are none.
func tileTaps(g *conv.Geom) int {
	if g.Rank != 2 || g.InC%(8*g.Groups) != 0 || g.OutC%(8*g.Groups) != 0 {
		return 0
	}
	taps := ceilDiv(g.Axes[0].Kernel, g.Axes[0].Stride)
	for _, a := range g.Axes[:2] {
		if ceilDiv(a.Kernel, a.Stride) != taps || a.Stride > 1 && (a.Dilation > 1 || g.Groups > 1) || a.Out < 1 || taps < 2 || taps > 3 {
			return 0
		}
	}
	return taps
}

// productTime is that of a product over k whose filter has so many elements.
func productTime(mulAdds, k, filter int) float64 {
	c := costs()
	return float64(mulAdds)*c.mulAdd*float64(k+c.startUp)/float64(k) + float64(4*filter)*perByte
}

func directTime(g *conv.Geom) float64 {
	k := g.Taps() * g.InC / g.Groups
	filter := k * g.OutC
	mulAdds := filter * g.Batch * g.OutSize()
	if sparse(g) {
		mulAdds = int(float64(mulAdds) * seen(g))
	}
	return productTime(mulAdds, k, filter)
}

// tiledTime is the time with tiles of a size, with the filter's transform kept or made while running.
func tiledTime(g *conv.Geom, s winograd.Size, t tiling, kept bool) float64 {
	e, filter := s.Elements()*s.Elements(), t.depth*g.OutC
	time := float64(t.tiles*e*(t.depth*g.Groups+g.OutC)) * costs().transform
	if kept {
		return time + productTime(e*filter*t.tiles, t.depth, e*filter)
	}
	times := ceilDiv(t.tiles, sharedTiles(t.tiles, e*t.depth))
	time = farther*time + productTime(e*filter*t.tiles, t.depth, s.Taps*s.Taps*filter) + costs().window*float64(times*e*filter)
	return time + againTime(4*ceilDiv(t.tiles, times)*e*t.depth, times*ceilDiv(g.OutC, narrowPanel))
}

// narrowPanel is how many output channels a panel of the filter has with vectors of 256 bits.
const narrowPanel = 16

// againTime is what reading V of so many bytes takes for each of so many panels.
func againTime(bytes, panels int) float64 {
	if bytes <= secondLevel/2 {
		return 0
	}
	return costs().again * float64(bytes) * float64(panels)
}

// memoryCost is what the memory of a form of the filter counts that holds so many elements for each output channel.
func memoryCost(g *conv.Geom, elements int) float64 {
	more := 4 * (elements - g.Taps()*g.InC/g.Groups) * g.OutC
	return perResident * float64(max(0, more-resident))
}

// leastBlock is the number of tiles in a block below which streaming the filter costs more than a cache that overflows.
const leastBlock = 24

// fewTiles are so few that threads share them, instead of taking blocks of their own.
const fewTiles = 4 * leastBlock

// blockTiles returns how many tiles a block has: V and M of a block fill half of the second-level cache, if the filter is
// not much larger than they are.
func (t *tiled) blockTiles(threads int) int {
	n := secondLevel / 2 / (4 * t.n * t.n * t.span * (t.icg + t.ocg)) / 12 * 12
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
