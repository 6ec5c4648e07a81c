//go:build !linux

package main

import "time"

var started = time.Now()

// processorTime is the time since the start, where this program does not know the processor's.
func processorTime() time.Duration { return time.Since(started) }
