package move

import "unsafe"

// tileSide is the side of the square tiles of a transpose: a cache line of 4-byte elements.
const tileSide = 16

// transposeBlock sets element (i, j) of dst, i < across and j < along, to element (j, i) of src. Rows of
// dst lie dstStride bytes apart and rows of src srcStride; elements of a row are neighbours.
func transposeBlock(dp, sp unsafe.Pointer, along, across, dstStride, srcStride, width int) {
	// A few long rows or columns go one by one.
	const few = 4
	switch {
	case along <= few && along < across:
		for j := range along {
			stridedRow(unsafe.Add(dp, j*width), unsafe.Add(sp, j*srcStride), across, dstStride, width, width)
		}
		return
	case across <= few:
		for i := range across {
			stridedRow(unsafe.Add(dp, i*dstStride), unsafe.Add(sp, i*width), along, width, srcStride, width)
		}
		return
	}
	switch width {
	case 1:
		transposeTiles[uint8](dp, sp, along, across, dstStride, srcStride)
	case 2:
		transposeTiles[uint16](dp, sp, along, across, dstStride, srcStride)
	case 4:
		transpose4(dp, sp, along, across, dstStride, srcStride)
	case 8:
		transposeTiles[uint64](dp, sp, along, across, dstStride, srcStride)
	case 16:
		transposeTiles[[2]uint64](dp, sp, along, across, dstStride, srcStride)
	default:
		for i := range across {
			stridedRow(unsafe.Add(dp, i*dstStride), unsafe.Add(sp, i*width), along, width, srcStride, width)
		}
	}
}

// transpose4 leaves full tiles to the kernel in use and does the borders in Go.
func transpose4(dp, sp unsafe.Pointer, along, across, dstStride, srcStride int) {
	if tiles4 == nil {
		transposeTiles[uint32](dp, sp, along, across, dstStride, srcStride)
		return
	}
	fullAlong, fullAcross := along&^(tileSide-1), across&^(tileSide-1)
	if fullAlong > 0 {
		for i := 0; i < fullAcross; i += tileSide {
			tiles4((*byte)(unsafe.Add(dp, i*dstStride)), (*byte)(unsafe.Add(sp, i*4)), fullAlong/tileSide, dstStride, srcStride)
		}
	}
	if fullAlong < along {
		transposeTiles[uint32](unsafe.Add(dp, fullAlong*4), unsafe.Add(sp, fullAlong*srcStride), along-fullAlong, fullAcross, dstStride, srcStride)
	}
	if fullAcross < across {
		transposeTiles[uint32](unsafe.Add(dp, fullAcross*dstStride), unsafe.Add(sp, fullAcross*4), along, across-fullAcross, dstStride, srcStride)
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
