package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
	codes "github.com/onnxrun/onnxrun/tensor/num"
)

// A scatterFn combines blocks of n elements of u, from position from on, into y: each at the position that to names.
type scatterFn func(y, u *tensor.Tensor, to []int, from, n int)

// scatterApply returns the function for a reduction: none (or ""), add, mul, min or max.
func scatterApply(d tensor.DType, reduction string) (scatterFn, error) {
	switch {
	case reduction == "" || reduction == "none":
		return scatterSet(d), nil
	case d == tensor.Bool:
		return scatterBool(reduction)
	case d == tensor.Float16:
		f, err := scatterReduce[float32](reduction)
		return scatterEach(func(a, b tensor.Float16Bits) tensor.Float16Bits {
			return codes.ToFloat16(float64(f(a.Float32(), b.Float32())))
		}), err
	case d == tensor.BFloat16:
		f, err := scatterReduce[float32](reduction)
		return scatterEach(func(a, b tensor.BFloat16Bits) tensor.BFloat16Bits {
			return codes.ToBFloat16(float64(f(a.Float32(), b.Float32())))
		}), err
	case d == tensor.Float32 && reduction == "add":
		return scatterSums, nil
	case d == tensor.Float32:
		return scatterNumber[float32](reduction)
	case d == tensor.Float64:
		return scatterNumber[float64](reduction)
	case d == tensor.Int64:
		return scatterNumber[int64](reduction)
	case d == tensor.Int32:
		return scatterNumber[int32](reduction)
	case d == tensor.Int16:
		return scatterNumber[int16](reduction)
	case d == tensor.Int8:
		return scatterNumber[int8](reduction)
	case d == tensor.Uint64:
		return scatterNumber[uint64](reduction)
	case d == tensor.Uint32:
		return scatterNumber[uint32](reduction)
	case d == tensor.Uint16:
		return scatterNumber[uint16](reduction)
	case d == tensor.Uint8:
		return scatterNumber[uint8](reduction)
	}
	switch d {
	case tensor.Complex64:
		return scatterComplex[complex64](reduction)
	case tensor.Complex128:
		return scatterComplex[complex128](reduction)
	}
	return nil, fmt.Errorf("ops: reduction %q of %v, want numbers", reduction, d)
}

// scatterSet overwrites.
func scatterSet(d tensor.DType) scatterFn {
	switch {
	case d == tensor.String:
		return func(y, u *tensor.Tensor, to []int, from, n int) { setBlocks(y.Strings(), u.Strings(), to, from, n) }
	case d.Size() == 1:
		return scatterBlocks[uint8]
	case d.Size() == 2:
		return scatterBlocks[uint16]
	case d.Size() == 4:
		return scatterBlocks[uint32]
	case d.Size() == 8:
		return scatterBlocks[uint64]
	}
	return scatterBlocks[complex128]
}

func scatterBlocks[T tensor.Element](y, u *tensor.Tensor, to []int, from, n int) {
	setBlocks(tensor.Raw[T](y), tensor.Raw[T](u), to, from, n)
}

func setBlocks[T any](y, u []T, to []int, from, n int) {
	u = u[from : from+len(to)*n]
	if n == 1 {
		for i, p := range to {
			y[p] = u[i]
		}
		return
	}
	for i, p := range to {
		copy(y[p:p+n], u[i*n:])
	}
}

// scatterReduce returns the reduction as a function of two numbers. Minimum and maximum pass NaN on.
func scatterReduce[T mvNumber](reduction string) (func(a, b T) T, error) {
	switch reduction {
	case "add":
		return func(a, b T) T { return a + b }, nil
	case "mul":
		return func(a, b T) T { return a * b }, nil
	case "min":
		return func(a, b T) T { return min(a, b) }, nil
	case "max":
		return func(a, b T) T { return max(a, b) }, nil
	}
	return nil, fmt.Errorf("ops: reduction %q is none of none, add, mul, min, max", reduction)
}

func scatterNumber[T mvNumber](reduction string) (scatterFn, error) {
	_, err := scatterReduce[T](reduction)
	join := map[string]func(a, b []T, to []int, n int){"add": addTo[T], "mul": multiply[T], "min": lower[T], "max": raise[T]}[reduction]
	return func(y, u *tensor.Tensor, to []int, from, n int) {
		join(tensor.Raw[T](y), tensor.Raw[T](u)[from:from+len(to)*n], to, n)
	}, err
}

func addTo[T mvNumber](a, b []T, to []int, n int) {
	for i, p := range to {
		for j, v := range b[i*n : (i+1)*n] {
			a[p+j] += v
		}
	}
}

func multiply[T mvNumber](a, b []T, to []int, n int) {
	for i, p := range to {
		for j, v := range b[i*n : (i+1)*n] {
			a[p+j] *= v
		}
	}
}

func lower[T mvNumber](a, b []T, to []int, n int) {
	for i, p := range to {
		for j, v := range b[i*n : (i+1)*n] {
			a[p+j] = min(a[p+j], v)
		}
	}
}

func raise[T mvNumber](a, b []T, to []int, n int) {
	for i, p := range to {
		for j, v := range b[i*n : (i+1)*n] {
			a[p+j] = max(a[p+j], v)
		}
	}
}

// scatterSums adds blocks of float32, long ones by vectors.
func scatterSums(y, u *tensor.Tensor, to []int, from, n int) {
	a, b := tensor.Raw[float32](y), tensor.Raw[float32](u)[from:from+len(to)*n]
	for i, p := range to {
		switch {
		case n == 1:
			a[p] += b[i]
		case n >= 8:
			vec.Add(a[p:p+n], a[p:p+n], b[i*n:(i+1)*n])
		default:
			for j, v := range b[i*n : (i+1)*n] {
				a[p+j] += v
			}
		}
	}
}

// combine sets each element of a to f of itself and that of b.
func combine[T any](f func(a, b T) T, a, b []T) {
	for i, v := range b[:len(a)] {
		a[i] = f(a[i], v)
	}
}

// scatterComplex adds or multiplies: complex numbers have no order.
func scatterComplex[T complex64 | complex128](reduction string) (scatterFn, error) {
	switch reduction {
	case "add":
		return scatterEach(func(a, b T) T { return a + b }), nil
	case "mul":
		return scatterEach(func(a, b T) T { return a * b }), nil
	}
	return nil, fmt.Errorf("ops: reduction %q of complex numbers, want add or mul", reduction)
}

func scatterEach[T tensor.Element](f func(a, b T) T) scatterFn {
	return func(y, u *tensor.Tensor, to []int, from, n int) {
		a, b := tensor.Raw[T](y), tensor.Raw[T](u)
		for i, p := range to {
			combine(f, a[p:p+n], b[from+i*n:])
		}
	}
}

// scatterBool takes true for one and false for zero.
func scatterBool(reduction string) (scatterFn, error) {
	if _, err := scatterReduce[uint8](reduction); err != nil {
		return nil, err
	}
	if reduction == "add" || reduction == "max" {
		return scatterEach(func(a, b bool) bool { return a || b }), nil
	}
	return scatterEach(func(a, b bool) bool { return a && b }), nil
}

// scatterStep is the number of positions that a scatterFn takes at a time.
const scatterStep = 512

// scatterPositions holds positions: *[scatterStep]int.
var scatterPositions = sync.Pool{New: func() any { return new([scatterStep]int) }}
