//go:build amd64 && !purego

package move

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernel{
	{"avx2", cpu.AVX2, tiles4AVX2},
}
