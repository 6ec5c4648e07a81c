//go:build !linux

package measure

import "time"

var started = time.Now()

// ThreadTime returns the time since some moment: the processor's own cannot be read here.
func ThreadTime() time.Duration { return time.Since(started) }

// ProcessTime returns the time since some moment: the processor's own cannot be read here.
func ProcessTime() time.Duration { return time.Since(started) }
