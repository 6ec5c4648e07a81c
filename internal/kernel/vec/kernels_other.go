//go:build !amd64 || purego

package vec

// assembly has no rows: this architecture, or this build, has generic kernels only.
var assembly []kernels
