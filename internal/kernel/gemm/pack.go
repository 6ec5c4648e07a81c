package gemm

import (
	"fmt"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// Packed holds one or more K×N matrices as column panels, as wide as the micro-kernel
// that was selected when they were packed. It is immutable once packed and may be
// shared.
type Packed struct {
	row         *row
	count, k, n int
	cols        bool // too narrow for panels: columns of k elements instead
	size        int  // elements of one matrix
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
func NewPacked(count, k, n int) *Packed { return NewPackedIn(nil, count, k, n) }

// NewPackedIn is NewPacked whose elements come from room: if that is filled, Set must not be called.
func NewPackedIn(room *mem.Room, count, k, n int) *Packed {
	p := new(Packed)
	p.Place(room, count, k, n)
	return p
}

// PackedLen returns how many elements count packed k×n matrices have.
func PackedLen(count, k, n int) int {
	size, _ := packedSize(selected(), k, n)
	return count * size
}

// packedSize is the number of elements of one packed matrix; cols tells that it is too narrow for panels.
func packedSize(r *row, k, n int) (size int, cols bool) {
	if n <= dotMax && 4*n < r.nr && k >= dotMinK {
		return k * n, true
	}
	return k * roundUp(n, r.nr), false
}

// Place makes p count k×n matrices whose PackedLen elements come from room: if that is filled, Set must not be called.
func (p *Packed) Place(room *mem.Room, count, k, n int) {
	*p = Packed{row: selected(), count: count, k: k, n: n}
	p.size, p.cols = packedSize(p.row, k, n)
	p.data = room.Floats(count * p.size)
}

// Set packs matrix i, whose element (k, j) is b[k*rs+j*cs].
func (p *Packed) Set(i int, b []float32, rs, cs int) { p.SetColumns(i, 0, p.n, b, rs, cs) }

// Width is the number of columns of a panel: SetColumns starts at a multiple of it.
func (p *Packed) Width() int {
	if p.cols {
		return 1
	}
	return p.row.nr
}

// SetColumns packs n columns of matrix i from column first on, which is a multiple of Width. n is one too, or
// reaches to the last column. b holds these columns only: element (k, first+j) is b[k*rs+j*cs].
func (p *Packed) SetColumns(i, first, n int, b []float32, rs, cs int) {
	if i < 0 || i >= p.count || first < 0 || n < 0 || first+n > p.n || first%p.Width() != 0 || n%p.Width() != 0 && first+n != p.n {
		panic(fmt.Sprintf("gemm: columns %d to %d of matrix %d of %d packed ones with %d columns", first, first+n, i, p.count, p.n))
	}
	fits("B", len(b), 0, p.k, n, rs, cs)
	dst := p.data[i*p.size+first*p.k : (i+1)*p.size]
	if p.cols {
		packAny(dst, b, n, p.k, cs, rs, p.k)
		return
	}
	s := scratches.Get()
	s.packMatrix(dst, b, rs, cs, Tile{K1: p.k, N1: n, NR: p.row.nr}, p.row)
	scratches.Put(s)
}

// SetRows packs rows [k0, k1) of all columns of matrix i. b holds the whole matrix, as for Set, of which nothing else is read.
func (p *Packed) SetRows(i, k0, k1 int, b []float32, rs, cs int) {
	if i < 0 || i >= p.count || k0 < 0 || k0 > k1 || k1 > p.k {
		panic(fmt.Sprintf("gemm: rows %d to %d of matrix %d of %d packed ones with %d rows", k0, k1, i, p.count, p.k))
	}
	fits("B", len(b), 0, k1, p.n, rs, cs)
	dst := p.data[i*p.size : (i+1)*p.size]
	if p.cols {
		packAny(dst[k0:], b[k0*rs:], p.n, k1-k0, cs, rs, p.k)
		return
	}
	s, nr := scratches.Get(), p.row.nr
	for n := 0; n < p.n; n += nr {
		s.packMatrix(dst[n*p.k+k0*nr:], b, rs, cs, Tile{K0: k0, K1: k1, N0: n, N1: min(n+nr, p.n), NR: nr}, p.row)
	}
	scratches.Put(s)
}

// Bytes returns the memory that the packed form takes.
func (p *Packed) Bytes() int { return 4 * len(p.data) }

// Dims returns the size of each matrix.
func (p *Packed) Dims() (k, n int) { return p.k, p.n }

// Panels returns the matrices one after the other, as panels of width columns: each holds K rows of width elements, zero
// in columns that the matrix lacks. Width is 0 for matrices too narrow to be held like that. Data may be written until p
// is used, instead of by Set. A panel is read in place as a right-hand side B of a product, with BRS = width.
func (p *Packed) Panels() (data []float32, width int) {
	if p.cols {
		return nil, 0
	}
	return p.data, p.row.nr
}

// packK is how many rows of B one call of a packing kernel takes.
const packK = 1024

// packMatrix packs a tile of a plain matrix with the kernels of r.
func (s *scratch) packMatrix(dst, b []float32, rs, cs int, t Tile, r *row) {
	kb := t.K1 - t.K0
	if kb <= 0 {
		return
	}
	src := b[t.K0*rs+t.N0*cs:]
	for n := t.N0; n < t.N1; n += t.NR {
		w := min(t.NR, t.N1-n)
		if w < t.NR {
			clear(dst[:kb*t.NR])
		}
		switch {
		case cs == 1 && w == r.nr && r.copyRows != nil:
			for k := 0; k < kb; k += packK {
				s.pack = packArgs{dst: unsafe.Pointer(&dst[k*r.nr]), src: unsafe.Pointer(&src[k*rs]), drs: 4 * r.nr, srs: 4 * rs, kb: min(packK, kb-k)}
				r.copyRows(&s.pack)
			}
		case cs == 1:
			packRows(dst, src, kb, w, rs, t.NR)
		case rs == 1:
			s.packCols(dst, src, kb, w, cs, t.NR)
		default:
			packAny(dst, src, kb, w, rs, cs, t.NR)
		}
		dst = dst[kb*t.NR:]
		src = src[min(t.NR*cs, len(src)):]
	}
	s.pack = packArgs{}
}

// packRows copies kb rows of w contiguous elements.
func packRows(dst, src []float32, kb, w, rs, nr int) {
	for k := range kb {
		copy(dst[k*nr:(k+1)*nr], src[k*rs:k*rs+w])
	}
}

// packCols packs w columns of contiguous elements.
func (s *scratch) packCols(dst, src []float32, kb, w, cs, nr int) {
	if s.placesWidth != nr {
		s.places, s.placesWidth = panel.Interleaved(packK, 1, nr), nr
	}
	for k := 0; k < kb; k += packK {
		panel.Write(&panel.Args{Dst: dst[k*nr:], Src: src[k:], Order: s.places.First(min(packK, kb-k)), Rows: w, RowStep: cs, Count: 1})
	}
}

// packAny packs w columns of a panel.
func packAny(dst, src []float32, kb, w, rs, cs, nr int) {
	for j := range w {
		at, p := j, j*cs
		for range kb {
			dst[at] = src[p]
			at += nr
			p += rs
		}
	}
}
