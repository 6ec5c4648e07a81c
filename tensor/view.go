package tensor

import (
	"fmt"
	"unsafe"
)

// Element is the set of Go types that stand for an element type. Float16, BFloat16 and the 8-bit floats
// are the types of tensor/num; packed types have no Go element type and are read through Bytes.
type Element interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | bool | string |
		complex64 | complex128 | Float16Bits | BFloat16Bits | Float8E4M3FNBits | Float8E4M3FNUZBits | Float8E5M2Bits | Float8E5M2FNUZBits | Float8E8M0Bits
}

// DTypeOf returns the element type that the Go type T stands for.
func DTypeOf[T Element]() DType {
	var z T
	switch any(z).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case bool:
		return Bool
	case string:
		return String
	case complex64:
		return Complex64
	case complex128:
		return Complex128
	case Float16Bits:
		return Float16
	case BFloat16Bits:
		return BFloat16
	case Float8E4M3FNBits:
		return Float8E4M3FN
	case Float8E4M3FNUZBits:
		return Float8E4M3FNUZ
	case Float8E5M2Bits:
		return Float8E5M2
	case Float8E5M2FNUZBits:
		return Float8E5M2FNUZ
	case Float8E8M0Bits:
		return Float8E8M0
	}
	return Undefined
}

// Of returns the elements of a dense tensor as a slice of T that shares t's storage. It returns nil if t
// is nil, is not dense, or has another element type: see View for the reason.
func Of[T Element](t *Tensor) []T {
	if t == nil || t.kind != KindTensor || t.dtype != DTypeOf[T]() {
		return nil
	}
	return Raw[T](t)
}

// View is Of with an error that names the kind and element type found.
func View[T Element](t *Tensor) ([]T, error) {
	if t == nil {
		return nil, fmt.Errorf("tensor: view of a nil tensor")
	}
	if want := DTypeOf[T](); t.kind != KindTensor || t.dtype != want {
		return nil, fmt.Errorf("tensor: view as %v of a %v of %v", want, t.kind, t.dtype)
	}
	return Raw[T](t), nil
}

// Raw returns the storage of a dense tensor as elements of T without looking at the element type, for
// code that moves elements of one width regardless of their meaning.
func Raw[T Element](t *Tensor) []T {
	if t.dtype == String {
		s, _ := any(t.strs).([]T)
		return s
	}
	data := t.Bytes()
	if len(data) == 0 {
		return []T{}
	}
	var z T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/int(unsafe.Sizeof(z)))
}
