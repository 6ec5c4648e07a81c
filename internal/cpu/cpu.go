// Package cpu says which vector instructions kernels may use. It is the only
// importer of klauspost/cpuid and imports nothing else outside the standard
// library.
//
// The set is what the processor and the operating system both support
// (vector and tile state enabled in XCR0), changed by the environment variable
// ONNXRUN_CPU. Its value is a comma-separated list, read from left to right:
//
//	generic, avx2, avx512, neon   at most the features of that level
//	-name                         without this feature and those that need it
//	+name                         with this feature, if the processor has it
//
// A plus sign adds a feature that CPUID denies only in a test binary (the
// program's name ends in ".test"), which is how kernels run under an emulator.
// With the build tag purego the set is always empty.
package cpu

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

var (
	detected Feature
	problem  string
	active   atomic.Uint64
)

func init() {
	detected = detect()
	f, bad := parse(os.Getenv("ONNXRUN_CPU"), detected, testBinary(os.Args))
	problem = bad
	active.Store(uint64(f))
}

// Has reports whether every feature of f may be used.
func Has(f Feature) bool { return Feature(active.Load())&f == f }

// Features returns the set in use.
func Features() Feature { return Feature(active.Load()) }

// Detected returns what the processor and the operating system offer, before
// ONNXRUN_CPU is applied.
func Detected() Feature { return detected }

// Problem describes the words of ONNXRUN_CPU that were ignored; it is empty when
// there were none.
func Problem() string { return problem }

// Set replaces the set in use and returns a function that restores the former
// one. It is meant for tests; callers must not run kernels meanwhile, and must
// not set features that the machine (or its emulator) lacks.
func Set(f Feature) (undo func()) {
	old := active.Swap(uint64(f))
	return func() { active.Store(old) }
}

// testBinary reports whether args belong to a program built by go test.
func testBinary(args []string) bool {
	if len(args) == 0 {
		return false
	}
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	return strings.HasSuffix(name, ".test")
}

// parse applies the words of env to the set have. Features outside have are
// added only when force is set.
func parse(env string, have Feature, force bool) (Feature, string) {
	f := have
	var bad []string
	for word := range strings.SplitSeq(env, ",") {
		word = strings.ToLower(strings.TrimSpace(word))
		name := strings.TrimLeft(word, "+-")
		bit, known := byName(name)
		switch {
		case word == "":
		case word == "generic":
			f = 0
		case !known:
			bad = append(bad, word)
		case word[0] == '-':
			f = without(f, bit)
		case word[0] == '+' && (force || have&bit == bit):
			f |= bit | closure(bit)
		case word[0] == '+':
			bad = append(bad, word)
		default:
			f &= closure(bit) | bit
		}
	}
	return f, strings.Join(bad, ",")
}
