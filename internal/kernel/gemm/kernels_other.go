//go:build !amd64 || purego

package gemm

func archRows() []*row { return nil }
