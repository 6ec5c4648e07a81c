package move

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/par"
)

// Index is the set of types that indices come in.
type Index interface{ int32 | int64 }

// Gather copies blocks of block bytes: dst, seen as [outer, len(index), block], takes from src, seen as
// [outer, axis, block], the block that each index names. Negative indices count from the end. An index
// out of range is an error, and then dst is unspecified.
func Gather[I Index](dst, src []byte, index []I, outer, axis, block, threads int) error {
	if err := CheckIndex(index, axis); err != nil {
		return err
	}
	if outer*len(index)*block == 0 {
		return nil
	}
	g := gatherJob[I]{dst: dst[:outer*len(index)*block], src: src[:outer*axis*block], index: index, axis: axis, block: block}
	total := outer * len(index)
	if threads <= 1 || total*block <= serial {
		g.blocks(0, total)
		return nil
	}
	pool := gatherPool[I]()
	j := pool.Get().(*gatherJob[I])
	*j = g
	var chunks int
	j.total = total
	chunks, j.size = par.Split(total, 1+(grain-1)/block)
	par.Run(threads, chunks, j)
	*j = gatherJob[I]{}
	pool.Put(j)
	return nil
}

type gatherJob[I Index] struct {
	dst, src    []byte
	index       []I
	axis, block int
	total, size int
}

var (
	gathers32 = sync.Pool{New: func() any { return new(gatherJob[int32]) }}
	gathers64 = sync.Pool{New: func() any { return new(gatherJob[int64]) }}
)

func gatherPool[I Index]() *sync.Pool {
	if _, ok := any(I(0)).(int32); ok {
		return &gathers32
	}
	return &gathers64
}

// Chunk does one chunk of blocks.
func (g *gatherJob[I]) Chunk(i int) { g.blocks(par.Range(i, g.size, g.total)) }

// blocks copies blocks lo to hi of dst.
func (g *gatherJob[I]) blocks(lo, hi int) {
	dp, sp := unsafe.Pointer(unsafe.SliceData(g.dst)), unsafe.Pointer(unsafe.SliceData(g.src))
	switch g.block {
	case 1:
		gather[uint8](g, dp, sp, lo, hi)
	case 2:
		gather[uint16](g, dp, sp, lo, hi)
	case 4:
		gather[uint32](g, dp, sp, lo, hi)
	case 8:
		gather[uint64](g, dp, sp, lo, hi)
	case 16: // a box
		gather[[2]uint64](g, dp, sp, lo, hi)
	default:
		g.wide(dp, sp, lo, hi)
	}
}

// wide copies blocks of any size. All indices have been checked.
func (g *gatherJob[I]) wide(dp, sp unsafe.Pointer, lo, hi int) {
	n := g.block
	if active.rowsAt != nil && n >= leastWide && n <= mostWide {
		g.listed(dp, sp, lo, hi)
		return
	}
	for lo < hi {
		base, k := lo/len(g.index)*g.axis, lo%len(g.index)
		for _, v := range g.index[k:min(len(g.index), k+hi-lo)] {
			d, s := unsafe.Add(dp, lo*n), unsafe.Add(sp, (base+wrap(int(v), g.axis))*n)
			copy(unsafe.Slice((*byte)(d), n), unsafe.Slice((*byte)(s), n))
			lo++
		}
	}
}

// A rowList says where blocks begin, and those to ask for.
type rowList [64 + rowsAhead]int

var rowLists = sync.Pool{New: func() any { return new(rowList) }}

// listed copies blocks by a kernel, for which it lists where some of them begin.
func (g *gatherJob[I]) listed(dp, sp unsafe.Pointer, lo, hi int) {
	list := rowLists.Get().(*rowList)
	defer rowLists.Put(list)
	for lo < hi {
		base, k := lo/len(g.index)*g.axis, lo%len(g.index)
		part := g.index[k:min(len(g.index), k+hi-lo)]
		count := min(len(part), len(list)-rowsAhead)
		for i := range count + rowsAhead {
			v := part[min(i, len(part)-1)]
			list[i] = (base + wrap(int(v), g.axis)) * g.block
		}
		active.rowsAt((*byte)(unsafe.Add(dp, lo*g.block)), (*byte)(sp), &list[0], count, g.block)
		lo += count
	}
}

// gather copies blocks of one machine word, or of two. All indices have been checked.
func gather[T any, I Index](g *gatherJob[I], dp, sp unsafe.Pointer, lo, hi int) {
	var z T
	width := int(unsafe.Sizeof(z))
	for lo < hi {
		base, k := lo/len(g.index)*g.axis, lo%len(g.index)
		for _, v := range g.index[k:min(len(g.index), k+hi-lo)] {
			at := base + wrap(int(v), g.axis)
			*(*T)(unsafe.Add(dp, lo*width)) = *(*T)(unsafe.Add(sp, at*width))
			lo++
		}
	}
}

// GatherOf is Gather for elements that are Go values; block counts elements.
func GatherOf[T any, I Index](dst, src []T, index []I, outer, axis, block int) error {
	if err := CheckIndex(index, axis); err != nil {
		return err
	}
	for o := range outer {
		from := src[o*axis*block : (o+1)*axis*block]
		for _, v := range index {
			at := wrap(int(v), axis) * block
			copy(dst[:block], from[at:at+block])
			dst = dst[block:]
		}
	}
	return nil
}

func wrap(i, n int) int {
	if i < 0 {
		i += n
	}
	return i
}

// CheckIndex returns an error if an index into n rows, which may count from the end, is out of range.
func CheckIndex[I Index](index []I, n int) error {
	for _, v := range index {
		if int64(v) < -int64(n) || int64(v) >= int64(n) {
			return fmt.Errorf("move: index %d is outside [%d, %d]", v, -n, n-1)
		}
	}
	return nil
}
