//go:build !linux

package measure

import "runtime"

// Resident returns the memory that Go has taken from the system, in megabytes (2^20 bytes): what the
// system counts cannot be read here.
func Resident() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys-m.HeapReleased) / (1 << 20)
}

// PeakResident returns the most memory that Go has taken from the system, in megabytes.
func PeakResident() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys) / (1 << 20)
}
