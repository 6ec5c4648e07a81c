package mmap

import "golang.org/x/sys/unix"

// copyPages makes pages of a private mapping the process's own. It is a hint, which systems before Linux 5.14 do not know.
func copyPages(pages []byte) {
	if unix.Mprotect(pages, unix.PROT_READ|unix.PROT_WRITE) != nil {
		return
	}
	_ = unix.Madvise(pages, unix.MADV_POPULATE_WRITE) // whoever reads them finds them, copied or not
	_ = unix.Mprotect(pages, unix.PROT_READ)
}
