package quant

import "math"

// Softmax sets dst to the softmax of src along the middle axis of tensors [outer, n, inner] as bytes; perOne is the
// number of steps of the result that make up 1. table holds exponentials of bytes less 255 and is made by SoftmaxTable.
func Softmax[T Byte](dst, src []T, outer, n, inner int, table *[256]float32, perOne float32, zero int32) {
	r := newRounder[T](zero)
	for o := range outer {
		for j := range inner {
			lo, hi := o*n*inner+j, (o+1)*n*inner
			largest := int32(src[lo])
			for i := lo; i < hi; i += inner {
				largest = max(largest, int32(src[i]))
			}
			sum := 0.0
			for i := lo; i < hi; i += inner {
				sum += float64(table[255+int32(src[i])-largest])
			}
			for i := lo; i < hi; i += inner {
				dst[i] = T(r.round(float32(float64(table[255+int32(src[i])-largest]*perOne) / sum)))
			}
		}
	}
}

// SoftmaxTable sets entry i of table to the exponential of (i - 255) * scale.
func SoftmaxTable(table *[256]float32, scale float32) {
	for i := range table {
		table[i] = float32(math.Exp(float64(i-255) * float64(scale)))
	}
}
