package move

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// stridedNaive copies element by element, by index.
func stridedNaive(dst, src []byte, c Copy) {
	for i := range size(c.Dims) {
		d, s := c.DstOff, c.SrcOff
		for k := len(c.Dims) - 1; k >= 0; k-- {
			at := i % c.Dims[k]
			i /= c.Dims[k]
			d += at * c.DstStride[k]
			s += at * c.SrcStride[k]
		}
		copy(dst[d*c.Width:(d+1)*c.Width], src[s*c.Width:])
	}
}

// randomCopy makes a copy of a box out of a larger tensor, with steps, turned axes and repeats, into a part
// of another tensor with its axes in any order.
func randomCopy(r *rand.Rand) (c Copy, dstLen, srcLen int) {
	rank := 1 + r.IntN(4)
	if r.IntN(20) == 0 {
		rank = 10
	}
	c = Copy{Dims: make([]int, rank), DstStride: make([]int, rank), SrcStride: make([]int, rank), Width: []int{1, 2, 3, 4, 8, 16}[r.IntN(6)]}
	for i := range c.Dims {
		c.Dims[i] = 1 + r.IntN(6)
		if rank == 10 {
			c.Dims[i] = 1 + r.IntN(2)
		} else if r.IntN(3) == 0 {
			c.Dims[i] = 1 + r.IntN(40)
		}
	}
	dstLen, srcLen = 1, 1
	for _, i := range r.Perm(rank) {
		c.DstStride[i] = dstLen
		pad := r.IntN(3) * r.IntN(2)
		c.DstOff += dstLen * r.IntN(pad+1)
		dstLen *= c.Dims[i] + pad
	}
	for _, i := range r.Perm(rank) {
		step := 1 + r.IntN(2)*r.IntN(3)
		switch r.IntN(6) {
		case 0: // turned
			c.SrcStride[i] = -srcLen * step
			c.SrcOff += srcLen * step * (c.Dims[i] - 1)
		case 1: // repeated
			continue
		default:
			c.SrcStride[i] = srcLen * step
		}
		srcLen *= step*(c.Dims[i]-1) + 1 + r.IntN(2)
	}
	return c, dstLen * c.Width, srcLen * c.Width
}

func TestStridedRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	count := 4000
	if testing.Short() {
		count = 400 // on an emulated processor
	}
	for range count {
		c, dstLen, srcLen := randomCopy(r)
		if dstLen > 1<<21 || srcLen > 1<<21 {
			continue
		}
		src := noise(r, srcLen)
		got, two, want := make([]byte, dstLen), make([]byte, dstLen), make([]byte, dstLen)
		stridedNaive(want, src, c)
		Strided(got, src, c, 1)
		Strided(two, src, c, 2)
		if !bytes.Equal(got, want) || !bytes.Equal(two, want) {
			t.Fatalf("%+v differs", c)
		}
		if c.Width == 1 {
			clear(got)
			StridedOf(got, src, c)
			if !bytes.Equal(got, want) {
				t.Fatalf("%+v of Go values differs", c)
			}
		}
	}
}
