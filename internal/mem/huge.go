package mem

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/onnxrun/onnxrun/internal/measure"
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
	if last < n && n-last+more >= mostly { // a page that begins behind the first n bytes may be in use
		last += hugePage
	}
	return first, max(first, min(last, first+(cap(b)-first)&^(hugePage-1)))
}

// preferHuge takes the huge pages of hugePart one after the other, which costs what their first use would, until one takes
// the system long; then ordinary pages for the first n bytes, all at once.
func preferHuge(b []byte, n, more int) {
	first, last := hugePart(b, n, more)
	if first == last {
		return
	}
	runtime.LockOSThread() // for ThreadTime
	defer runtime.UnlockOSThread()
	at := first
	for ; at < last && !ordinary.now(); at += hugePage {
		adviseHuge(address(b)+uintptr(at), hugePage)
		ordinary.after(touch(b[at:cap(b)]))
	}
	if at < min(last, n) {
		TakeOrdinary(b[at:n], nil)
	}
}

// Enlarge puts huge pages, as with Bytes, in the place of those of b, which came from Ordinary. What b held is lost.
func Enlarge(b []byte) {
	if len(b) < hugePage {
		return
	}
	first, last := hugePart(b, len(b), 0)
	runtime.LockOSThread() // for ThreadTime
	defer runtime.UnlockOSThread()
	for at := first; at < last && !ordinary.now(); at += hugePage {
		start := address(b) + uintptr(at)
		if !discard(start, hugePage) {
			return
		}
		adviseHuge(start, hugePage)
		ordinary.after(touch(b[at:cap(b)]))
	}
}

// worthTaking is the number of bytes from which on one request for all pages is better than to find them missing one by one.
const worthTaking = 64 << 10

// touch writes a zero and returns for how long that kept the processor busy: on a machine with other work to do, time
// also passes while the thread waits for its turn.
func touch(b []byte) time.Duration {
	begin := measure.ThreadTime()
	b[0] = 0
	return measure.ThreadTime() - begin
}

// A pause is a time in which ordinary pages are taken. Finding a huge page takes the system a tenth of a millisecond, or many
// of them where it has to move other pages for it, or where a virtual machine has handed it back to its host: then ordinary
// pages, which were in use a moment ago, are faster. So a page that took long is followed by a pause of many times as long.
type pause struct{ end atomic.Int64 } // nanoseconds after began

const (
	delay    = 2 * time.Millisecond
	perDelay = 20 // a pause by the delay before it: huge pages cost at most a 20th of the time
)

var (
	began    = time.Now()
	ordinary pause
)

func (p *pause) now() bool { return int64(time.Since(began)) < p.end.Load() }

// after notes how long a huge page took.
func (p *pause) after(took time.Duration) {
	if took > delay {
		p.end.Store(int64(time.Since(began) + perDelay*took))
	}
}
