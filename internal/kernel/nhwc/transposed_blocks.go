package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// transposedBlocks computes transposed convolutions whose windows neither overlap nor leave gaps: every input makes a block
// of outputs of its own. The outputs of a row of inputs and a row of kernel elements lie together, so they are one product,
// with a matrix [InC, KernelW, OutC] for each row of kernel elements.
type transposedBlocks struct {
	g       conv.Geom
	rows    int           // of inputs
	columns int           // of a matrix
	items   [][]gemm.Item // for each matrix, the products of all rows
}

// blockRow is the least length of a row of inputs: shorter ones fill too few registers.
const blockRow = 8

func newTransposedBlocks(g conv.Geom) algorithm {
	for _, a := range g.Axes[:g.Rank] {
		if a.Kernel != a.Stride || a.Dilation != 1 || a.Lo != 0 || a.Out != a.In*a.Stride {
			return nil
		}
	}
	if g.Groups > 1 || g.Rank > 3 || g.Axes[g.Rank-1].In < blockRow {
		return nil
	}
	list := axes(&g)
	d, h, w := list[0], list[1], list[2]
	t := &transposedBlocks{g: g, rows: g.Batch * d.In * h.In, columns: w.Kernel * g.OutC}
	for k := range d.Kernel * h.Kernel {
		items := make([]gemm.Item, t.rows)
		for r := range items {
			outD, outH := r/h.In*d.Stride+k/h.Kernel, r%h.In*h.Stride+k%h.Kernel
			items[r] = gemm.Item{A: r * w.In * g.InC, B: k, C: (outD*h.Out + outH) * w.Out * g.OutC}
		}
		t.items = append(t.items, items)
	}
	return t
}

func (t *transposedBlocks) format() string { return "matrices of rows" }

func (t *transposedBlocks) filterLen() int {
	return gemm.PackedLen(len(t.items), t.g.InC, t.columns)
}

func (t *transposedBlocks) pack(f *packed, w []float32, room *mem.Room) {
	packColumns(&t.g, f, w, room, len(t.items))
}

// scratch holds the bias of a block's row.
func (t *transposedBlocks) scratch() int { return t.columns }

func (t *transposedBlocks) run(a *Args) {
	r := products.Get().(*product)
	r.args = gemm.Args{M: t.g.Axes[t.g.Rank-1].In, N: t.columns, K: t.g.InC, A: a.X, ARS: t.g.InC, ACS: 1, Packed: &a.Filter.packed.matrices,
		C: a.Y, LDC: t.columns, Threads: a.Threads}
	r.args.Epilogue = gemm.Epilogue{ColBias: repeated(a.Bias, a.Scratch[:t.columns]), Act: a.Act}
	for _, items := range t.items {
		r.args.Batch = items
		gemm.Run(&r.args)
	}
	*r = product{}
	products.Put(r)
}

// repeated fills to with copies of bias and returns it, or nil if there is none.
func repeated(bias, to []float32) []float32 {
	if bias == nil {
		return nil
	}
	for i := copy(to, bias); i < len(to); {
		i += copy(to[i:], to[:i])
	}
	return to
}
