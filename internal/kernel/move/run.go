package move

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/par"
)

// grain is the least number of bytes in one chunk of parallel work.
const grain = 1 << 16

// Up to serial bytes, waking another thread costs more than it gains.
const serial = 1 << 17

// run carries out the copy, in parallel if it is large.
func (b *box) run(dst, src []byte, threads int) {
	outer := 1
	for _, d := range b.dims() {
		outer *= d.n
	}
	units := outer * b.splits
	size := b.along.n * b.across.n / b.splits * b.width
	if threads <= 1 || units == 1 || units*size <= serial {
		b.units(dst, src, 0, units)
		return
	}
	j := jobs.Get().(*job)
	j.box, j.dst, j.src, j.total = *b, dst, src, units
	var chunks int
	chunks, j.size = par.Split(units, 1+(grain-1)/max(1, size))
	par.Run(threads, chunks, j)
	*j = job{}
	jobs.Put(j)
}

type job struct {
	box         box
	dst, src    []byte
	total, size int
}

var jobs = sync.Pool{New: func() any { return new(job) }}

// Chunk does one chunk of units.
func (j *job) Chunk(i int) {
	lo, hi := par.Range(i, j.size, j.total)
	j.box.units(j.dst, j.src, lo, hi)
}

// units does the units of work lo to hi: the splits of the inner loops, for each index of the others.
func (b *box) units(dst, src []byte, lo, hi int) {
	dims := b.dims()
	var fixed [maxFixed]int
	index := fixed[:]
	if len(dims) > maxFixed {
		index = make([]int, len(dims))
	}
	d, s := b.dstOff, b.srcOff
	at := lo / b.splits
	for i := len(dims) - 1; i >= 0; i-- {
		index[i] = at % dims[i].n
		at /= dims[i].n
		d += index[i] * dims[i].dst
		s += index[i] * dims[i].src
	}
	dp, sp := unsafe.Pointer(unsafe.SliceData(dst)), unsafe.Pointer(unsafe.SliceData(src))
	split := lo % b.splits
	last, row := len(dims)-1, b.rowBytes()
	for lo < hi {
		n := 1
		if row > 0 {
			n = min(hi-lo, dims[last].n-index[last])
			b.rows(unsafe.Add(dp, d), unsafe.Add(sp, s), n, row, dims[last].dst, dims[last].src)
		} else {
			b.inner(dp, sp, d, s, split)
		}
		lo += n
		if split++; split < b.splits {
			continue
		}
		split = 0
		for i := last; i >= 0; i-- {
			d += n * dims[i].dst
			s += n * dims[i].src
			if index[i] += n; index[i] < dims[i].n {
				break
			}
			index[i] = 0
			d -= dims[i].n * dims[i].dst
			s -= dims[i].n * dims[i].src
			n = 1
		}
	}
}

// rowBytes returns the length of the rows that the inner loop copies if it is one that copyRows can do several of, else 0.
func (b *box) rowBytes() int {
	n := b.along.n * b.width
	if b.along.n == 1 {
		n = b.width
	} else if b.along.dst != b.width || b.along.src != b.width {
		return 0
	}
	if b.rank == 0 || b.splits > 1 || b.across.n > 1 || !manyRows(n) {
		return 0
	}
	return n
}

// inner does one split of the inner loops at the byte offsets d and s.
func (b *box) inner(dp, sp unsafe.Pointer, d, s, split int) {
	if b.across.n > 1 {
		b.transpose(dp, sp, d, s, split)
		return
	}
	lo := split * b.step
	n := min(b.step, b.along.n-lo)
	dp, sp = unsafe.Add(dp, d+lo*b.along.dst), unsafe.Add(sp, s+lo*b.along.src)
	if b.along.dst == b.width && b.along.src == b.width {
		if b.stream {
			streamRows(dp, sp, 1, n*b.width, n*b.width, n*b.width)
		} else {
			copy(unsafe.Slice((*byte)(dp), n*b.width), unsafe.Slice((*byte)(sp), n*b.width))
		}
		return
	}
	if b.along.dst == b.width && b.along.src == 0 {
		Fill(unsafe.Slice((*byte)(dp), n*b.width), unsafe.Slice((*byte)(sp), b.width))
		return
	}
	stridedRow(dp, sp, n, b.along.dst, b.along.src, b.width)
}

// transpose does one split of a transpose. The last ones have what is left, which may be up to a tile more.
func (b *box) transpose(dp, sp unsafe.Pointer, d, s, split int) {
	i, j := split/b.talls*b.step, split%b.talls*b.tall
	across, along := b.across.n-i, b.along.n-j
	if split+b.talls < b.splits {
		across = b.step
	}
	if split%b.talls < b.talls-1 {
		along = b.tall
	}
	d += i*b.across.dst + j*b.along.dst
	s += i*b.across.src + j*b.along.src
	transposeBlock(unsafe.Add(dp, d), unsafe.Add(sp, s), along, across, b.across.dst, b.along.src, b.width, b.stream)
}

// rows copies rows of n bytes, past the caches if that is wanted.
func (b *box) rows(dp, sp unsafe.Pointer, count, n, ds, ss int) {
	if b.stream {
		streamRows(dp, sp, count, n, ds, ss)
	} else {
		copyRows(dp, sp, count, n, ds, ss)
	}
}

// stridedRow copies n elements of the given width that lie ds and ss bytes apart.
func stridedRow(dp, sp unsafe.Pointer, n, ds, ss, width int) {
	if ds == width && ss == 2*width && width <= 8 {
		done := secondElements(dp, sp, n, width)
		dp, sp, n = unsafe.Add(dp, done*ds), unsafe.Add(sp, done*ss), n-done
	}
	switch width {
	case 1:
		strided[uint8](dp, sp, n, ds, ss)
	case 2:
		strided[uint16](dp, sp, n, ds, ss)
	case 4:
		strided[uint32](dp, sp, n, ds, ss)
	case 8:
		strided[uint64](dp, sp, n, ds, ss)
	case 16:
		strided[[2]uint64](dp, sp, n, ds, ss)
	default:
		for i := range n {
			copy(unsafe.Slice((*byte)(unsafe.Add(dp, i*ds)), width), unsafe.Slice((*byte)(unsafe.Add(sp, i*ss)), width))
		}
	}
}

// secondElements copies every second of 2*n-1 elements as far as the kernel for them does, and returns how many it did: at
// least one less than n, so that no pointer goes beyond the end.
func secondElements(dp, sp unsafe.Pointer, n, width int) int {
	const group, most = 64, 1 << 12 // bytes of src in a group, groups in a call
	f := active.second[bits.TrailingZeros(uint(width))]
	if f == nil || bits.OnesCount(uint(width)) != 1 {
		return 0
	}
	groups := (n - 1) * 2 * width / group
	for at := 0; at < groups; at += most {
		f((*byte)(unsafe.Add(dp, at*group/2)), (*byte)(unsafe.Add(sp, at*group)), min(most, groups-at))
	}
	return groups * group / (2 * width)
}

func strided[T any](dp, sp unsafe.Pointer, n, ds, ss int) {
	if ss == 0 {
		v := *(*T)(sp)
		for i := range n {
			*(*T)(unsafe.Add(dp, i*ds)) = v
		}
		return
	}
	d, s := 0, 0
	for range n {
		*(*T)(unsafe.Add(dp, d)) = *(*T)(unsafe.Add(sp, s))
		d += ds
		s += ss
	}
}
