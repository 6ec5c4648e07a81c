package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// dense computes any convolution over up to three axes as a product for each group: row i of the left side is the patch
// [Kernel..., InC/Groups] of X that output position i sees, made block by block while the product runs.
type dense struct {
	g     conv.Geom
	axes  [3]window.Axis
	icg   int
	items []gemm.Item
	order interleaving

	// A run of span taps of a kernel row lies together in X.
	span int
}

func newDense(g conv.Geom) algorithm {
	if g.Rank > 3 {
		return nil
	}
	d := &dense{g: g, axes: axes(&g), icg: g.InC / g.Groups, items: groupItems(&g), span: 1}
	if w := d.axes[2]; w.Dilation == 1 && g.Groups == 1 {
		d.span = w.Kernel
	}
	return d
}

func (d *dense) format() string { return "matrices" }

func (d *dense) filterLen() int { return matricesLen(&d.g) }

func (d *dense) pack(f *packed, w []float32, room *mem.Room) {
	d.packMatrices(f, filterRows{elems: w, each: d.rowLen()}, room)
}

func (d *dense) rowLen() int { return d.icg * d.g.Taps() }

func (d *dense) packRows(f *packed, w filterRows, room *mem.Room) { d.packMatrices(f, w, room) }

func (d *dense) scratch() int { return 0 }

func (d *dense) run(a *Args) {
	r := products.Get().(*product)
	r.d, r.x, r.step = d, a.X, a.XStep
	r.args = gemm.Args{Rows: r}
	r.run(&d.g, d.items, a)
}

// patchRow is a part of a row of output positions, whose patches are being written: positions [w0, w1) of the row, at the
// output positions d and h of the other axes of image n, elements [k0, k1) of each patch.
type patchRow struct {
	*dense
	s       *window.Scratch
	x, dst  []float32
	step    int // from one pixel of x to the next
	span    int // that of dense where the taps of a row lie together in x, else 1
	ld      int
	group   int
	n, d, h int
	w0, w1  int
	k0, k1  int
}

// PackRows writes patches; see gemm.RowSource.
func (r *product) PackRows(dst []float32, t gemm.RowTile) {
	p := patchRow{dense: r.d, s: window.GetScratch(0), x: r.x, step: r.step, span: r.d.span, ld: t.LD, group: t.Item, k0: t.K0, k1: t.K1}
	if r.step > r.d.g.InC {
		p.span = 1
	}
	d, h, w := p.axes[0].Out, p.axes[1].Out, p.axes[2].Out
	end := r.first + t.M1
	for i := r.first + t.M0; i < end; i += p.w1 - p.w0 {
		row := i / w
		p.n, p.d, p.h = row/h/d, row/h%d, row%h
		p.w0 = i % w
		p.w1 = min(w, p.w0+end-i)
		p.dst = dst[(i-r.first-t.M0)*t.LD:]
		p.pack()
	}
	p.s.Release()
}

// pack writes the runs of taps that [k0, k1) reaches.
func (p *patchRow) pack() {
	d, h, w := &p.axes[0], &p.axes[1], &p.axes[2]
	size := p.span * p.icg
	runs := w.Kernel / p.span // of a kernel row
	for j := p.k0 / size; j*size < p.k1; j++ {
		line := j / runs
		id := p.d*d.Stride - d.Lo + line/h.Kernel*d.Dilation
		ih := p.h*h.Stride - h.Lo + line%h.Kernel*h.Dilation
		e0, e1 := max(0, p.k0-j*size), min(size, p.k1-j*size)
		dst := p.dst[j*size+e0-p.k0:]
		if uint(id) >= uint(d.In) || uint(ih) >= uint(h.In) {
			for i := range p.w1 - p.w0 {
				clear(dst[i*p.ld:][:e1-e0])
			}
			continue
		}
		src := p.x[((p.n*d.In+id)*h.In+ih)*w.In*p.step+p.group*p.icg:]
		p.run(dst, src, j%runs*w.Dilation-w.Lo, e0, e1)
	}
}

// run writes elements [e0, e1) of the run of taps that begins at shift of the row src, for every position.
func (p *patchRow) run(dst, src []float32, shift, e0, e1 int) {
	w, c := &p.axes[2], p.step
	// Positions whose run lies inside the row.
	lo := min(p.w1, max(p.w0, ceilDiv(-shift, w.Stride)))
	hi := max(lo, min(p.w1, ceilDiv(w.In-p.span-shift+1, w.Stride)))
	for o := p.w0; o < p.w1; o++ {
		if o == lo && lo < hi {
			p.s.Row = window.RowArgs{Dst: dst[(lo-p.w0)*p.ld:], Src: src[(lo*w.Stride+shift)*c+e0:], Rows: hi - lo, Cols: e1 - e0, DstStep: p.ld, SrcStep: w.Stride * c}
			window.Best().CopyRows(&p.s.Row)
			if o = hi; o == p.w1 {
				break
			}
		}
		at := o*w.Stride + shift
		from, to := min(e1, max(e0, -at*p.icg)), max(e0, min(e1, (w.In-at)*p.icg))
		y := dst[(o-p.w0)*p.ld:][:e1-e0]
		if from >= to {
			clear(y)
			continue
		}
		clear(y[:from-e0])
		copy(y[from-e0:to-e0], src[at*c+from:])
		clear(y[to-e0:])
	}
}

// ceilDiv rounds a/b up, for b > 0.
func ceilDiv(a, b int) int {
	if a <= 0 {
		return -(-a / b)
	}
	return (a + b - 1) / b
}
