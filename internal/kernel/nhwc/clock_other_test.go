//go:build !linux

package nhwc

import "time"

var started = time.Now()

// clock returns the time since some moment.
func clock() time.Duration { return time.Since(started) }
