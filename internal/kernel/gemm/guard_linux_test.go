package gemm

import (
	"syscall"
	"testing"
	"unsafe"
)

// mapRegion returns n bytes between two pages that may not be touched.
func mapRegion(t *testing.T, n int) ([]float32, error) {
	page := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, n+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	for _, guard := range [][]byte{mem[:page], mem[page+n:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			return nil, err
		}
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&mem[page])), n/4), nil
}
