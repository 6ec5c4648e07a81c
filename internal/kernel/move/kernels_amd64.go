//go:build amd64 && !purego

package move

import "github.com/onnxrun/onnxrun/internal/cpu"

var (
	zips   = [few + 1]zipFunc{nil, nil, zip2AVX2, zip3AVX2, zip4AVX2}
	unzips = [few + 1]zipFunc{nil, nil, unzip2AVX2, unzip3AVX2, unzip4AVX2}
)

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernel{
	{"avx2", cpu.AVX2, tiles1AVX2, tiles2AVX2, tiles4AVX2, tiles8AVX2, zips, unzips, rowsAVX2},
	{"avx512", cpu.AVX512, tiles1AVX2, tiles2AVX2, tiles4AVX512, tiles8AVX2, zips, unzips, rowsAVX2},
}
