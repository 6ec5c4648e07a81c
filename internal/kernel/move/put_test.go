package move

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPut compares elements put into rows and into columns with a loop; some indices are equal, negative or out of range.
func TestPut(t *testing.T) {
	putOf[int32](t)
	putOf[int64](t)
}

func putOf[I Index](t *testing.T) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	for round := range 200 {
		count, n := r.IntN(20), 1+r.IntN(9)
		stride := r.IntN(2) * (count + r.IntN(3))
		dst := make([]int, max(n, (n-1)*stride+count))
		if stride == 0 {
			dst = dst[:n]
		}
		src, index, bad := make([]int, count), make([]I, count), -1
		want := slices.Clone(dst)
		for i := range index {
			src[i], index[i] = i+1, I(r.IntN(2*n)-n)
			if round%4 == 0 && bad < 0 && r.IntN(9) == 0 {
				index[i], bad = I(n-(2*n+1)*r.IntN(2)), i
			}
			if at := (int(index[i]) + n) % n; bad < 0 && stride == 0 {
				want[at] = src[i]
			} else if bad < 0 {
				want[at*stride+i] = src[i]
			}
		}
		if at := Put(dst, src, index, n, stride); at != bad || !slices.Equal(dst, want) {
			t.Fatalf("%v into %d, stride %d: stopped at %d with %v, want %d with %v", index, n, stride, at, dst, bad, want)
		}
	}
}

// TestOffsets compares the positions of tuples with sums over the axes.
func TestOffsets(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 100 {
		axes, count, block := make([]int, r.IntN(4)), r.IntN(9), 1+r.IntN(3)
		for k := range axes {
			axes[k] = 1 + r.IntN(6)
		}
		index, got, want := make([]int64, count*len(axes)), make([]int, count), make([]int, count)
		for i := range want {
			for k, n := range axes {
				v := r.IntN(n)
				want[i] = want[i]*n + v
				index[i*len(axes)+k] = int64(v - n*r.IntN(2))
			}
			want[i] *= block
		}
		if !Offsets(got, index, axes, block) || !slices.Equal(got, want) {
			t.Fatalf("tuples %v of %v: got %v, want %v", index, axes, got, want)
		}
		if len(index) > 0 {
			k := r.IntN(len(index))
			index[k] = int64(axes[k%len(axes)])
			if r.IntN(2) == 0 {
				index[k] = -index[k] - 1
			}
			if Offsets(got, index, axes, block) {
				t.Fatalf("tuples %v of %v are out of range", index, axes)
			}
		}
	}
}
