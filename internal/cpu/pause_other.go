//go:build !amd64 || purego

package cpu

// Pause waits for some tens of nanoseconds, in a loop that looks again and again for what another processor does.
func Pause() {
	for range 64 { // the compiler keeps empty loops
	}
}
