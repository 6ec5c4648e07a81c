package vec

import "math"

// LeastOf returns the least value of T: -Inf for floats.
func LeastOf[T Number]() T {
	if !isInt[T]() {
		return T(math.Inf(-1))
	}
	return -GreatestOf[T]() - 1
}

// GreatestOf returns the greatest value of T: +Inf for floats.
func GreatestOf[T Number]() T {
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
