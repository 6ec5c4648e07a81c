package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// gradTiled computes the gradients of filters whose windows are of 3×3 or 2×2 at stride 1, or for every stride-th kernel element (see
// tiled), from transforms of tiles: the gradient of an element of the filter's transform is the product of the matrices of that
// element of the input, transposed, and of the gradient of the output. It goes through the tiles block by block. Of each block it
// transforms both, the gradients to panels as wide as the kernels of the product; then, chunk by chunk, the products go back to
// windows while they are in the cache, and add up in panels [input channels, Kernel..., width] as in gradProducts.
type gradTiled struct {
	*tiled
	block         int // tiles at a time
	width, panels int // columns of a panel, and panels
	part, parts   int // input channels of a chunk, and chunks of a panel
	turns         panel.Order
}

const (
	// gradTileElems bounds the elements of both transforms of a block, unless gradTileWhole are enough for all tiles: one block needs no
	// sums in memory.
	gradTileElems = 5 << 17
	gradTileWhole = 5 << 18
	// gradTileChannels is about how many input channels of a view a chunk has: its products fit in the second-level cache.
	gradTileChannels = 48
	// perGradient is the time of an element's gradient, in nanoseconds: to store it, load it and take it to its window.
	perGradient = 0.5
	// perGradMulAdd is that of a multiply-add of products over pixels or tiles, whose left-hand sides are read across their rows: these
	// gain little from processors that begin two of them in a cycle.
	perGradMulAdd = 0.02
)

func newGradTiled(g conv.Geom) filterGrad {
	taps := tileTaps(&g)
	if taps == 0 || g.Groups > 1 || min(g.InC, g.OutC) < 16 {
		return nil
	}
	p := layOutGradTiled(g, taps)
	if p.time() > margin*gradProductTime(p.g.Taps()*g.InC*g.OutC, g.Batch*g.OutSize()) {
		return nil
	}
	return p
}

func layOutGradTiled(g conv.Geom, taps int) *gradTiled {
	size := winograd.Four
	if taps == winograd.Pair.Taps {
		size = winograd.Pair
	}
	p := &gradTiled{tiled: newTiled(g, size, true), width: gemm.Width()}
	p.block = p.tiles
	if per := p.n * p.n * (p.inC + g.OutC); p.tiles*per > gradTileWhole {
		p.block = even(p.tiles, max(leastBlock, gradTileElems/per))
	}
	p.panels = ceilDiv(g.OutC, p.width)
	p.part = even(g.InC, gradTileChannels)
	p.parts = ceilDiv(g.InC, p.part)
	places := make([]int32, p.width)
	for i := range places {
		places[i] = int32(i * g.InC * g.Taps())
	}
	p.turns = panel.NewOrder(places)
	return p
}

// time is what a run is expected to take; see winograd_choice.go.
func (p *gradTiled) time() float64 {
	e, filter := p.n*p.n, p.inC*p.g.OutC
	return float64(p.tiles*e*(p.inC+p.g.OutC))*costs().transform*farther + gradProductTime(e*filter, p.tiles)*float64(p.block+costs().startUp)/float64(p.block) +
		perGradient*float64(p.blocks()*e*filter)
}

// gradProductTime is that of products with so many results, sums over pixels or tiles.
func gradProductTime(results, sums int) float64 { return float64(results*sums) * perGradMulAdd }

func (p *gradTiled) blocks() int { return ceilDiv(p.tiles, p.block) }

// inputLen, spreadLen and sumsLen are the elements of the transforms of a block, and of the sums of all chunks.
func (p *gradTiled) inputLen() int { return p.n * p.n * blockLen(p.block, p.inC) }

func (p *gradTiled) spreadLen() int { return p.panels * p.n * p.n * p.block * p.width }

func (p *gradTiled) sumsLen() int { return p.panels * p.width * p.g.InC * p.g.Taps() }

// single tells whether there is one block: then chunks finish their sums at once, in memory of their own.
func (p *gradTiled) single() bool { return p.blocks() == 1 }

func (p *gradTiled) scratch() int {
	n := p.inputLen() + lineRound(p.spreadLen()) + lineFloats
	if !p.single() {
		n += p.sumsLen()
	}
	return n
}
