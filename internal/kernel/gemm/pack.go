package gemm

import "fmt"

// Packed holds one or more K×N matrices as column panels, as wide as the micro-kernel
// that was selected when they were packed. It is immutable once packed and may be
// shared.
type Packed struct {
	row         *row
	count, k, n int
	size        int // elements of one matrix
	data        []float32
}

// Pack packs the k×n matrix b, whose element (i, j) is b[i*rs+j*cs].
func Pack(k, n int, b []float32, rs, cs int) *Packed {
	p := NewPacked(1, k, n)
	p.Set(0, b, rs, cs)
	return p
}

// NewPacked returns room for count k×n matrices, to be filled by Set. Count may be 1
// for most weights; a batch of products selects among them by Item.B.
func NewPacked(count, k, n int) *Packed {
	r := selected()
	p := &Packed{row: r, count: count, k: k, n: n, size: k * roundUp(n, r.nr)}
	p.data = alignedFloats(count * p.size)
	return p
}

// Set packs matrix i, whose element (k, j) is b[k*rs+j*cs].
func (p *Packed) Set(i int, b []float32, rs, cs int) {
	if i < 0 || i >= p.count {
		panic(fmt.Sprintf("gemm: matrix %d of %d packed ones", i, p.count))
	}
	fits("B", len(b), 0, p.k, p.n, rs, cs)
	packMatrix(p.data[i*p.size:(i+1)*p.size], b, rs, cs, Tile{K1: p.k, N1: p.n, NR: p.row.nr})
}

// Bytes returns the memory that the packed form takes.
func (p *Packed) Bytes() int { return 4 * len(p.data) }

// Dims returns the size of each matrix.
func (p *Packed) Dims() (k, n int) { return p.k, p.n }

// packMatrix packs a tile of a plain matrix.
func packMatrix(dst, b []float32, rs, cs int, t Tile) {
	kb := t.K1 - t.K0
	if kb <= 0 {
		return
	}
	for n := t.N0; n < t.N1; n += t.NR {
		w := min(t.NR, t.N1-n)
		panel := dst[:kb*t.NR]
		dst = dst[kb*t.NR:]
		src := b[t.K0*rs+n*cs:]
		switch {
		case cs == 1:
			packRows(panel, src, kb, w, rs, t.NR)
		case rs == 1:
			packCols(panel, src, kb, w, cs, t.NR)
		default:
			packAny(panel, src, kb, w, rs, cs, t.NR)
		}
	}
}

// packRows copies kb rows of w elements.
func packRows(panel, src []float32, kb, w, rs, nr int) {
	for k := range kb {
		row := panel[k*nr : (k+1)*nr]
		copy(row, src[k*rs:k*rs+w])
		if w < nr {
			clear(row[w:])
		}
	}
}

// packCols transposes w columns of kb contiguous elements.
func packCols(panel, src []float32, kb, w, cs, nr int) {
	if w < nr {
		clear(panel)
	}
	for j := range w {
		col := src[j*cs : j*cs+kb]
		at := j
		for _, v := range col {
			panel[at] = v
			at += nr
		}
	}
}

func packAny(panel, src []float32, kb, w, rs, cs, nr int) {
	if w < nr {
		clear(panel)
	}
	for k := range kb {
		for j := range w {
			panel[k*nr+j] = src[k*rs+j*cs]
		}
	}
}
