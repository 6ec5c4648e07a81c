//go:build !linux

package mem

func adviseHuge(_, _ uintptr) {}
