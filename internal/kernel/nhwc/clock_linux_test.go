package nhwc

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock returns the processor time of the calling thread: other programs do not count.
func clock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
