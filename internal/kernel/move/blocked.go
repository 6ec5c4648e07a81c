package move

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// A transpose of large rows goes block by block. A cache fetches lines in pairs, so that a block takes at least 128 bytes, better 256, of
// each row of both sides while they are at hand: on Zen 3, 4 MB take twice as long by lines at strides of 4 kB as by pairs. Rows that
// are crowded, or written past the caches, go through a stage besides. CALIBRATION.md has the figures.

// A blockSize is an extent in rows of src, which are columns of dst, and columns of src.
type blockSize struct{ rows, cols int }

// blockSizes has one for elements of 1, 2, 4 and 8 bytes.
var blockSizes = [4]blockSize{{128, 128}, {128, 64}, {128, 64}, {64, 64}}

// leastBlock is how many bytes a transpose by blocks has.
const leastBlock = 1 << 13

// blockOf returns the block for a transpose of along rows of across elements of width bytes, or none if it goes without.
func blockOf(along, across, width int) (blockSize, bool) {
	if !active.blocks || min(along, across) < tileSide || along*across*width < leastBlock || width > 8 || bits.OnesCount(uint(width)) != 1 {
		return blockSize{}, false
	}
	return blockSizes[bits.TrailingZeros(uint(width))], true
}

// part returns how many of n rows or columns that are left come next, in steps: the last ones are at least a tile.
func part(n, step int) int {
	if n < step+tileSide {
		return n
	}
	return step
}

// parts returns how many parts n has, at least one.
func parts(n, step int) int { return max(1, (n+step-tileSide)/step) }

// streamFrom is from how many bytes on, written and read, copies that are not in one piece write past the caches, where possible: with what comes
// next they would not stay there.
var streamFrom = func() int {
	if _, _, l3 := cpu.Caches(); l3 > 0 {
		return l3 / 2
	}
	return math.MaxInt
}()

// streamRows is copyRows past the caches, if rows of dst are whole lines or lie one after the other.
func streamRows(dp, sp unsafe.Pointer, count, n, ds, ss int) {
	const line = 64
	whole := (uintptr(dp)|uintptr(n)|uintptr(ds))%line == 0
	together := n == ds && (uintptr(dp)|uintptr(n))%(line/2) == 0
	if active.rowsStream == nil || !whole && !together {
		copyRows(dp, sp, count, n, ds, ss)
		return
	}
	step := max(1, mostRows/n)
	for i := 0; i < count; i += step {
		active.rowsStream((*byte)(unsafe.Add(dp, i*ds)), (*byte)(unsafe.Add(sp, i*ss)), min(step, count-i), n, ds, ss)
	}
}

// leastFar is from how many bytes on of a row asking ahead gains.
const leastFar = 256

// farRows is copyRows from memory that may not be at hand.
func farRows(dp, sp unsafe.Pointer, count, n, ds, ss int) {
	if ahead := count - farAhead; ahead > 0 && n >= leastFar {
		active.rowsFar((*byte)(dp), (*byte)(sp), ahead, n, ds, ss)
		dp, sp, count = unsafe.Add(dp, ahead*ds), unsafe.Add(sp, ahead*ss), farAhead
	}
	copyRows(dp, sp, count, n, ds, ss)
}

// blocks carries out transposes of one kind by blocks.
type blocks struct {
	width, dstStride, srcStride int
	in, out                     bool // copy to a stage, from a stage
	stream                      bool // write past the caches
	across                      bool // tiles of the same rows of src one after the other, else those of the same rows of dst
	stageIn, stageOut           unsafe.Pointer
}

// blockedBlock is transposeBlock for more than a few rows and columns by blocks of the given size.
func blockedBlock(dp, sp unsafe.Pointer, along, across, dstStride, srcStride, width int, size blockSize, stream bool) {
	b := blocks{width: width, dstStride: dstStride, srcStride: srcStride, stream: stream}
	b.choose()
	if b.in || b.out {
		s := stages.Get().(*stage)
		defer stages.Put(s)
		p := unsafe.Pointer(s)
		b.stageIn = unsafe.Add(p, -uintptr(p)&(stagedLine-1))
		b.stageOut = unsafe.Add(b.stageIn, stagedBytes)
	}
	for i := 0; i < across; {
		cols := part(across-i, size.cols)
		for j := 0; j < along; {
			rows := part(along-j, size.rows)
			b.block(unsafe.Add(dp, i*dstStride+j*width), unsafe.Add(sp, j*srcStride+i*width), rows, cols)
			j += rows
		}
		i += cols
	}
}

// choose decides on stages and order by the measurements of CALIBRATION.md.
func (b *blocks) choose() {
	in, out := crowded(b.srcStride), crowded(b.dstStride)
	switch {
	case b.stream:
		b.in, b.out = b.width <= 2 || !in, true
		b.across = b.width == 8 || !b.in
	case b.width == 1: // several tiles share a line
		b.in = apart(b.srcStride, 512)
		b.out = out && !b.in
	case b.width == 2:
		b.in, b.out = in, out && !in
	case b.width == 4:
		b.in = in
	default:
		b.out = in && apart(b.dstStride, 4096)
	}
}

func (b *blocks) block(dp, sp unsafe.Pointer, rows, cols int) {
	from, fromStride, to, toStride := sp, b.srcStride, dp, b.dstStride
	if b.in {
		from, fromStride = b.stageIn, oddLines(cols*b.width)
		farRows(from, sp, rows, cols*b.width, fromStride, b.srcStride)
	}
	if b.out {
		to, toStride = b.stageOut, oddLines(rows*b.width)
	}
	tiles := active.tilesFor(b.width, toStride, fromStride)
	switch {
	case b.across:
		for j := 0; j < rows; j += tileSide {
			j := min(j, rows-tileSide)
			tileRows(tiles, unsafe.Add(to, j*b.width), unsafe.Add(from, j*fromStride), tileSide, cols, toStride, fromStride, b.width)
		}
	case b.in && b.width == 4 && !b.out:
		active.claim((*byte)(to), tileSide, rows*b.width, toStride)
		for i := 0; i < cols; i += tileSide {
			if next := min(tileSide, cols-i-tileSide); next > 0 {
				active.claim((*byte)(unsafe.Add(to, (i+tileSide)*toStride)), next, rows*b.width, toStride)
			}
			i := min(i, cols-tileSide)
			tileRows(tiles, unsafe.Add(to, i*toStride), unsafe.Add(from, i*b.width), rows, tileSide, toStride, fromStride, b.width)
		}
	default:
		tileRows(tiles, to, from, rows, cols, toStride, fromStride, b.width)
	}
	switch {
	case b.stream:
		streamRows(dp, to, cols, rows*b.width, b.dstStride, toStride)
	case b.out:
		copyRows(dp, to, cols, rows*b.width, b.dstStride, toStride)
	}
}

// oddLines returns a distance of rows of n bytes that spreads them over a cache.
func oddLines(n int) int { return ((n+stagedLine-1)/stagedLine | 1) * stagedLine }
