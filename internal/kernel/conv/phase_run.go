package conv

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// part is some rows of one image and group.
type part struct {
	*phaseTask
	s            *window.Scratch
	item, r0, r1 int
	size         int       // elements of one phase
	out          []float32 // phases that are computed together
	frame        []float32 // for single
	bias         []float32 // of all rows of a product
}

// Chunk computes some rows of every phase and spreads them over the output.
func (r *phaseTask) Chunk(i int) {
	t := r.t
	ocg := t.g.OutC / t.g.Groups
	p := part{phaseTask: r, item: i / t.chunks, r0: i % t.chunks * t.rows}
	p.r1 = min(p.r0+t.rows, t.d*t.h)
	p.size = ocg * (p.r1 - p.r0) * t.w
	together := min(t.strides[2], t.g.Axes[t.g.Rank-1].Out)
	if t.merged {
		together = len(t.phases)
	}
	frame := 0
	if t.single {
		frame = t.frame.Len(1)
	}
	p.s = window.GetScratch(together*p.size + together*ocg + frame)
	p.out, p.bias, p.frame = p.s.Buf[:together*p.size], p.s.Buf[together*p.size:][:together*ocg], p.s.Buf[together*(p.size+ocg):]
	p.run(together)
	p.s.Release()
}

func (p *part) run(together int) {
	t := p.t
	if t.single {
		t.frame.Reset(p.frame, 1, 0)
		t.frame.Fill(window.Best(), p.s, p.frame, p.a.X[p.item*t.g.InSize():], 1, 0, p.r0)
	}
	columns := min(t.strides[2], t.g.Axes[t.g.Rank-1].Out)
	for j := 0; j < len(t.phases); j += together {
		switch {
		case t.single:
			for k := range together {
				p.taps(&t.phases[j+k], p.out[k*p.size:][:p.size])
			}
		case t.merged:
			p.product(&t.phases[j], together, p.out)
		default:
			for k := range together {
				p.product(&t.phases[j+k], 1, p.out[k*p.size:][:p.size])
			}
		}
		for k := 0; k < together; k += columns {
			p.spread(t.phases[j+k].at, p.out[k*p.size:])
		}
	}
}

// taps computes one phase from the frame.
func (p *part) taps(ph *phase, dst []float32) {
	t := p.t
	ocg, taps, n := t.g.OutC/t.g.Groups, len(ph.pick), (p.r1-p.r0)*t.w
	group := p.item % t.g.Groups
	k := window.Best()
	a := &p.s.Tap
	*a = window.TapArgs{Src: p.frame, Off: ph.off, Rows: p.r1 - p.r0, Cols: t.w, SrcStep: t.frame.Pitch, DstStep: t.w}
	var inKernel bool
	if a.Lo, a.Hi, inKernel = bounds(p.a.Act); !inKernel {
		a.Lo, a.Hi, _ = bounds(gemm.Activation{})
	}
	for oc := range ocg {
		a.Dst, a.W = dst[oc*n:][:n], p.a.W[ph.from+(group*ocg+oc)*taps:][:taps]
		if a.Bias = 0; p.a.Bias != nil {
			a.Bias = p.a.Bias[group*ocg+oc]
		}
		k.FMATaps(a)
	}
	if !inKernel {
		p.a.Act.Apply(dst)
	}
}

// product computes one phase, or all phases from ph on together, to dst [phases*OutC/Groups, rows, w].
func (p *part) product(ph *phase, phases int, dst []float32) {
	t := p.t
	g := &t.g
	icg, ocg := g.InC/g.Groups, g.OutC/g.Groups
	k, group, n := icg*len(ph.pick), p.item%g.Groups, (p.r1-p.r0)*t.w
	m := products.Get().(*product)
	m.c, m.base, m.x = ph.cols, p.r0*t.w, p.a.X[p.item*icg*g.InSize():]
	m.args = gemm.Args{M: phases * ocg, N: n, K: k, A: p.a.W[ph.from+group*phases*ocg*k:], ARS: k, ACS: 1, C: dst, LDC: n, Source: m}
	m.args.Epilogue.Act = p.a.Act
	if p.a.Bias != nil {
		for i := range phases {
			copy(p.bias[i*ocg:], p.a.Bias[group*ocg:][:ocg])
		}
		m.args.Epilogue.RowBias = p.bias[:phases*ocg]
	}
	gemm.Run(&m.args)
	m.release()
}

// spread copies the phases that differ in their columns only to the output.
func (p *part) spread(at [3]int, src []float32) {
	t := p.t
	d, h, w := t.g.axes()
	k := window.Best()
	ocg, rows := t.g.OutC/t.g.Groups, p.r1-p.r0
	for oc := range ocg {
		y := p.a.Y[(p.item*ocg+oc)*t.g.OutSize():][:t.g.OutSize()]
		for row := p.r0; row < p.r1; {
			od, oh := row/t.h*d.Stride+at[0], row%t.h*h.Stride+at[1]
			count := min(p.r1-row, t.h-row%t.h)
			from := src[(oc*rows+row-p.r0)*t.w:]
			row += count
			count = min(count, (h.Out-oh+h.Stride-1)/h.Stride)
			if od >= d.Out || count <= 0 {
				continue
			}
			p.interleave(k, y[(od*h.Out+oh)*w.Out:], from, count, h.Stride*w.Out, w)
		}
	}
}

// interleave writes rows of the output, step elements apart, from those of the phases of its columns.
func (p *part) interleave(k *window.Kernels, dst, src []float32, rows, step int, w window.Axis) {
	switch {
	case w.Stride == 1:
		p.s.Row = window.RowArgs{Dst: dst, Src: src, Rows: rows, Cols: w.Out, DstStep: step, SrcStep: p.t.w}
		k.CopyRows(&p.s.Row)
	case w.Stride == 2 && w.Out > 1:
		p.s.Row = window.RowArgs{Dst: dst, Src: src, Src2: src[p.size:], Rows: rows, Cols: w.Out, DstStep: step, SrcStep: p.t.w}
		k.MergeRows(&p.s.Row)
	default:
		for r := range rows {
			row, from := dst[r*step:][:w.Out], src[r*p.t.w:]
			for phase := range min(w.Stride, w.Out) {
				x := from[phase*p.size:]
				for o, i := phase, 0; o < len(row); o, i = o+w.Stride, i+1 {
					row[o] = x[i]
				}
			}
		}
	}
}
