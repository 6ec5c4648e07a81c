//go:build race

package runtime_test

// The race detector makes sync.Pool drop what it is given now and then.
const poolsKeep = false
