package move

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// TestBlocked transposes matrices of whole blocks and not, with rows that are crowded on either side, on both and on none, into the caches
// and past them, with one thread and two, between guards.
func TestBlocked(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	defer func(old int) { streamFrom = old }(streamFrom)
	eachKernel(t, func(t *testing.T) {
		for _, streamFrom = range []int{math.MaxInt, 0} {
			for _, width := range []int{1, 2, 4, 8} {
				for _, shape := range [][2]int{{128, 128}, {143, 144}, {145, 100}, {64, 2048 / width}, {2048 / width, 79}, {4096 / width, 512 / width}, {16, 600}, {515, 17}, {333, 111}} {
					checkTranspose(t, r, shape[0], shape[1], width)
				}
			}
		}
	})
}

// TestStreamedCopies moves heads, rows that are whole lines and not, past the caches.
func TestStreamedCopies(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 2))
	defer func(old int) { streamFrom = old }(streamFrom)
	streamFrom = 0
	eachKernel(t, func(t *testing.T) {
		for _, n := range []int{8, 16, 24, 32, 40, 48, 64, 65, 1040, 9000} {
			shape, perm := []int{2, 5, 3, n}, []int{0, 2, 1, 3}
			for _, shift := range []int{0, 4, 32} {
				src, want := noise(r, size(shape)*4), noise(r, size(shape)*4+256)
				got := bytes.Clone(want)
				transposeNaive(want[64+shift:][:len(src)], src, shape, perm, 4)
				Transpose(got[64+shift:][:len(src)], src, shape, perm, 4, 2)
				if !bytes.Equal(got, want) {
					t.Fatalf("rows of %d elements, %d bytes from a line", n, shift)
				}
			}
		}
	})
}

// TestRowKernels compares every variant of the kernels that copy rows with a copy row by row, between guards, where a row of src is the last
// of its memory.
func TestRowKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 3))
	eachKernel(t, func(t *testing.T) {
		for name, f := range map[string]rowsFunc{"far": active.rowsFar, "stream": active.rowsStream} {
			if f == nil {
				continue
			}
			for n := leastWide; n < 420; n++ {
				if name == "stream" && n%32 != 0 {
					continue
				}
				count, ds, ss := 1+r.IntN(40), (n+31)&^31+32*r.IntN(3), n+r.IntN(70)
				src := noise(r, (count-1)*ss+n)
				want := noise(r, count*ds+192)
				got := bytes.Clone(want)
				aligned := int(-uintptr(unsafe.Pointer(&got[0]))&31) + 32
				copy(got, want)
				for i := range count {
					copy(want[aligned+i*ds:][:n], src[i*ss:])
				}
				f(&got[aligned], &src[0], count, n, ds, ss)
				if !bytes.Equal(got, want) {
					t.Fatalf("%s: %d rows of %d bytes", name, count, n)
				}
			}
		}
		if active.claim != nil { // touches nothing, wherever it looks
			b := noise(r, 1000)
			active.claim(&b[0], 20, 100, 4096)
			active.claim(&b[0], 0, 100, 4096)
		}
	})
}

// BenchmarkBlocked transposes matrices of 4 MB of many shapes.
func BenchmarkBlocked(b *testing.B) {
	for _, width := range []int{1, 2, 4, 8} {
		for rows := 128; rows <= 8192; rows *= 4 {
			cols := 4 << 20 / width / rows
			b.Run(fmt.Sprintf("%d bytes/%dx%d", width, rows, cols), func(b *testing.B) {
				src, dst := noise(rand.New(rand.NewPCG(1, 1)), 4<<20), make([]byte, 4<<20)
				b.SetBytes(int64(len(src)))
				for b.Loop() {
					Transpose(dst, src, []int{rows, cols}, []int{1, 0}, width, 1)
				}
			})
		}
	}
}
