//go:build !linux

package mmap

// Copies reports whether Keep can copy pages.
func Copies() bool { return false }

func copyPages([]byte) {}
