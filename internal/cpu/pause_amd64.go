//go:build !purego

package cpu

// Pause waits for some tens of nanoseconds, in a loop that looks again and again for what another processor does: the
// instruction leaves the core to its other hardware thread meanwhile.
func Pause()
