package move

import (
	"sync"
	"unsafe"
)

// Rows whose distance is a multiple of half a page fall into two places of a first-level cache of 4 kB a way, which pushes lines out
// before they are done with. A transpose with such rows on one side goes through a block of rows that lie closer, from which, or
// to which, whole stretches of the crowded rows are copied.
const (
	stagedBytes = 1 << 14
	stagedLine  = 64 // rows of the block are a line further apart than they are long
)

type stage [stagedBytes + (stagedLine+1)*stagedLine]byte

var stages = sync.Pool{New: func() any { return new(stage) }}

// crowded reports whether rows so far apart fall into the same places of a cache.
func crowded(stride int) bool { return stride != 0 && (stride+stagedLine/2)&2047 < stagedLine }

// stagedBlock does a transposeBlock whose rows are crowded on one side, if it is large enough, and reports whether it did.
func stagedBlock(dp, sp unsafe.Pointer, along, across, dstStride, srcStride, width int) bool {
	out := crowded(dstStride)
	rows, length := along, across // of the crowded side
	if out {
		rows, length = across, along
	}
	band := max(tileSide, stagedLine/width) // rows of the block: a line of the other side
	stretch := stagedBytes / band / width
	if width > 8 || out == crowded(srcStride) || rows < tileSide || length < stretch/2 {
		return false
	}
	s := stages.Get().(*stage)
	defer stages.Put(s)
	bp := unsafe.Pointer(s)
	bp = unsafe.Add(bp, -uintptr(bp)&(stagedLine-1))
	apart := stretch*width + stagedLine
	for l := 0; l < length; l += stretch {
		nl := min(stretch, length-l)
		for r := 0; r < rows; r += band {
			nr := min(band, rows-r)
			if out {
				transposeWide(bp, unsafe.Add(sp, l*srcStride+r*width), nl, nr, apart, srcStride, width)
				copyRows(unsafe.Add(dp, r*dstStride+l*width), bp, nr, nl*width, dstStride, apart)
			} else {
				copyRows(bp, unsafe.Add(sp, r*srcStride+l*width), nr, nl*width, apart, srcStride)
				transposeWide(unsafe.Add(dp, l*dstStride+r*width), bp, nr, nl, dstStride, apart, width)
			}
		}
	}
	return true
}
