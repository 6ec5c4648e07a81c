package move

import "fmt"

// Gather copies blocks of block bytes: dst, seen as [outer, len(index), block], takes from src, seen as
// [outer, axis, block], the block that each index names. Negative indices count from the end. An index
// out of range is an error, and then dst is unspecified.
func Gather[I int32 | int64](dst, src []byte, index []I, outer, axis, block, threads int) error {
	return GatherOf(dst, src, index, outer, axis, block)
}

// GatherOf is Gather for elements that are Go values; block counts elements.
func GatherOf[T any, I int32 | int64](dst, src []T, index []I, outer, axis, block int) error {
	if err := checkIndex(index, axis); err != nil {
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

func checkIndex[I int32 | int64](index []I, n int) error {
	for _, v := range index {
		if int64(v) < -int64(n) || int64(v) >= int64(n) {
			return fmt.Errorf("move: index %d is outside [%d, %d]", v, -n, n-1)
		}
	}
	return nil
}
