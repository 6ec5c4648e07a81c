//go:build amd64 && !purego

package move

import "github.com/onnxrun/onnxrun/internal/cpu"

var (
	zips   = [few + 1]zipFunc{nil, nil, zip2AVX2, zip3AVX2, zip4AVX2}
	unzips = [few + 1]zipFunc{nil, nil, unzip2AVX2, unzip3AVX2, unzip4AVX2}

	takes = takeTable{
		{{take8x32, take8x32Columns}, {take8x64, take8x64Columns}},
		{{take16x32, take16x32Columns}, {take16x64, take16x64Columns}},
		{{take32x32, take32x32Columns}, {take32x64, take32x64Columns}},
		{{take64x32, take64x32Columns}, {take64x64, take64x64Columns}},
	}
)

var seconds = [4]secondFunc{second1AVX2, second2AVX2, second4AVX2, second8AVX2}

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernel{
	{"avx2", cpu.AVX2, tiles1AVX2, tiles2AVX2, tiles4AVX2, tiles8AVX2, tiles8DstAVX2, true, zips, unzips, rowsAVX2, rowsFarAVX2, claimAVX2, rowsStreamAVX2, rowsAtAVX2, takes, seconds},
	{"avx512", cpu.AVX512, tiles1AVX2, tiles2AVX2, tiles4AVX512, tiles8AVX2, nil, false, zips, unzips, rowsAVX2, nil, nil, nil, rowsAtAVX2, takes, seconds},
}
