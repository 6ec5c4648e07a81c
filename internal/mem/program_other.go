//go:build !linux

package mem

// ReleaseProgram does nothing here.
func ReleaseProgram() {}
