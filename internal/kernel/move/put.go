package move

import "unsafe"

// Put sets dst[index[i]] to src[i], in this order, for indices below n, negative ones counting from the end. With a stride it goes
// down columns: to element i of row index[i] of dst, whose n rows begin stride elements apart. It returns the first i whose index
// is out of range, where it stops, -1 if there is none.
func Put[T any, I Index](dst, src []T, index []I, n, stride int) int {
	src = src[:len(index)]
	if stride == 0 {
		dst = dst[:n]
		for i, v := range index {
			k := int64(v)
			k += int64(n) & (k >> 63)
			if uint64(k) >= uint64(len(dst)) {
				return i
			}
			dst[k] = src[i]
		}
		return -1
	}
	for i, v := range index {
		k := int64(v)
		k += int64(n) & (k >> 63)
		if uint64(k) >= uint64(n) {
			return i
		}
		dst[int(k)*stride+i] = src[i]
	}
	return -1
}

// Offsets sets each to to block times the row-major position that a tuple of indices, which may count from the end, names in a box
// of the given axes. It reports false if an index is out of range.
func Offsets[I Index](to []int, index []I, axes []int, block int) bool {
	if len(to) == 0 || len(axes) == 0 {
		clear(to)
		return true
	}
	for k, n := range axes {
		at := index[k:]
		for i := range to {
			v := int64(at[i*len(axes)])
			v += int64(n) & (v >> 63)
			if uint64(v) >= uint64(n) {
				return false
			}
			if k > 0 {
				v += int64(to[i]) * int64(n)
			}
			to[i] = int(v)
		}
	}
	if block != 1 {
		for i := range to {
			to[i] *= block
		}
	}
	return true
}

// Pick copies blocks of block elements of width bytes, which begin at the elements of src that from lists, one behind the other to dst.
func Pick(dst, src []byte, from []int, block, width int) {
	n := block * width
	dst = dst[:n*len(from)]
	if block == 1 {
		switch width {
		case 1:
			pick(dst, src, from)
			return
		case 2:
			pick(wordsOf[uint16](dst), wordsOf[uint16](src), from)
			return
		case 4:
			pick(wordsOf[uint32](dst), wordsOf[uint32](src), from)
			return
		case 8:
			pick(wordsOf[uint64](dst), wordsOf[uint64](src), from)
			return
		}
	}
	for i, p := range from {
		copy(dst[i*n:(i+1)*n], src[p*width:p*width+n])
	}
}

func pick[T Word](dst, src []T, from []int) {
	for i, p := range from {
		dst[i] = src[p]
	}
}

// wordsOf returns bytes as words.
func wordsOf[T Word](b []byte) []T {
	var z T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(z)))
}
