//go:build !linux

package mmap

func copyPages([]byte) {}
