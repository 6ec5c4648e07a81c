//go:build amd64 && !purego

package move

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernel{
	{"avx2", cpu.AVX2, tiles1AVX2, tiles2AVX2, tiles4AVX2, tiles8AVX2,
		[few + 1]zipFunc{nil, nil, zip2AVX2, zip3AVX2, zip4AVX2}, [few + 1]zipFunc{nil, nil, unzip2AVX2, unzip3AVX2, unzip4AVX2}},
}
