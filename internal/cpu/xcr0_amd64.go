//go:build !purego

package cpu

// xcr0 returns the low half of extended control register 0, which says what
// vector state the operating system saves. The processor must have OSXSAVE, as
// every one with AVX that cpuid reports.
func xcr0() uint32
