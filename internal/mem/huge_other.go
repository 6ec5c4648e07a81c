//go:build !linux

package mem

import "time"

func threadTime() time.Duration { return 0 }

func adviseHuge(_, _ uintptr) {}

func take([]byte) {}

func discard(_, _ uintptr) bool { return false }
