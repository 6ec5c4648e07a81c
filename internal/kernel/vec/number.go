package vec

// Int is the set of integer element types.
type Int interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Float is the set of element types that Go computes in as they are.
type Float interface {
	~float32 | ~float64
}

// Number is the set of element types with arithmetic.
type Number interface {
	Int | Float
}

// spread returns the index mask of an input: 0 if it has length 1 and stands for a scalar, and all ones
// otherwise. It panics if the input can not supply n elements.
func spread(have, n int) int {
	if have == 1 {
		return 0
	}
	if have < n {
		panic("vec: input is shorter than the result")
	}
	return -1
}
