//go:build !amd64 || purego

package optim

// assembly has no rows: this architecture, or this build, has plain loops only.
var assembly []variant
