package tensor

import (
	"fmt"
	"math"
)

// Shape is the list of dimensions of a dense tensor. A nil or empty Shape is a scalar.
type Shape []int

// Len returns the number of elements. It does not check for overflow: see Count.
func (s Shape) Len() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Count returns the number of elements, or an error if a dimension is negative or the product overflows.
func (s Shape) Count() (int, error) {
	n, zero := 1, false
	for _, d := range s {
		if d < 0 {
			return 0, fmt.Errorf("tensor: negative dimension in shape %v", []int(s))
		}
		if d == 0 {
			zero = true
			continue
		}
		if n > math.MaxInt/d {
			return 0, fmt.Errorf("tensor: shape %v overflows", []int(s))
		}
		n *= d
	}
	if zero {
		return 0, nil
	}
	return n, nil
}

// Equal reports whether s and t have the same dimensions.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

// Clone returns a copy of s that shares nothing with it.
func (s Shape) Clone() Shape { return append(Shape{}, s...) }

// Strides returns the row-major strides of s in elements.
func (s Shape) Strides() []int {
	st := make([]int, len(s))
	n := 1
	for i := len(s) - 1; i >= 0; i-- {
		st[i] = n
		n *= s[i]
	}
	return st
}
