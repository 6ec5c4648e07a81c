package mmap

import (
	"cmp"
	"os"
	"slices"
	"unsafe"
)

// Keep gives back the memory of a mapping but for the parts of it, which will be read often: their pages become copies that the
// process owns. Reading a page that it does not own brings in others around it, up to megabytes, for as long as the file is mapped.
// Parts that are given back later are read from the file again, as before. Systems that cannot copy only give back, and so does Keep
// where the parts lie in more than mostRanges ranges of pages.
func (f *File) Keep(parts [][]byte) {
	if !f.mapped {
		return
	}
	var ranges []pageRange
	if Copies() {
		ranges = f.pages(parts)
	}
	if len(ranges) > mostRanges {
		ranges = nil
	}
	at := 0
	for _, r := range ranges {
		release(f.data[at:r.from])
		copyPages(f.data[r.from:r.to])
		at = r.to
	}
	release(f.data[at:])
}

// mostRanges bounds the ranges of a mapping that are copied: each becomes two mappings more, of which Linux grants a process 65530.
const mostRanges = 1 << 12

func release(pages []byte) {
	if len(pages) > 0 {
		_ = advise(pages, DontNeed) // a hint
	}
}

// pageRange is a range of a mapping: of whole pages, the last of which may end with it, but in ReleaseSoon.
type pageRange struct{ from, to int }

// pages returns the pages that hold those of the parts that lie in f, in order and apart.
func (f *File) pages(parts [][]byte) (list []pageRange) {
	page := os.Getpagesize()
	var all []pageRange
	for _, b := range parts {
		if start := uintptr(unsafe.Pointer(unsafe.SliceData(b))); len(b) > 0 && f.holds(start, len(b)) {
			at := int(start - f.start())
			all = append(all, pageRange{at &^ (page - 1), min((at+len(b)+page-1)&^(page-1), len(f.data))})
		}
	}
	slices.SortFunc(all, func(a, b pageRange) int { return cmp.Compare(a.from, b.from) })
	for _, r := range all {
		if n := len(list); n > 0 && r.from <= list[n-1].to {
			list[n-1].to = max(list[n-1].to, r.to)
		} else {
			list = append(list, r)
		}
	}
	return list
}
