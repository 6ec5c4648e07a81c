// Package move holds kernels that move elements without looking at them: strided copies, transposes,
// gathers and fills. Elements are bytes of a fixed width; TransposeOf, StridedOf and GatherOf serve Go
// values such as strings.
//
// move may import internal/cpu, internal/par and tensor/num.
package move
