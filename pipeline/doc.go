// Package pipeline turns pictures and sounds into the tensors that models take.
//
// It imports tensor, and internal/kernel/picture to decode pictures.
package pipeline
