package mmap

import (
	"os"
	"slices"
	"time"
	"unsafe"
)

// An Identity tells the states of files apart by what the system records of them. Content that is written to a file
// changes its times, the second of which no program can set; so equal identities mean equal content, unless the file
// was written within the resolution of its times (see Settled), or through a mapping that is still dirty.
type Identity struct {
	Device, Inode     uint64
	Size              int64
	Modified, Changed int64 // nanoseconds since 1970
}

// settled is more than the resolution of the times of files, on all systems that matter.
const settled = 2 * time.Second

// Settled reports whether the file had not been written shortly before the time at: from then on no writer can leave
// the times as they are.
func (id Identity) Settled(at time.Time) bool {
	last := max(id.Modified, id.Changed)
	return id != Identity{} && at.UnixNano()-last >= int64(settled)
}

// IdentityOf returns the identity of an open file: zero where the system does not say enough.
func IdentityOf(f *os.File) Identity {
	info, err := f.Stat()
	if err != nil {
		return Identity{}
	}
	return identityOf(info)
}

// IdentityOfInfo is IdentityOf for what the system has said of a file.
func IdentityOfInfo(info os.FileInfo) Identity { return identityOf(info) }

// Identity returns the identity that the file had when it was mapped, and whether it was settled then. It is zero for
// content that is not mapped.
func (f *File) Identity() (id Identity, settled bool) { return f.id, f.settled }

// Find returns the File that maps b, and where in its content b begins; nil if none does.
func Find(b []byte) (f *File, offset int) {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	mappings.Lock()
	defer mappings.Unlock()
	i := slices.IndexFunc(mappings.list, func(m *File) bool { return m.holds(start, len(b)) })
	if i < 0 || len(b) == 0 {
		return nil, 0
	}
	f = mappings.list[i]
	return f, int(start - f.start())
}

// holds reports whether n bytes at an address lie in the content.
func (f *File) holds(start uintptr, n int) bool {
	first := f.start()
	return n <= len(f.data) && start >= first && start-first <= uintptr(len(f.data)-n)
}

// start returns the address of the content.
func (f *File) start() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(f.data))) }
