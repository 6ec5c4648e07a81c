package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// gradProducts computes the gradients of filters over up to three axes as products of two matrices whose rows are pixels:
// for each kernel element, the input channels that the outputs see through it, and the channels of their gradient. It goes
// through the outputs block by block. Of each block it copies the inputs, with the padding around them, to frames of the channels
// of one chunk, in which the pixels of a row lie as far apart for every kernel element, and near each other; and the gradients to
// panels as wide as the kernels of the product. The products of a block are added to those before it, in panels [input channels, Kernel..., width]; transposed,
// these are the gradient of the filter.
type gradProducts struct {
	g        conv.Geom
	axes     [3]window.Axis
	icg, ocg int

	framed bool // inputs are copied to frames; without padding, and with few channels, they are read where they lie
	packed bool // gradients are copied to panels
	merged bool // the kernel elements of a row, whose channels lie together, are rows of one product
	turned bool // frames hold the pixels of one channel after the other

	// A block has so many planes of outputs (images, or their slices along the first axis), rows of them and columns of these.
	planes, rows, cols int
	blocks             [3]int

	width, panels int // columns of a panel, and panels of a group
	channels      int // input channels of a chunk
	parts         int // chunks of the input channels of a group
	pitch         int // between the pixels of a frame, or of the input
	order         panel.Order
	turns         panel.Order // of the channels of a pixel in turned frames
}

const (
	// gradPixels bounds the pixels of a block: what the product takes at once.
	gradPixels = 768
	// gradChannels is about how many input channels of one kernel element a chunk has.
	gradChannels = 96
	// mergeChannels are so few that the kernel elements of a row share a product.
	mergeChannels = 24
	// unpackedChannels are so few that gradients are not worth copying.
	unpackedChannels = 12
	// farChannels are so many that the products find the channels of a chunk, pixel by pixel, too far apart, if as many output
	// channels as framePays make up for copying them.
	farChannels = 192
	framePays   = 96
	// turnPays is how many products for each input pay for turning it, where these gain by that, of so many channels, and pixels of a row,
	// at least.
	turnPays, turnChannels, turnPixels = 96, 32, 8
	// setElems is a distance of pixels at which they share few sets of the nearest cache.
	setElems = 64
)

func newGradProducts(g conv.Geom) filterGrad {
	if g.Rank > 3 {
		return nil
	}
	p := &gradProducts{g: g, axes: axes(&g), icg: g.InC / g.Groups, ocg: g.OutC / g.Groups, width: gemm.Width()}
	if isPointwise(p.axes[:]) { // all pixels are one row
		n := g.Batch * g.InSize()
		p.g.Batch = 1
		p.axes = [3]window.Axis{window.One, window.One, {In: n, Out: n, Kernel: 1, Stride: 1, Dilation: 1}}
	}
	for _, a := range p.axes {
		if a.Lo != 0 || (a.Out-1)*a.Stride+a.Extent() > a.In {
			p.framed = true
		}
	}
	p.merged = g.Groups == 1 && p.axes[2].Dilation == 1 && p.axes[2].Kernel > 1 && p.icg < mergeChannels
	p.turned = gemm.TurnsColumns() && !p.merged && p.icg >= turnChannels && p.axes[2].In >= turnPixels && p.ocg*g.Taps()*g.OutSize() >= turnPays*g.InSize()
	p.framed = p.framed || g.InC >= farChannels && p.ocg >= framePays
	for _, a := range p.axes {
		switch {
		case a.Framed():
		case p.framed:
			return nil
		default:
			p.turned = false
		}
	}
	p.framed = p.framed || p.turned
	p.packed = g.Groups == 1 && g.OutC != p.width || p.icg > unpackedChannels
	p.panels = ceilDiv(p.ocg, p.width)
	p.channels = even(p.icg, gradChannels)
	p.parts = ceilDiv(p.icg, p.channels)
	if p.pitch = g.InC; p.framed {
		p.pitch = p.channels
	}
	if p.framed && p.pitch%setElems == 0 {
		p.pitch += lineFloats
	}
	p.cut()
	if p.turned {
		p.pitch, p.turns = 1, panel.Interleaved(1, p.channels, p.channelStep())
	}
	places := make([]int32, p.width)
	for i := range places {
		places[i] = int32(i * p.icg * g.Taps())
	}
	p.order = panel.NewOrder(places)
	return p
}

// cut cuts the outputs into blocks: parts of a row, rows of a plane, or planes.
func (p *gradProducts) cut() {
	d, h, w := &p.axes[0], &p.axes[1], &p.axes[2]
	all := p.g.Batch * d.Out
	p.planes, p.rows, p.cols = 1, 1, even(w.Out, gradPixels)
	if p.cols == w.Out {
		p.rows = even(h.Out, max(1, gradPixels/w.Out))
	}
	if p.rows == h.Out && p.cols == w.Out {
		p.planes = even(all, max(1, gradPixels/(h.Out*w.Out)))
	}
	p.blocks = [3]int{ceilDiv(all, p.planes), ceilDiv(h.Out, p.rows), ceilDiv(w.Out, p.cols)}
}

func (p *gradProducts) taps() int { return p.g.Taps() }

// frame is the size of a frame of one plane of a block of so many rows and columns: rows and columns of inputs.
func (p *gradProducts) frame(rows, cols int) (high, wide int) {
	h, w := &p.axes[1], &p.axes[2]
	return (rows-1)*h.Stride + h.Extent(), (cols-1)*w.Stride + w.Extent()
}

// frameLen is the number of elements of the frames of a block, panelLen that of its panels, sumsLen that of the sums of all
// chunks.
func (p *gradProducts) frameLen() int {
	if !p.framed {
		return 0
	}
	return p.g.Groups * p.parts * p.partLen()
}

// partLen is that of the channels of one chunk.
func (p *gradProducts) partLen() int {
	if p.turned {
		return p.channels * p.channelStep()
	}
	return lineRound(p.framePixels() * p.pitch)
}

// framePixels is the number of pixels of the frames of a block.
func (p *gradProducts) framePixels() int {
	high, wide := p.frame(p.rows, p.cols)
	return p.planes * p.axes[0].Kernel * high * wide
}

// channelStep is the distance of the channels of turned frames, an odd number of lines: those of a tile share no sets of the nearest cache.
func (p *gradProducts) channelStep() int { return lineRound(p.framePixels()) | lineFloats }

func (p *gradProducts) panelLen() int {
	if !p.packed {
		return 0
	}
	return lineRound(p.g.Groups * p.panels * p.planes * p.rows * p.cols * p.width)
}

func (p *gradProducts) sumsLen() int { return p.g.Groups * p.panels * p.width * p.icg * p.taps() }

// lineRound rounds n elements up to whole cache lines.
func lineRound(n int) int { return (n + lineFloats - 1) &^ (lineFloats - 1) }

func (p *gradProducts) scratch() int {
	n := p.frameLen() + p.panelLen() + lineFloats
	if !p.single() {
		n += p.sumsLen()
	}
	return n
}

// single tells whether there is one block: then chunks finish their sums at once, in memory of their own.
func (p *gradProducts) single() bool { return p.blocks == [3]int{1, 1, 1} && !p.merged }
