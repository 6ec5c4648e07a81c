package mem

import (
	"runtime"
	"sync/atomic"
	"time"
)

const (
	hugePage = 2 << 20
	mostly   = hugePage / 4 * 3 // bytes of a huge page that make up for the rest lying idle
)

// hugeBytes returns storage of at least n bytes that starts with a huge page, and ends with one if mostly are used.
func hugeBytes(n int) []byte {
	if tail := n & (hugePage - 1); tail >= mostly {
		n += hugePage - tail
	}
	return alignedBytes(n, hugePage)
}

// hugePart returns which part of the fresh storage b, which reaches to its capacity, should be in huge pages: of the pages
// that begin in the first n bytes those that will be filled, with these bytes or with more that follow.
func hugePart(b []byte, n, more int) (first, last int) {
	first = int(-address(b) & (hugePage - 1))
	if first >= n {
		return first, first
	}
	last = first + (n-first)&^(hugePage-1)
	if n-last+more >= mostly {
		last += hugePage
	}
	return first, max(first, min(last, first+(cap(b)-first)&^(hugePage-1)))
}

// preferHuge asks for huge pages in hugePart: for the first, which is taken to see how long that lasts, and unless it lasts long
// for the others.
func preferHuge(b []byte, n, more int) {
	first, last := hugePart(b, n, more)
	if first == last || delays.Load() >= maxDelays {
		return
	}
	start := address(b) + uintptr(first)
	adviseHuge(start, hugePage)
	switch {
	case touch(&b[first]) > delay:
		delays.Add(1)
	case last-first > hugePage:
		adviseHuge(start+hugePage, uintptr(last-first-hugePage))
	}
}

// touch writes a zero and returns for how long that kept the processor busy: on a machine with other work to do, time
// also passes while the thread waits for its turn.
func touch(x *byte) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := threadTime()
	*x = 0
	return threadTime() - begin
}

// Finding a huge page takes the system a tenth of a millisecond, or many of them where it has to move other pages for
// it. Three such delays, and ordinary pages are faster.
const (
	delay     = 2 * time.Millisecond
	maxDelays = 3
)

var delays atomic.Int32
