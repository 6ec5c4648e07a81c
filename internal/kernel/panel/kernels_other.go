//go:build !amd64 || purego

package panel

// assembly has no rows: this architecture, or this build, has generic code only.
var assembly []kernel
