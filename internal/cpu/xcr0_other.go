//go:build !amd64 && !purego

package cpu

func xcr0() uint32 { return 0 }
