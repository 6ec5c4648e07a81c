package resize

import (
	"math"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

var inf = float32(math.Inf(1))

// Nearest copies elements of any type: element (o0, o1, ...) of dst is element (index[0][o0], index[1][o1], ...) of src, whose
// shape is in. Threads share the leading axes that stay as they are.
func Nearest[T any](threads int, dst, src []T, in []int, index [][]int) {
	tail := len(in) // axes from here on stay as they are
	for tail > 0 && identity(in[tail-1], index[tail-1]) {
		tail--
	}
	block := 1
	for _, d := range in[tail:] {
		block *= d
	}
	if len(dst) == 0 {
		return
	}
	planes, head := 1, 0
	for head < tail && identity(in[head], index[head]) {
		planes *= in[head]
		head++
	}
	var z T
	pool := &nearestTasks[bits.Len(uint(unsafe.Sizeof(z)))]
	t, ok := pool.Get().(*nearestTask[T])
	if !ok {
		t = new(nearestTask[T])
	}
	*t = nearestTask[T]{dst: dst, src: src, in: in[head:tail], index: index[head:tail], block: block, planes: planes}
	if block == 1 && unsafe.Sizeof(z) == 4 {
		for n := tail; n > head && t.twice < 2 && doubled(in[n-1], index[n-1]); n-- {
			t.twice++
		}
	}
	var chunks int
	chunks, t.size = par.Split(planes, grainBytes/(len(dst)/planes*int(unsafe.Sizeof(z)))+1)
	par.Run(threads, chunks, t)
	*t = nearestTask[T]{}
	pool.Put(t)
}

// nearestTasks are by the logarithm of the elements' sizes, of up to 16 bytes.
var nearestTasks [6]sync.Pool

// nearestTask is a running Nearest. Chunks are ranges of planes: what lies behind the axes that threads share.
type nearestTask[T any] struct {
	dst, src            []T
	in                  []int
	index               [][]int
	block, planes, size int
	twice               int // of the last two axes, those that repeat every element once
}

// Chunk fills a range of planes.
func (t *nearestTask[T]) Chunk(i int) {
	c := copier[T]{dst: t.dst}
	if t.twice > 0 {
		c.k, c.s, c.planes = window.Best(), window.GetScratch(0), t.twice > 1
		defer c.s.Release()
	}
	to, from := len(t.dst)/t.planes, len(t.src)/t.planes
	lo, hi := par.Range(i, t.size, t.planes)
	for p := lo; p < hi; p++ {
		c.copy(p*to, t.src[p*from:], t.in, t.index, t.block)
	}
}

// doubled tells whether an axis repeats every element once.
func doubled(n int, index []int) bool {
	if len(index) != 2*n {
		return false
	}
	for i, v := range index {
		if v != i/2 {
			return false
		}
	}
	return true
}

// copier fills dst; with k set, the last axis is doubled and its elements have the size of a float32; with planes, the axis
// before is doubled, too.
type copier[T any] struct {
	dst    []T
	k      *window.Kernels
	s      *window.Scratch
	planes bool
}

// merge fills rows of dst, step elements apart, with the doubled elements of the rows of src.
func (c *copier[T]) merge(dst, src []T, rows, cols, step int) {
	x := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(src))), len(src))
	y := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst))
	c.s.Row = window.RowArgs{Dst: y, Src: x, Src2: x, Rows: rows, Cols: 2 * cols, DstStep: step, SrcStep: cols}
	c.k.MergeRows(&c.s.Row)
}

// row fills one row of single elements.
func (c *copier[T]) row(row, src []T, index []int) {
	if c.k == nil {
		for o, i := range index {
			row[o] = src[i]
		}
		return
	}
	c.merge(row, src, 1, len(index)/2, 0)
}

func identity(n int, index []int) bool {
	if n != len(index) {
		return false
	}
	for i, v := range index {
		if i != v {
			return false
		}
	}
	return true
}

// copy fills dst from pos on with blocks of src and returns the position behind them.
func (c *copier[T]) copy(pos int, src []T, in []int, index [][]int, block int) int {
	dst := c.dst
	if len(in) == 0 {
		copy(dst[pos:], src[:block])
		return pos + block
	}
	if len(in) == 1 && block == 1 {
		c.row(dst[pos:][:len(index[0])], src, index[0])
		return pos + len(index[0])
	}
	if len(in) == 2 && c.planes {
		rows, cols := in[0], in[1]
		plane := dst[pos:][:4*rows*cols]
		c.merge(plane, src[:rows*cols], rows, cols, 4*cols)
		c.merge(plane[2*cols:], src[:rows*cols], rows, cols, 4*cols)
		return pos + len(plane)
	}
	size := block
	for _, d := range in[1:] {
		size *= d
	}
	last, from := -1, pos
	for _, i := range index[0] {
		at := pos
		if i == last { // the same slice once more
			pos += copy(dst[pos:], dst[from:pos])
		} else {
			pos = c.copy(pos, src[i*size:], in[1:], index[1:], block)
		}
		last, from = i, at
	}
	return pos
}
