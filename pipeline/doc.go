// Package pipeline turns pictures and sounds into the tensors that models take.
//
// It imports tensor only, and golang.org/x/image to scale pictures.
package pipeline
