package move

import "unsafe"

// tileSide is the side of the square tiles of a transpose.
const tileSide = 16

// transposeBlock sets element (i, j) of dst, i < across and j < along, to element (j, i) of src. Rows of
// dst lie dstStride bytes apart and rows of src srcStride; elements of a row are neighbours. With stream it may write past the caches.
func transposeBlock(dp, sp unsafe.Pointer, along, across, dstStride, srcStride, width int, stream bool) {
	switch {
	case along <= few && along < across:
		if width == 4 && dstStride == 4*along && active.zip[along] != nil {
			zip(dp, sp, along, across, srcStride, false)
			return
		}
		for j := range along {
			stridedRow(unsafe.Add(dp, j*width), unsafe.Add(sp, j*srcStride), across, dstStride, width, width)
		}
		return
	case across <= few:
		if width == 4 && srcStride == 4*across && active.unzip[across] != nil {
			zip(dp, sp, across, along, dstStride, true)
			return
		}
		for i := range across {
			stridedRow(unsafe.Add(dp, i*dstStride), unsafe.Add(sp, i*width), along, width, srcStride, width)
		}
		return
	}
	if size, ok := blockOf(along, across, width); ok {
		blockedBlock(dp, sp, along, across, dstStride, srcStride, width, size, stream)
	} else if !stagedBlock(dp, sp, along, across, dstStride, srcStride, width) {
		transposeWide(dp, sp, along, across, dstStride, srcStride, width)
	}
}

// transposeWide is transposeBlock for more than a few rows and columns.
func transposeWide(dp, sp unsafe.Pointer, along, across, dstStride, srcStride, width int) {
	switch width {
	case 1:
		transposeWith(active.tiles1, transposeTiles[uint8], 1, dp, sp, along, across, dstStride, srcStride)
	case 2:
		transposeWith(active.tiles2, transposeTiles[uint16], 2, dp, sp, along, across, dstStride, srcStride)
	case 4:
		transposeWith(active.tiles4, transposeTiles[uint32], 4, dp, sp, along, across, dstStride, srcStride)
	case 8:
		transposeWith(active.tiles8, transposeTiles[uint64], 8, dp, sp, along, across, dstStride, srcStride)
	case 16:
		transposeTiles[[2]uint64](dp, sp, along, across, dstStride, srcStride)
	default:
		for i := range across {
			stridedRow(unsafe.Add(dp, i*dstStride), unsafe.Add(sp, i*width), along, width, srcStride, width)
		}
	}
}

// tilesFor returns the kernel for elements of width bytes. Lines of crowded rows of dst that are not done with one after the other may have
// to come from the second-level cache again, or from beyond it.
func (k *kernel) tilesFor(width, dstStride, srcStride int) tilesFunc {
	switch {
	case width == 1:
		return k.tiles1
	case width == 2:
		return k.tiles2
	case width == 4:
		return k.tiles4
	case k.tiles8Dst != nil && crowded(dstStride) && !crowded(srcStride):
		return k.tiles8Dst
	}
	return k.tiles8
}

// zip transposes a few rows of n elements of 4 bytes, stride bytes apart, to rows of a few elements that follow each other; or
// the other way. The kernels do eight elements of each row at a time, in calls of some microseconds.
func zip(dp, sp unsafe.Pointer, rows, n, stride int, inverse bool) {
	const most = 8 * 4096
	f, dstStep, srcStep := active.zip[rows], 4*rows, 4
	if inverse {
		f, dstStep, srcStep = active.unzip[rows], 4, 4*rows
	}
	at := 0 // no pointer may go beyond the end of its memory
	for ; n-at >= 8; at += min(most, n-at) &^ 7 {
		f((*byte)(unsafe.Add(dp, at*dstStep)), (*byte)(unsafe.Add(sp, at*srcStep)), min(most, n-at)/8, stride)
	}
	for ; at < n; at++ {
		d, s := unsafe.Add(dp, at*dstStep), unsafe.Add(sp, at*srcStep)
		for i := range rows {
			if inverse {
				*(*uint32)(unsafe.Add(d, i*stride)) = *(*uint32)(unsafe.Add(s, 4*i))
			} else {
				*(*uint32)(unsafe.Add(d, 4*i)) = *(*uint32)(unsafe.Add(s, i*stride))
			}
		}
	}
}

// transposeWith uses a kernel, whose tiles at the far borders overlap those before, if there is one and a tile fits, otherwise
// a loop.
func transposeWith(tiles tilesFunc, loop func(dp, sp unsafe.Pointer, along, across, dstStride, srcStride int), width int,
	dp, sp unsafe.Pointer, along, across, dstStride, srcStride int) {
	if tiles == nil || min(along, across) < tileSide {
		loop(dp, sp, along, across, dstStride, srcStride)
		return
	}
	tileRows(tiles, dp, sp, along, across, dstStride, srcStride, width)
}

// tileRows uses a kernel for at least a tile, row by row of dst.
func tileRows(tiles tilesFunc, dp, sp unsafe.Pointer, along, across, dstStride, srcStride, width int) {
	for i := 0; i < across; i += tileSide {
		i := min(i, across-tileSide)
		d, s := unsafe.Add(dp, i*dstStride), unsafe.Add(sp, i*width)
		tiles((*byte)(d), (*byte)(s), along/tileSide, dstStride, srcStride)
		if along%tileSide > 0 {
			j := along - tileSide
			tiles((*byte)(unsafe.Add(d, j*width)), (*byte)(unsafe.Add(s, j*srcStride)), 1, dstStride, srcStride)
		}
	}
}

// transposeTiles goes tile by tile, so that both sides stay in cache.
func transposeTiles[T any](dp, sp unsafe.Pointer, along, across, dstStride, srcStride int) {
	var z T
	width := int(unsafe.Sizeof(z))
	for j := 0; j < along; j += tileSide {
		nj := min(tileSide, along-j)
		for i := 0; i < across; i += tileSide {
			ni := min(tileSide, across-i)
			d, s := unsafe.Add(dp, i*dstStride+j*width), unsafe.Add(sp, j*srcStride+i*width)
			for k := range ni {
				to, from := unsafe.Add(d, k*dstStride), unsafe.Add(s, k*width)
				off := 0
				for l := range nj {
					*(*T)(unsafe.Add(to, l*width)) = *(*T)(unsafe.Add(from, off))
					off += srcStride
				}
			}
		}
	}
}
