//go:build !linux

package opt_test

import "time"

var started = time.Now()

// clock returns the time since some moment.
func clock() time.Duration { return time.Since(started) }
