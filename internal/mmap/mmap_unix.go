//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris

package mmap

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(data []byte) error { return unix.Munmap(data) }

func advise(data []byte, a Advice) error {
	return unix.Madvise(data, [...]int{Normal: unix.MADV_NORMAL, Sequential: unix.MADV_SEQUENTIAL,
		WillNeed: unix.MADV_WILLNEED, DontNeed: unix.MADV_DONTNEED}[a])
}
