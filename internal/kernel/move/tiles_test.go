package move

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// eachKernel runs f for generic code and for every row of the table.
func eachKernel(t *testing.T, f func(t *testing.T)) {
	old := active
	defer func() { active = old }()
	for _, k := range append([]kernel{{name: "generic"}}, assembly...) {
		t.Run(k.name, func(t *testing.T) {
			if active = k; !cpu.Has(k.needs) {
				t.Skipf("move/%s: needs %v", k.name, k.needs)
			}
			f(t)
		})
	}
}

// checkTranspose compares a transpose with index arithmetic, between guards.
func checkTranspose(t *testing.T, r *rand.Rand, rows, cols, width int) {
	t.Helper()
	src, want := noise(r, rows*cols*width), noise(r, rows*cols*width+64)
	got := bytes.Clone(want)
	for i := range rows {
		for j := range cols {
			copy(want[32+(j*rows+i)*width:][:width], src[(i*cols+j)*width:])
		}
	}
	Transpose(got[32:][:len(src)], src, []int{rows, cols}, []int{1, 0}, width, 1)
	if !bytes.Equal(got, want) {
		t.Fatalf("%dx%d elements of %d bytes", rows, cols, width)
	}
}

func TestTransposeTails(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	eachKernel(t, func(t *testing.T) {
		for _, width := range []int{1, 2, 4, 8, 16} {
			for range 60 {
				checkTranspose(t, r, 10+r.IntN(60), 10+r.IntN(60), width)
			}
		}
	})
}

// TestTransposeCrowded transposes rows that lie a multiple of half a page apart on one side, on both, and nearly, as caches of few
// ways and of many want it.
func TestTransposeCrowded(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 4))
	defer func(old bool) { twelveWays = old }(twelveWays)
	eachKernel(t, func(t *testing.T) {
		for _, twelveWays = range []bool{false, true} {
			for _, width := range []int{1, 2, 4, 8, 16} {
				crowdedTransposes(t, r, width)
			}
		}
	})
}

func crowdedTransposes(t *testing.T, r *rand.Rand, width int) {
	t.Helper()
	long := 2048 / width
	counts := []int{3, 15, 16, 17, 61, 64, 83, 131}
	if testing.Short() { // on an emulated processor
		counts = []int{3, 83}
	}
	for _, n := range counts {
		for _, off := range []int{-1, 0, 1} {
			checkTranspose(t, r, n, long+off, width)
			checkTranspose(t, r, long+off, n, width)
		}
	}
	if testing.Short() && width != 4 {
		return
	}
	checkTranspose(t, r, long, long, width)
	far := 1 << 16 / width // the second-level cache, too
	for _, off := range []int{0, 1} {
		checkTranspose(t, r, 21, far+off, width)
		checkTranspose(t, r, far+off, 21, width)
	}
}

// BenchmarkCrowded moves 64 planes of 128x128 elements to the end and back, through a stage and not.
func BenchmarkCrowded(b *testing.B) {
	defer func(old bool) { twelveWays = old }(twelveWays)
	for _, rows := range []int{64, 128 * 128} {
		for _, width := range []int{1, 2, 4, 8} {
			for _, twelveWays = range []bool{false, true} {
				b.Run(fmt.Sprintf("%d rows/%d bytes/twelve ways %v", rows, width, twelveWays), func(b *testing.B) {
					n := 64 * 128 * 128
					src, dst := make([]byte, n*width), make([]byte, n*width)
					b.SetBytes(int64(len(src)))
					for b.Loop() {
						Transpose(dst, src, []int{rows, n / rows}, []int{1, 0}, width, 1)
					}
				})
			}
		}
	}
}
