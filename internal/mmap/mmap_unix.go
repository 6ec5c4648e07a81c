//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris

package mmap

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE) // private for the sake of Keep
}

// duplicate returns f under a descriptor of its own, nil if the system has none left.
func duplicate(f *os.File) *os.File {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), f.Name())
}

func unmapFile(data []byte) error { return unix.Munmap(data) }

func advise(data []byte, a Advice) error {
	return unix.Madvise(data, [...]int{Normal: unix.MADV_NORMAL, Sequential: unix.MADV_SEQUENTIAL,
		WillNeed: unix.MADV_WILLNEED, DontNeed: unix.MADV_DONTNEED}[a])
}
