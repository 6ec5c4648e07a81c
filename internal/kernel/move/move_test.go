package move

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// transposeNaive finds each element of the result by its indices.
func transposeNaive(dst, src []byte, shape, perm []int, width int) {
	for i := range size(shape) {
		rest, off := i, 0
		for k := len(perm) - 1; k >= 0; k-- {
			n := shape[perm[k]]
			at := rest % n
			rest /= n
			off += at * size(shape[perm[k]+1:])
		}
		copy(dst[i*width:(i+1)*width], src[off*width:(off+1)*width])
	}
}

func TestTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1500 {
		rank := r.IntN(5)
		if r.IntN(30) == 0 {
			rank = 11
		}
		shape, perm := make([]int, rank), r.Perm(rank)
		for i := range shape {
			shape[i] = 1 + r.IntN(5)
			if rank == 11 {
				shape[i] = 1 + r.IntN(2)
			}
		}
		if rank > 0 && rank < 5 {
			shape[r.IntN(rank)] = 1 + r.IntN(70)
			shape[r.IntN(rank)] = 1 + r.IntN(20)
		}
		for _, width := range []int{1, 2, 3, 4, 8, 16} {
			src := noise(r, size(shape)*width)
			got, want := make([]byte, len(src)), make([]byte, len(src))
			transposeNaive(want, src, shape, perm, width)
			Transpose(got, src, shape, perm, width, 1+r.IntN(2))
			if !bytes.Equal(got, want) {
				t.Fatalf("shape %v perm %v width %d differs", shape, perm, width)
			}
			if width == 1 {
				TransposeOf(got, src, shape, perm)
				if !bytes.Equal(got, want) {
					t.Fatalf("TransposeOf: shape %v perm %v differs", shape, perm)
				}
			}
		}
	}
}

func TestTransposeLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct{ shape, perm []int }{
		{[]int{300, 517}, []int{1, 0}},
		{[]int{3, 129, 200}, []int{0, 2, 1}},
		{[]int{4, 30, 12, 64}, []int{0, 2, 1, 3}},
		{[]int{4, 30, 12, 65}, []int{0, 2, 3, 1}},
		{[]int{40, 3, 64, 7}, []int{3, 1, 0, 2}},
	} {
		for _, width := range []int{1, 2, 4, 8, 16} {
			src := noise(r, size(c.shape)*width)
			one, two, want := make([]byte, len(src)), make([]byte, len(src)), make([]byte, len(src))
			transposeNaive(want, src, c.shape, c.perm, width)
			Transpose(one, src, c.shape, c.perm, width, 1)
			Transpose(two, src, c.shape, c.perm, width, 2)
			if !bytes.Equal(one, want) || !bytes.Equal(two, want) {
				t.Errorf("shape %v perm %v width %d differs", c.shape, c.perm, width)
			}
		}
	}
}

func TestStrided(t *testing.T) {
	src := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	dst := make([]byte, 6)
	// Rows 2 and 0 of a 3x4 matrix, columns 3, 2, 1.
	Strided(dst, src, Copy{Dims: []int{2, 3}, DstStride: []int{3, 1}, SrcStride: []int{-8, -1}, SrcOff: 11, Width: 1}, 1)
	if want := []byte{11, 10, 9, 3, 2, 1}; !bytes.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
	// One row spread over two.
	Strided(dst, src, Copy{Dims: []int{2, 3}, DstStride: []int{3, 1}, SrcStride: []int{0, 1}, Width: 1}, 1)
	if want := []byte{0, 1, 2, 0, 1, 2}; !bytes.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
	Reverse(dst, src[:6], 1, 3, 2, 1, 1)
	if want := []byte{4, 5, 2, 3, 0, 1}; !bytes.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
	Fill(dst, []byte{7, 8, 9})
	if want := []byte{7, 8, 9, 7, 8, 9}; !bytes.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
}

func TestGather(t *testing.T) {
	src := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	dst := make([]byte, 8)
	if err := Gather(dst, src, []int64{-1, 0}, 2, 3, 2, 2); err != nil {
		t.Fatal(err)
	}
	if want := []byte{4, 5, 0, 1, 10, 11, 6, 7}; !bytes.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
	for _, bad := range []int32{3, -4, 1 << 30} {
		if err := Gather(dst, src, []int32{bad, 0}, 2, 3, 2, 1); err == nil {
			t.Errorf("index %d is taken", bad)
		}
	}
}

