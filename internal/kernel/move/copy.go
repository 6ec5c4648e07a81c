package move

// A Copy describes a strided copy of a box of elements. Strides and offsets are in elements of Width
// bytes; source strides may be negative or zero, destination strides must not make elements overlap. Dims,
// DstStride and SrcStride have the same length; none dims copy one element.
type Copy struct {
	Dims                 []int
	DstStride, SrcStride []int
	DstOff, SrcOff       int
	Width                int // 1, 2, 4, 8, 16, or any other number of bytes
}

// Strided carries out the copy c from src to dst, which must not overlap.
func Strided(dst, src []byte, c Copy, threads int) {
	var b box
	if !b.build(&c) {
		return
	}
	b.run(dst, src, c.Width, threads)
}

// maxFixed is the number of merged dimensions that need no allocation.
const maxFixed = 8

type dim struct{ n, dst, src int }

// A box is a Copy with unit dimensions dropped and neighbours merged, ordered from the outermost to the
// innermost destination stride given.
type box struct {
	fixed          [maxFixed]dim
	more           []dim
	rank           int
	dstOff, srcOff int
}

func (b *box) dims() []dim {
	if b.more != nil {
		return b.more
	}
	return b.fixed[:b.rank]
}

// build reports whether there is anything to copy.
func (b *box) build(c *Copy) bool {
	b.dstOff, b.srcOff = c.DstOff, c.SrcOff
	for i, n := range c.Dims {
		if n <= 0 {
			return false
		}
		if n == 1 {
			continue
		}
		d := dim{n, c.DstStride[i], c.SrcStride[i]}
		if b.rank > 0 {
			last := &b.dims()[b.rank-1]
			if last.dst == d.n*d.dst && last.src == d.n*d.src {
				*last = dim{last.n * d.n, d.dst, d.src}
				continue
			}
		}
		b.push(d)
	}
	return true
}

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
}

// run copies the box by rows: runs of contiguous bytes, or strided elements.
func (b *box) run(dst, src []byte, width, threads int) {
	dims := b.dims()
	if len(dims) == 0 {
		copy(dst[b.dstOff*width:(b.dstOff+1)*width], src[b.srcOff*width:])
		return
	}
	last := dims[len(dims)-1]
	walk(dims[:len(dims)-1], b.dstOff, b.srcOff, func(d, s int) {
		row(dst, src, d, s, last, width)
	})
}

// walk calls f with the offsets of every index of dims.
func walk(dims []dim, d, s int, f func(d, s int)) {
	if len(dims) == 0 {
		f(d, s)
		return
	}
	for range dims[0].n {
		walk(dims[1:], d, s, f)
		d += dims[0].dst
		s += dims[0].src
	}
}

func row(dst, src []byte, d, s int, last dim, width int) {
	if last.dst == 1 && last.src == 1 {
		copy(dst[d*width:(d+last.n)*width], src[s*width:(s+last.n)*width])
		return
	}
	for range last.n {
		copy(dst[d*width:(d+1)*width], src[s*width:(s+1)*width])
		d += last.dst
		s += last.src
	}
}
