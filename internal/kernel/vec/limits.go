package vec

import "math"

// Lowest returns the least value of T: -Inf for floats.
func Lowest[T Number]() T {
	if !isInt[T]() {
		return T(math.Inf(-1))
	}
	return -Highest[T]() - 1
}

// Highest returns the greatest value of T: +Inf for floats.
func Highest[T Number]() T {
	if !isInt[T]() {
		return T(math.Inf(1))
	}
	h := T(0)
	if h--; h > 0 {
		return h
	}
	h = 1
	for h+h+1 > h {
		h += h + 1
	}
	return h
}
