//go:build !amd64 || purego

package attention

func archSets() []*set { return nil }
