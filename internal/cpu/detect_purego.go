//go:build purego

package cpu

func detect() Feature { return 0 }

// Brand returns the processor's name, or "unknown".
func Brand() string { return "unknown" }

// Caches returns the sizes in bytes of the first-level data cache, the second and
// the third level as one core sees them; unknown sizes are 0.
func Caches() (l1, l2, l3 int) { return 0, 0, 0 }

// SplitsZMM reports whether the processor runs arithmetic on 512 bits as two halves (Zen 4):
// then 256-bit kernels compute as fast, and load twice as many vectors in a cycle.
func SplitsZMM() bool { return false }
