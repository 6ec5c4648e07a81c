// Package vec holds elementwise kernels on contiguous slices and the broadcast driver that applies them
// to tensors of any shape.
//
// The kernels are single-threaded; callers split the work, or use Map, Zip and Select, which do. In
// every two-input kernel an input of length 1 stands for a scalar. dst may be the same slice as an
// input, but must not overlap one otherwise. An element's result does not depend on its position, so
// that any split gives the same bits.
//
// Functions on []float32 have assembly variants, chosen once at start by CPU features; functions whose
// names end in Of are generic Go for the other element types.
//
// vec may import internal/cpu, internal/par and tensor/num.
package vec
