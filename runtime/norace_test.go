//go:build !race

package runtime_test

const poolsKeep = true
