//go:build !linux

package mem

func adviseHuge(_, _ uintptr) {}

func discard(_, _ uintptr) bool { return false }
