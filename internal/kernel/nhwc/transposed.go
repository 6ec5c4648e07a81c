package nhwc

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// transposedChoices lists the algorithms for transposed convolutions, the best first. The last takes everything, the first what has no outputs. Their
// filters are those of ConvTranspose, [InC, OutC/Groups, Kernel...]; they take no residual.
var transposedChoices = []choice{
	{"nothing", newNothing},
	{"transposed point", newTransposedPoint},
	{"transposed columns", newTransposedColumns},
	{"transposed blocks", newTransposedBlocks},
	{"transposed depthwise", newTransposedDepthwise},
	{"transposed winograd", newTransposedWinograd},
	{"transposed phases", newTransposedPhases},
	{"transposed reference", newTransposedReference},
}

// NewTransposedPlan chooses the algorithm for a transposed convolution, whose geometry is that of
// conv.NewTransposedGeom.
func NewTransposedPlan(g conv.Geom) *Plan { return chooseTransposed(g, "") }

// NewExactTransposedPlan is NewTransposedPlan without the algorithms that round otherwise than sums of products do.
func NewExactTransposedPlan(g conv.Geom) *Plan { return chooseTransposed(g, "transposed winograd") }

// chooseTransposed binds the best algorithm but the one of the given name.
func chooseTransposed(g conv.Geom, without string) *Plan {
	for _, c := range transposedChoices {
		if c.name == without {
			continue
		}
		if a := c.make(squeezed(g)); a != nil {
			return bind(g, c.name, a)
		}
	}
	panic("nhwc: the reference takes every geometry")
}

// transposedReference computes any transposed convolution with plain loops.
type transposedReference struct {
	reference
}

func newTransposedReference(g conv.Geom) algorithm { return &transposedReference{reference{g: g}} }

func (r *transposedReference) run(a *Args) {
	g := &r.g
	in, out := g.InSize(), g.OutSize()
	x, y := a.Scratch[:r.planes()][:g.Batch*g.InC*in], a.Scratch[r.planes():][:g.Batch*g.OutC*out]
	transpose(x, a.X, g.Batch, in, g.InC)
	conv.ReferenceTransposed(g, x, a.Filter.packed.data, a.Bias, y)
	transpose(a.Y, y, g.Batch, g.OutC, out)
	a.Act.Apply(a.Y[:g.Batch*g.OutC*out])
}

// transposedPoint computes transposed convolutions of a single position each of whose outputs sees it through one kernel
// element, as the first layer of a generator does: the product of the channels with the filter as a matrix
// [InC, Kernel..., OutC].
type transposedPoint struct {
	g conv.Geom
}

func newTransposedPoint(g conv.Geom) algorithm {
	for _, a := range g.Axes[:g.Rank] {
		if a.In != 1 || a.Lo != 0 || a.Dilation != 1 || a.Out != a.Kernel {
			return nil
		}
	}
	if g.Groups > 1 {
		return nil
	}
	return &transposedPoint{g}
}

func (p *transposedPoint) format() string { return "" }

func (p *transposedPoint) filterLen() int { return gemm.PackedLen(1, p.g.InC, p.g.OutC*p.g.Taps()) }

func (p *transposedPoint) pack(f *packed, w []float32, room *mem.Room) {
	packColumns(&p.g, f, w, room, 1)
}

// scratch holds the bias of every output.
func (p *transposedPoint) scratch() int { return p.g.OutC * p.g.Taps() }

func (p *transposedPoint) run(a *Args) {
	g := &p.g
	n := g.OutC * g.Taps()
	r := products.Get().(*product)
	r.args = gemm.Args{M: g.Batch, N: n, K: g.InC, A: a.X, ARS: g.InC, ACS: 1, Packed: &a.Filter.packed.matrices, C: a.Y, LDC: n, Threads: a.Threads}
	r.args.Epilogue = gemm.Epilogue{ColBias: repeated(a.Bias, a.Scratch[:n]), Act: a.Act}
	gemm.Run(&r.args)
	*r = product{}
	products.Put(r)
}

// packColumns packs the filter w [InC, OutC, Kernel...] as the matrix [InC, Kernel..., OutC], whose columns are cut into count
// equal matrices.
func packColumns(g *conv.Geom, f *packed, w []float32, room *mem.Room, count int) {
	taps := g.Taps()
	n := g.OutC * taps / count
	m := &f.matrices
	m.Place(room, count, g.InC, n)
	if room.Filled() {
		return
	}
	data, width := m.Panels()
	if width == 0 {
		s := window.GetScratch(len(w))
		transpose(s.Buf, w, g.InC, g.OutC, taps)
		for i := range count {
			m.Set(i, s.Buf[i*n:], count*n, 1)
		}
		s.Release()
		return
	}
	together := divisor(g.OutC, width) // channels that lie in one panel, whatever the tap
	f.places = slices.Grow(f.places[:0], taps)[:taps]
	for oc := 0; oc < g.OutC; oc += together {
		for t := range f.places {
			at := t*g.OutC + oc
			matrix, column := at/n*(len(data)/count), at%n
			f.places[t] = int32(matrix + column/width*width*g.InC + column%width)
		}
		panel.Write(&panel.Args{Dst: data, Src: w[oc*taps:], Order: panel.NewOrder(f.places), Rows: together, RowStep: taps,
			Count: g.InC, DstStep: width, SrcStep: count * n})
	}
}

// divisor is the largest number that divides a and b.
func divisor(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