func TestGatherWidths(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, block := range []int{1, 2, 3, 4, 8, 16, 40, 4096} {
		const outer, axis = 3, 11
		index := make([]int64, 29)
		for i := range index {
			index[i] = int64(r.IntN(2*axis) - axis)
		}
		src := noise(r, outer*axis*block)
		got, two, want := make([]byte, outer*len(index)*block), make([]byte, outer*len(index)*block), make([]byte, outer*len(index)*block)
		if err := GatherOf(want, src, index, outer, axis, block); err != nil {
			t.Fatal(err)
		}
		if err := Gather(got, src, index, outer, axis, block, 1); err != nil {
			t.Fatal(err)
		}
		if err := Gather(two, src, index, outer, axis, block, 2); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) || !bytes.Equal(two, want) {
			t.Errorf("blocks of %d bytes differ", block)
		}
	}
	if err := Gather(nil, nil, []int64{}, 2, 0, 4, 1); err != nil {
		t.Error(err)
	}
	if err := Gather(make([]byte, 4), nil, []int64{0}, 1, 0, 4, 1); err == nil {
		t.Error("an index into nothing is taken")
	}
}

// TestTiles checks every variant of the tile kernels against generic Go, between guard bytes.
func TestTiles(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, k := range assembly {
		t.Run(k.name, func(t *testing.T) {
			if cpu.Detected()&k.needs != k.needs {
				t.Skipf("move/%s: needs %v", k.name, k.needs)
			}
			tilesAgainst(t, r, k.tiles1, transposeTiles[uint8], 1)
			tilesAgainst(t, r, k.tiles2, transposeTiles[uint16], 2)
			tilesAgainst(t, r, k.tiles4, transposeTiles[uint32], 4)
			tilesAgainst(t, r, k.tiles8, transposeTiles[uint64], 8)
			tilesAgainst(t, r, k.tiles8Dst, transposeTiles[uint64], 8)
		})
	}
}

func tilesAgainst(t *testing.T, r *rand.Rand, tiles tilesFunc, loop func(dp, sp unsafe.Pointer, along, across, dstStride, srcStride int), width int) {
	t.Helper()
	if tiles == nil {
		return
	}
	for count := range 5 {
		for _, pad := range []int{0, 4, 36} {
			ds, ss := count*16*width+pad, 16*width+pad
			src := noise(r, count*16*ss+64)
			got := bytes.Repeat([]byte{0xa5}, 16*ds+128)
			want := bytes.Clone(got)
			tiles(&got[61], &src[3], count, ds, ss)
			loop(unsafe.Pointer(&want[61]), unsafe.Pointer(&src[3]), 16*count, 16, ds, ss)
			if !bytes.Equal(got, want) {
				t.Fatalf("%d tiles of %d bytes, strides %d and %d differ", count, width, ds, ss)
			}
		}
	}
}

func TestReachPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a copy past the end is carried out")
		}
	}()
	Strided(make([]byte, 4), make([]byte, 4), Copy{Dims: []int{3}, DstStride: []int{1}, SrcStride: []int{2}, Width: 1}, 1)
}

func BenchmarkSlice(b *testing.B) {
	src, dst := make([]byte, 64), make([]byte, 16)
	dims, ds, ss := []int{2, 2}, []int{2, 1}, []int{8, 1}
	for b.Loop() {
		Strided(dst, src, Copy{Dims: dims, DstStride: ds, SrcStride: ss, SrcOff: 1, Width: 4}, 1)
	}
}

func BenchmarkTranspose(b *testing.B) {
	for _, c := range []struct{ shape, perm []int }{
		{[]int{1, 64, 64, 256}, []int{0, 2, 3, 1}},
		{[]int{1024, 1024}, []int{1, 0}},
		{[]int{1, 128, 12, 64}, []int{0, 2, 1, 3}},
		{[]int{1, 12, 128, 64}, []int{0, 1, 3, 2}},
		{[]int{1, 3, 224, 224}, []int{0, 2, 3, 1}},
	} {
		for _, width := range []int{1, 4} {
			b.Run(fmt.Sprint(c.shape, c.perm, width), func(b *testing.B) {
				n := size(c.shape)
				src, dst := make([]byte, n*width), make([]byte, n*width)
				for b.Loop() {
					Transpose(dst, src, c.shape, c.perm, width, 1)
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
			})
		}
	}
}

// TestTransposeFew transposes a few rows to rows of a few elements, and back.
func TestTransposeFew(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 8))
	for rows := 1; rows <= few+1; rows++ {
		for _, cols := range []int{1, 2, 7, 8, 9, 16, 31, 64, 100, 8*4096 + 21} {
			for _, width := range []int{4, 8} {
				src := noise(r, 2*rows*cols*width)
				for _, shape := range [][]int{{2, rows, cols}, {2, cols, rows}} {
					want, got := make([]byte, len(src)), noise(r, len(src)+64)
					after := bytes.Clone(got[len(src):])
					transposeNaive(want, src, shape, []int{0, 2, 1}, width)
					Transpose(got[:len(src)], src, shape, []int{0, 2, 1}, width, 1)
					if !bytes.Equal(got[:len(src)], want) || !bytes.Equal(got[len(src):], after) {
						t.Fatalf("%v, width %d: wrong", shape, width)
					}
				}
			}
		}
	}
}
