//go:build !linux

package mem

func adviseHuge(_, _ uintptr) {}

func take([]byte) {}

func discard(_, _ uintptr) bool { return false }
