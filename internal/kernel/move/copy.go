package move

import "unsafe"

// A Copy describes a strided copy of a box of elements. Strides and offsets are in elements of Width
// bytes; source strides may be negative or zero, destination strides must not make elements overlap. Dims,
// DstStride and SrcStride have the same length; none dims copy one element.
type Copy struct {
	Dims                 []int
	DstStride, SrcStride []int
	DstOff, SrcOff       int
	Width                int // 1, 2, 4, 8, 16, or any other number of bytes
}

// Strided carries out the copy c from src to dst, which must not overlap. It panics if the copy reaches
// outside either.
func Strided(dst, src []byte, c Copy, threads int) {
	var b box
	if !b.build(&c) {
		return
	}
	b.check(len(dst), len(src))
	b.stream = active.rowsStream != nil && b.bytes() >= streamFrom
	b.choose()
	b.run(dst, src, threads)
}

// maxFixed is the number of merged dimensions that need no allocation.
const maxFixed = 8

// A dim is a loop: n steps, each so many bytes on.
type dim struct{ n, dst, src int }

// A box is a Copy with unit dimensions dropped, ordered by destination stride, neighbours merged, and
// offsets in bytes.
type box struct {
	fixed          [maxFixed]dim
	more           []dim // all dimensions, if there are more than maxFixed
	rank           int
	dstOff, srcOff int
	width          int

	// The innermost loops, taken out of the dimensions: along walks a row of dst; across is there only
	// for a transpose, where it walks a row of src.
	along, across dim
	step, splits  int // a unit of work is step elements of the inner loop, of which there are splits
	tall, talls   int // of a transpose, a unit is tall elements of along besides, of which there are talls for each step

	stream bool // write past the caches
}

func (b *box) dims() []dim {
	if b.more != nil {
		return b.more
	}
	return b.fixed[:b.rank]
}

// build reports whether there is anything to copy.
func (b *box) build(c *Copy) bool {
	w := max(c.Width, 1)
	b.width, b.dstOff, b.srcOff = w, c.DstOff*w, c.SrcOff*w
	for i, n := range c.Dims {
		if n <= 0 {
			return false
		}
		if n > 1 {
			b.push(dim{n, c.DstStride[i] * w, c.SrcStride[i] * w})
		}
	}
	b.merge()
	return true
}

// push inserts d behind all dimensions of larger or equal destination stride.
func (b *box) push(d dim) {
	switch {
	case b.more != nil:
		b.more = append(b.more, d)
	case b.rank == maxFixed:
		b.more = append(append(make([]dim, 0, 2*maxFixed), b.fixed[:]...), d)
	default:
		b.fixed[b.rank] = d
	}
	b.rank++
	dims := b.dims()
	for i := len(dims) - 1; i > 0 && dims[i-1].dst < d.dst; i-- {
		dims[i], dims[i-1] = dims[i-1], d
	}
}

// merge joins neighbours that are one loop on both sides.
func (b *box) merge() {
	dims := b.dims()
	k := 0
	for i := 1; i < len(dims); i++ {
		if d, last := dims[i], &dims[k]; last.dst == d.n*d.dst && last.src == d.n*d.src {
			*last = dim{last.n * d.n, d.dst, d.src}
		} else {
			k++
			dims[k] = d
		}
	}
	b.truncate(min(k+1, len(dims)))
}

func (b *box) truncate(rank int) {
	if b.more != nil {
		b.more = b.more[:rank]
	}
	b.rank = rank
}

// check panics if the box does not fit the lengths, in bytes, of both sides.
func (b *box) check(dst, src int) {
	dlo, dhi, slo, shi := b.dstOff, b.dstOff, b.srcOff, b.srcOff
	for _, d := range b.dims() {
		dlo, dhi = reach(dlo, dhi, (d.n-1)*d.dst)
		slo, shi = reach(slo, shi, (d.n-1)*d.src)
	}
	if dlo < 0 || dhi+b.width > dst || slo < 0 || shi+b.width > src {
		panic("move: copy reaches outside its source or destination")
	}
}

func reach(lo, hi, by int) (int, int) { return lo + min(by, 0), hi + max(by, 0) }

// bytes returns how many are written and read; what is read again and again counts once.
func (b *box) bytes() int {
	written, read := b.width, b.width
	for _, d := range b.dims() {
		if written *= d.n; d.src != 0 {
			read *= d.n
		}
	}
	return written + read
}

// choose takes the inner loops out of the dimensions.
func (b *box) choose() {
	b.along, b.across, b.splits = dim{n: 1}, dim{n: 1}, 1
	if b.rank == 0 {
		b.along = dim{1, b.width, b.width}
		b.step = 1
		return
	}
	b.along = b.take(b.rank - 1)
	if a := b.along; a.dst == b.width && a.src == b.width && b.rank > 0 {
		// A short run of elements is one wide element.
		if size := a.n * b.width; size <= 16 && size&(size-1) == 0 {
			b.width, b.along = size, b.take(b.rank-1)
		}
	}
	b.step = b.along.n
	const most = 1 << 16
	switch a := b.along; {
	case a.dst != b.width:
	case a.src == 0 && a.n*b.width >= 64: // rows of one element each
	case a.src != b.width && b.chooseAcross():
	case a.n > most:
		b.step = most
		b.splits = (a.n + most - 1) / most
	}
}

// chooseAcross looks for the loop that walks src without gaps, and reports whether there is one.
func (b *box) chooseAcross() bool {
	dims := b.dims()
	for i := len(dims) - 1; i >= 0; i-- {
		if dims[i].src == b.width {
			b.across = b.take(i)
			b.split()
			return true
		}
	}
	return false
}

// split chooses the units of a transpose.
func (b *box) split() {
	const most = 1 << 14 // elements
	if size, ok := blockOf(b.along.n, b.across.n, b.width); ok {
		b.step = max(size.cols, most/b.along.n&^(size.cols-1))
		b.tall = max(size.rows, most/b.step&^(size.rows-1))
		b.talls = parts(b.along.n, b.tall)
		b.splits = parts(b.across.n, b.step) * b.talls
		return
	}
	b.tall, b.talls = b.along.n, 1
	b.step = (most/b.along.n + tileSide) &^ (tileSide - 1)
	b.splits = (b.across.n + b.step - 1) / b.step
}

// take removes dimension i and returns it.
func (b *box) take(i int) dim {
	dims := b.dims()
	d := dims[i]
	copy(dims[i:], dims[i+1:])
	b.truncate(b.rank - 1)
	return d
}

// Bytes returns the storage of x, whose elements hold no pointers.
func Bytes[T any](x []T) []byte {
	var z T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(z)))
}
