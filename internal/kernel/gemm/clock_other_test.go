//go:build !linux

package gemm

import "time"

var started = time.Now()

// clock returns the time since some moment.
func clock() time.Duration { return time.Since(started) }
