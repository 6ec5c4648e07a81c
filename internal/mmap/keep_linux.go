package mmap

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Copies reports whether Keep can copy pages: Linux can since 5.14.
var Copies = sync.OnceValue(func() bool {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return false
	}
	err = unix.Madvise(page, unix.MADV_POPULATE_WRITE)
	_ = unix.Munmap(page)
	return err == nil
})

// copyPages makes pages of a private mapping the process's own, which is a hint.
func copyPages(pages []byte) {
	if unix.Mprotect(pages, unix.PROT_READ|unix.PROT_WRITE) != nil {
		return
	}
	_ = unix.Madvise(pages, unix.MADV_POPULATE_WRITE) // whoever reads them finds them, copied or not
	_ = unix.Mprotect(pages, unix.PROT_READ)
}
