package mem

import (
	"os"

	"golang.org/x/sys/unix"
)

// adviseHuge asks for huge pages. It is a hint: parts of the range may not be mapped yet, and the system may
// have none.
func adviseHuge(start, length uintptr) {
	_, _, _ = unix.RawSyscall(unix.SYS_MADVISE, start, length, unix.MADV_HUGEPAGE)
}

// take makes the system provide the pages of b. It is a hint, which systems before Linux 5.14 do not know.
func take(b []byte) {
	page := os.Getpagesize()
	if skip := int(-address(b) & uintptr(page-1)); skip < len(b) {
		_ = unix.Madvise(b[skip:], unix.MADV_POPULATE_WRITE)
	}
}

func discard(start, length uintptr) bool {
	_, _, err := unix.RawSyscall(unix.SYS_MADVISE, start, length, unix.MADV_DONTNEED)
	return err == 0
}
