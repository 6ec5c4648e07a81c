// Package mmap maps files into memory for reading, and turns the faults of pages that have gone (a file cut
// short while mapped, a broken disk) into errors. Where the system has no mapping it reads the file. It
// imports no package of this module.
package mmap

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// A File is the content of a file in memory, which must not be written to.
type File struct {
	data    []byte
	mapped  bool
	open    *os.File // what is mapped, nil unless by MapOpen
	id      Identity
	settled bool      // id was, when the file was mapped
	read    pageRange // what ReleaseSoon has not given back; guarded by mappings
}

// Map maps the regular file f, which may be closed afterwards.
func Map(f *os.File) (*File, error) {
	info, size, err := regularSize(f)
	if err != nil || size == 0 {
		return &File{}, err
	}
	data, err := mapFile(f, size)
	if errors.Is(err, errors.ErrUnsupported) {
		return Read(f)
	}
	if err != nil {
		return nil, fmt.Errorf("mmap: %s: %w", f.Name(), err)
	}
	m := &File{data: data, mapped: true, id: identityOf(info)}
	m.settled = m.id.Settled(time.Now())
	register(m)
	return m, nil
}

// Read reads the regular file f into memory.
func Read(f *os.File) (*File, error) {
	_, size, err := regularSize(f)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, int64(size)), data); err != nil {
		return nil, fmt.Errorf("mmap: %s: %w", f.Name(), err)
	}
	return &File{data: data}, nil
}

func regularSize(f *os.File) (os.FileInfo, int, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("mmap: %s is not a regular file", f.Name())
	}
	if info.Size() > math.MaxInt {
		return nil, 0, fmt.Errorf("mmap: %s has %d bytes, more than this machine addresses", f.Name(), info.Size())
	}
	return info, int(info.Size()), nil
}

// Bytes returns the content. It must not be used after Close.
func (f *File) Bytes() []byte { return f.data }

// Mapped reports whether the content is a mapping and not a copy.
func (f *File) Mapped() bool { return f.mapped }

// Close gives the memory back.
func (f *File) Close() error {
	if !f.mapped {
		f.data = nil
		return nil
	}
	unregister(f)
	data, open := f.data, f.open
	f.data, f.mapped, f.open = nil, false, nil
	err := unmapFile(data)
	if open != nil {
		err = errors.Join(err, open.Close())
	}
	return err
}

// Advice tells the system how a mapping will be read.
type Advice int

// The kinds of advice.
const (
	Normal     Advice = iota
	Sequential        // read ahead, drop behind
	WillNeed          // read soon
	DontNeed          // may be dropped: it will be read again from the file
)

// Advise passes on how part of the mapping, or all of it, will be read. It is only a hint: systems without
// it do nothing.
func (f *File) Advise(a Advice) error {
	if !f.mapped {
		return nil
	}
	return advise(f.data, a)
}

// Release is Release of all of f.
func (f *File) Release() {
	_ = f.Advise(DontNeed) // a hint, as in Release
}

// Release tells the system that part of the content of a File will not be read soon: it then takes no memory,
// and is read from the file again if it is needed after all. Memory that no File maps is left alone.
func Release(part []byte) {
	if f, at := Find(part); f != nil {
		f.releaseInside(pageRange{at, at + len(part)})
	}
}

// releaseInside gives back the whole pages of a range.
func (f *File) releaseInside(r pageRange) {
	size := os.Getpagesize()
	if from, to := (r.from+size-1)&^(size-1), r.to&^(size-1); from < to {
		_ = advise(f.data[from:to], DontNeed) // a hint: without it the pages stay
	}
}

// soon is the number of bytes that ReleaseSoon gives back together.
const soon = 256 << 10

// ReleaseSoon is Release for parts of a File that are read one after the other: neighbours are given back together, since each time
// interrupts the threads on other processors, which have to forget where the pages were. Up to soon bytes stay in memory until the next.
func ReleaseSoon(part []byte) {
	f, at := Find(part)
	if f == nil {
		return
	}
	r := pageRange{at, at + len(part)}
	mappings.Lock()
	before := f.read
	if before.from < before.to && 0 <= r.from-before.to && r.from-before.to < os.Getpagesize() {
		r.from, before = before.from, pageRange{}
	}
	f.read = r
	if r.to-r.from >= soon {
		f.read = pageRange{}
	}
	mappings.Unlock()
	f.releaseInside(before)
	if r.to-r.from >= soon {
		f.releaseInside(r)
	}
}

// ErrFault is the error of memory that was mapped from a file and cannot be read any more.
var ErrFault = errors.New("mmap: a mapped file was cut short or cannot be read")

// Guard calls fn and returns its error, or ErrFault if fn reads a mapped page that has gone. It covers the
// calling goroutine only.
func Guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			if err = Fault(v); err == nil {
				panic(v)
			}
		}
	}()
	return fn()
}

// Fault returns ErrFault if the recovered value v is a fault at an address that a File covers, else nil. It
// serves those who set debug.SetPanicOnFault and recover on their own.
func Fault(v any) error {
	fault, ok := v.(interface {
		error
		Addr() uintptr
	})
	if !ok {
		return nil
	}
	mappings.Lock()
	defer mappings.Unlock()
	for _, m := range mappings.list {
		start := m.start()
		if addr := fault.Addr(); addr >= start && addr-start < uintptr(len(m.data)+pageSize) {
			return ErrFault
		}
	}
	return nil
}

// pageSize bounds how far beyond the last byte a vector load can touch a mapping.
const pageSize = 1 << 16

var mappings struct {
	sync.Mutex
	list []*File
}

func register(f *File) {
	mappings.Lock()
	defer mappings.Unlock()
	mappings.list = append(mappings.list, f)
}

func unregister(f *File) {
	mappings.Lock()
	defer mappings.Unlock()
	mappings.list = slices.DeleteFunc(mappings.list, func(m *File) bool { return m == f })
}

// Of returns a File over data in memory.
func Of(data []byte) *File { return &File{data: data} }
