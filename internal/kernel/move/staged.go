package move

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// What follows is for kernels that do without blocks (blocked.go): AVX-512, and generic Go.
//
// Rows whose distance is a multiple of half a page fall into two places of a first-level cache of 4 kB a way, which pushes lines out
// before they are done with. A transpose with such rows on one side goes through a block of rows that lie closer, from which, or
// to which, whole stretches of the crowded rows are copied.
const (
	stagedBytes = 1 << 16 // of one side; the largest blocks, with what tiles are left over at the ends, fit
	stagedLine  = 64
)

type stage [2*stagedBytes + stagedLine]byte

var stages = sync.Pool{New: func() any { return new(stage) }}

// twelveWays says that the first-level cache, of more than 32 kB, has at least twelve such places instead of eight. Then lines
// of a tile that are read, or written as a whole, stay there until they are done with, and a stage costs more than it gains. On Ice Lake,
// BenchmarkCrowded takes at best, with a stage / without one, in us:
//
//	64 planes of 128x128 to the end    u8 107 / 64   u16 211 / 150   f32 339 / 196   f64 569 / 435
//	64 channels of 128x128 to planes   u8 152 / 218  u16 349 / 443   f32 273 / 217   f64 482 / 759
//
// With eight ways, on Zen 3 with AVX2 before blocked.go, only elements of up to 2 bytes gained. Transpose/to NHWC, to NCHW and keys of bench/operators.py took there,
// with a stage / without one, in us, in two rounds on a machine that did other work:
//
//	64 planes of 128x128 to the end    u8 130 / 230 to 270   f16 150 to 210 / 300 to 340   f32 670 to 1410 / 330 to 420
//	                                   f64 2300 to 3500 / 1800 to 3400
//	64 channels of 128x128 to planes   f32 310 to 650 / 260 to 440
//	128 positions of 16x64 to the end  f32 1820 to 1880 / 430 to 460
var twelveWays = func() bool {
	l1, _, _ := cpu.Caches()
	return l1 > 32<<10
}()

// staged reports whether a transpose of elements of width bytes gains from a stage, if out, where rows of dst are crowded, else those of src.
func staged(out bool, width int) bool {
	if twelveWays {
		return out && width != 4
	}
	return width <= 2
}

// crowded reports whether rows so far apart fall into the same places of a cache.
func crowded(stride int) bool { return apart(stride, 2048) }

// apart reports whether stride is, but for half a line, a multiple of n, a power of two.
func apart(stride, n int) bool { return stride != 0 && (stride+stagedLine/2)&(n-1) < stagedLine }

// stretchBytes is what stagedBlock copies at once.
const stretchBytes = 1 << 14

// stagedBlock does a transposeBlock whose rows are crowded on one side, if it is large enough, and reports whether it did.
func stagedBlock(dp, sp unsafe.Pointer, along, across, dstStride, srcStride, width int) bool {
	out := crowded(dstStride)
	rows, length := along, across // of the crowded side
	if out {
		rows, length = across, along
	}
	band := max(tileSide, stagedLine/width) // rows of the block: a line of the other side
	stretch := stretchBytes / band / width
	if width > 8 || out == crowded(srcStride) || !staged(out, width) || rows < tileSide || length < stretch/2 {
		return false
	}
	s := stages.Get().(*stage)
	defer stages.Put(s)
	bp := unsafe.Pointer(s)
	bp = unsafe.Add(bp, -uintptr(bp)&(stagedLine-1))
	pitch := stretch*width + stagedLine
	for l := 0; l < length; l += stretch {
		nl := min(stretch, length-l)
		for r := 0; r < rows; r += band {
			nr := min(band, rows-r)
			if out {
				transposeWide(bp, unsafe.Add(sp, l*srcStride+r*width), nl, nr, pitch, srcStride, width)
				copyRows(unsafe.Add(dp, r*dstStride+l*width), bp, nr, nl*width, dstStride, pitch)
			} else {
				copyRows(bp, unsafe.Add(sp, r*srcStride+l*width), nr, nl*width, pitch, srcStride)
				transposeWide(unsafe.Add(dp, l*dstStride+r*width), bp, nr, nl, dstStride, pitch, width)
			}
		}
	}
	return true
}
