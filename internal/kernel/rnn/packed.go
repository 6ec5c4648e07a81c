package rnn

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// Packed holds the weights of a state's product: for each block of units, the columns of all gates, row by row of the
// state. So a block is read in one stream, and what a part of the units needs lies together. It is immutable once packed
// and may be shared.
type Packed struct {
	row             *row
	gates, k, units int
	blocks          []block
	size            int
	data            []float32
}

// block is a part of the units: vectors of each gate, the first of which is that of unit from.
type block struct {
	from  int
	width int // index into the widths of the row
	at    int // of its weights
}

// padded rounds a number of units up to whole vectors of any row.
func padded(units int) int { return (units + maxLanes - 1) / maxLanes * maxLanes }

// newPacked cuts the units in blocks, whose elements come from room.
func newPacked(room *mem.Room, gates, k, units int) *Packed {
	return (*Packed)(nil).place(room, gates, k, units)
}

// place is newPacked that reuses p.
func (p *Packed) place(room *mem.Room, gates, k, units int) *Packed {
	if p == nil {
		p = new(Packed)
	}
	if p.gates != gates || p.k != k || p.units != units || p.row != selected() {
		*p = Packed{row: selected(), gates: gates, k: k, units: units}
		p.cut()
	}
	p.data = room.Floats(p.size)
	return p
}

// packedLen returns how many elements a packed form has.
func packedLen(gates, k, units int) int {
	lanes := selected().lanes
	return gates * k * ((units + lanes - 1) / lanes * lanes)
}

// cut cuts the units in blocks.
func (p *Packed) cut() {
	gates, k, units := p.gates, p.k, p.units
	widths, at := p.row.widths[gates], 0
	for from := 0; from < units; {
		left := (units - from + p.row.lanes - 1) / p.row.lanes
		w := 0
		for widths[w] > left {
			w++
		}
		p.blocks = append(p.blocks, block{from, w, at})
		n := widths[w] * p.row.lanes
		from += n
		at += gates * n * k
	}
	p.size = at
}

// set packs r, whose row j*units+u holds the weights of unit u of gate j.
func (p *Packed) set(r []float32) {
	p.fill(r, p.k, 1)
}

// fill packs r, whose element (j*units+u)*us + i*ks is weight i of unit u of gate j.
func (p *Packed) fill(r []float32, us, ks int) {
	if len(r) != p.gates*p.units*p.k {
		panic(fmt.Sprintf("rnn: %d weights, want %d", len(r), p.gates*p.units*p.k))
	}
	for _, b := range p.blocks {
		n := p.row.widths[p.gates][b.width] * p.row.lanes
		dst := p.data[b.at:][:p.gates*n*p.k]
		if n > p.units-b.from {
			clear(dst)
		}
		for j := range p.gates {
			move.Strided(move.Bytes(dst), move.Bytes(r), move.Copy{Dims: []int{p.k, min(n, p.units-b.from)}, Width: 4,
				DstStride: []int{p.gates * n, 1}, SrcStride: []int{ks, us}, DstOff: j * n, SrcOff: (j*p.units + b.from) * us}, 1)
		}
	}
}

// Bytes returns the memory that the packed form takes.
func (p *Packed) Bytes() int { return 4 * len(p.data) }

// part returns the blocks and units of a part of several.
func (p *Packed) part(i, parts int) (lo, hi, first, last int) {
	lo, hi = i*len(p.blocks)/parts, (i+1)*len(p.blocks)/parts
	from := func(b int) int {
		if b == len(p.blocks) {
			return p.units
		}
		return p.blocks[b].from
	}
	return lo, hi, from(lo), from(hi)
}

// sums says where products go: those of row i and gate j from c[i*ldc+j*gs] on. They are whole vectors.
type sums struct {
	c       []float32
	ldc, gs int
}

// blockArgsPool holds the arguments of kernels, which escape: kernels are called through pointers.
var blockArgsPool = sync.Pool{New: func() any { return new(blockArgs) }}

const (
	// callK bounds the rows of a block in one call, so that a call takes some ten microseconds.
	callK = 4096
	// cacheBytes is the part of a block that stays in the first-level cache while all rows of the state go over it.
	cacheBytes = 24 << 10
)

// multiply sets s to the products of n rows of a, ars elements apart, with blocks [lo, hi), backwards if down is set:
// taking turns finds the end of the last product in the cache.
func (p *Packed) multiply(a []float32, ars, n, lo, hi int, s sums, down bool) {
	if n == 0 || lo == hi {
		return
	}
	t := blockArgsPool.Get().(*blockArgs)
	t.ars, t.ldc, t.gs = 4*ars, 4*s.ldc, 4*s.gs
	groups := (n + maxRows - 1) / maxRows
	_ = a[(n-1)*ars+p.k-1]
	for i := range hi - lo {
		b := p.blocks[lo+i]
		if down {
			b = p.blocks[hi-1-i]
		}
		width := p.gates * p.row.widths[p.gates][b.width] * p.row.lanes
		depth := callK
		if groups > 1 {
			depth = cacheBytes / 4 / width
		}
		kernels := &p.row.blocks[p.gates][b.width]
		for k := 0; k < p.k; k += depth {
			t.k = min(depth, p.k-k)
			t.b = unsafe.Pointer(&p.data[b.at+k*width])
			t.load = uint64(min(k, 1))
			for row, g := 0, groups; g > 0; g-- {
				rows := (n - row) / g // evenly
				t.a = unsafe.Pointer(&a[row*ars+k])
				t.c = unsafe.Pointer(&s.c[row*s.ldc+b.from])
				_ = s.c[(row+rows-1)*s.ldc+(p.gates-1)*s.gs+b.from+width/p.gates-1]
				kernels[rows-1](t)
				row += rows
			}
		}
	}
	*t = blockArgs{}
	blockArgsPool.Put(t)
}
