//go:build !amd64 || purego

package rnn

// archRows has no kernels for this architecture, or this build.
func archRows() []*row { return nil }
