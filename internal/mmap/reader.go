package mmap

import (
	"os"
)

// MapOpen is Map for a file of which parts will also be read with ReadAt: it stays open until Close.
func MapOpen(f *os.File) (*File, error) {
	m, err := Map(f)
	if err == nil && m.mapped {
		m.open = duplicate(f)
	}
	return m, err
}

// Readable reports whether the File was mapped by MapOpen, and stayed open.
func (f *File) Readable() bool { return f.open != nil }

// ReadAt fills dst with the content from byte at on, without touching the mapping. Where the system keeps a file in large pages,
// touching one byte of the mapping brings all of such a page into the memory of the process, and its neighbours otherwise: up to
// megabytes for each row of a table. It returns ErrFault where the content is not there any more. The File must be Readable.
func (f *File) ReadAt(dst []byte, at int) error {
	if at < 0 || at > len(f.data)-len(dst) {
		return ErrFault
	}
	if n, _ := f.open.ReadAt(dst, int64(at)); n < len(dst) {
		return ErrFault
	}
	return nil
}
