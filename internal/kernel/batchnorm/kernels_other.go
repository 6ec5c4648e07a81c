//go:build !amd64 || purego

package batchnorm

// assembly has no rows: this architecture, or this build, has generic code only.
var assembly []kernels
