package move

import (
	"fmt"
	"math/bits"
	"unsafe"
)

// A Word is an element as its bits.
type Word interface {
	uint8 | uint16 | uint32 | uint64
}

// A takeFunc does elements of Take, in groups, and returns how many it did before one whose index is not in [0, n). stride is
// in bytes.
type takeFunc func(dst, src, index *byte, count, n, stride int) int

// takeTable holds variants by the logarithm of the elements' bytes, for indices of 32 and 64 bits, for rows and for columns.
type takeTable [4][2][2]takeFunc

const (
	takeGroup = 4
	takeStep  = 64      // elements that a loop does where an index stopped a kernel
	takeMost  = 1 << 15 // elements in a call
)

// Take sets dst[i] to src[index[i]], for indices below n, negative ones counting from the end. With a stride it goes down
// columns: from element i of row index[i] of src, whose n rows begin stride elements apart. It returns the first i whose index
// is out of range, -1 if there is none.
func Take[T Word, I Index](dst, src []T, index []I, n, stride int) int {
	dst = dst[:len(index)]
	if reach := max(n-1, 0)*stride + len(index); stride > 0 && n > 0 && reach > len(src) || stride == 0 && n > len(src) {
		panic(fmt.Sprintf("move: %d elements of %d rows reach beyond %d", len(index), n, len(src)))
	}
	f := takeOf[T, I](stride)
	step := min(stride, 1)
	for i := 0; i < len(index); {
		end := len(index)
		if whole := (end - i) &^ (takeGroup - 1); f != nil && n > 0 && whole > 0 {
			whole = min(whole, takeMost)
			done := f(bytePtr(&dst[i]), bytePtr(&src[i*step]), bytePtr(&index[i]), whole, n, stride*int(unsafe.Sizeof(dst[0])))
			if i += done; done == whole {
				continue
			}
			end = min(end, i+takeStep)
		}
		for ; i < end; i++ {
			k := int64(index[i])
			k += int64(n) & (k >> 63)
			if uint64(k) >= uint64(n) {
				return i
			}
			at := int(k)
			if stride > 0 {
				at = int(k)*stride + i
			}
			dst[i] = src[at]
		}
	}
	return -1
}

// takeOf returns the kernel for the types, nil if there is none.
func takeOf[T Word, I Index](stride int) takeFunc {
	var t T
	var i I
	wide, columns := 0, 0
	if unsafe.Sizeof(i) == 8 {
		wide = 1
	}
	if stride > 0 {
		columns = 1
	}
	return active.take[bits.TrailingZeros(uint(unsafe.Sizeof(t)))][wide][columns]
}

func bytePtr[T any](p *T) *byte { return (*byte)(unsafe.Pointer(p)) }
