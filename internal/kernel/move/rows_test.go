package move

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestRows compares rows of every length with a copy byte by byte, which also shows what is written beyond them.
func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	src := make([]byte, 4096)
	for i := range src {
		src[i] = byte(r.Uint32())
	}
	eachKernel(t, func(t *testing.T) {
		for n := 1; n <= mostRow+260; n++ {
			count := 1 + r.IntN(5)
			ds, ss := n+r.IntN(9), r.IntN(2)*(n+r.IntN(9)) // a source of stride 0 is repeated
			got := bytes.Repeat([]byte{0x5a}, (count-1)*ds+n+8)
			want := bytes.Clone(got)
			for i := range count * n {
				want[i/n*ds+i%n] = src[i/n*ss+i%n]
			}
			if Rows(got, src, count, n, ds, ss); !bytes.Equal(got, want) {
				t.Fatalf("%d rows of %d bytes, %d and %d apart, differ", count, n, ds, ss)
			}
		}
	})
	Rows(nil, nil, 0, 4, 4, 4)
	Rows(nil, nil, 4, 0, 4, 4)
}

func TestRowsRefuseToReachBeyond(t *testing.T) {
	for _, c := range [][5]int{{64, 63, 2, 32, 32}, {63, 64, 2, 32, 32}, {64, 64, 2, 32, -32}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was copied", c)
				}
			}()
			Rows(make([]byte, c[0]), make([]byte, c[1]), c[2], c[3], c[4], 32)
		}()
	}
}

// BenchmarkRows concatenates two tensors of rows of the given bytes.
func BenchmarkRows(b *testing.B) {
	for _, n := range []int{20, 48, 64, 128, 256} {
		b.Run(fmt.Sprintf("byte/4096x%d", n), func(b *testing.B) {
			src, dst := make([]byte, 4096*n), make([]byte, 4096*2*n)
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				Rows(dst[n:], src, 4096, n, 2*n, n)
			}
		})
	}
}
