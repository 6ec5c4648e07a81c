package gemm

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
)

// Number is an element type of RunOf.
type Number interface {
	~float32 | ~float64 | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// ArgsOf describes C = A*B for any element type; the fields mean what they mean in
// Args. Integers wrap around.
type ArgsOf[T Number] struct {
	M, N, K    int
	A          []T
	ARS, ACS   int
	B          []T
	BRS, BCS   int
	C          []T
	LDC        int
	Accumulate bool
	Batch      []Item
	Threads    int
}

// RunOf computes the products that a describes: float64 with the kernels of the machine, whose sums are rounded once for each
// product, the others in plain Go. float32 belongs to Run.
func RunOf[T Number](a *ArgsOf[T]) {
	if a.M <= 0 || a.N <= 0 || (a.Batch != nil && len(a.Batch) == 0) {
		return
	}
	pool := poolOf[T]()
	t, _ := pool.Get().(*taskOf[T])
	if t == nil {
		t = new(taskOf[T])
	}
	t.ArgsOf = *a
	t.check()
	t.rows = blockM
	if _, kernels := t.doubles(); kernels != nil {
		t.rows = doubleM
	}
	t.nBlocks = ceilDiv(t.N, blockN)
	t.mBlocks = ceilDiv(t.M, t.rows)
	par.Run(t.Threads, t.mBlocks*t.nBlocks*max(1, len(t.Batch)), t)
	t.ArgsOf = ArgsOf[T]{}
	pool.Put(t)
}

const (
	blockM, blockN, blockK = 64, 64, 256 // a chunk of C, and the tile of B it packs
	tileN                  = 4
)

// taskOf is one RunOf: chunks are blocks of C of so many rows and blockN columns.
type taskOf[T Number] struct {
	ArgsOf[T]
	rows             int
	mBlocks, nBlocks int
	packs            sync.Pool // of *[blockK*blockN]T
}

func (t *taskOf[T]) check() {
	var hi Item
	for _, it := range t.Batch {
		if min(it.A, it.B, it.C) < 0 {
			panic(fmt.Sprintf("gemm: want offsets >= 0, got %+v", it))
		}
		hi.A, hi.B, hi.C = max(hi.A, it.A), max(hi.B, it.B), max(hi.C, it.C)
	}
	fits("A", len(t.A), hi.A, t.M, t.K, t.ARS, t.ACS)
	fits("B", len(t.B), hi.B, t.K, t.N, t.BRS, t.BCS)
	fits("C", len(t.C), hi.C, t.M, t.N, t.LDC, 1)
}

// Chunk computes one block of C.
func (t *taskOf[T]) Chunk(i int) {
	per := t.mBlocks * t.nBlocks
	var at Item
	if t.Batch != nil {
		at = t.Batch[i/per]
	}
	m0, n0 := i%per%t.mBlocks*t.rows, i%per/t.mBlocks*blockN
	m1, n1 := min(m0+t.rows, t.M), min(n0+blockN, t.N)
	if !t.Accumulate {
		for m := m0; m < m1; m++ {
			clear(t.C[at.C+m*t.LDC+n0 : at.C+m*t.LDC+n1])
		}
	}
	if d, kernels := t.doubles(); kernels != nil {
		doubleBlock(d, kernels, at, m0, m1, n0, n1)
		return
	}
	buf, _ := t.packs.Get().(*[blockK * blockN]T)
	if buf == nil {
		buf = new([blockK * blockN]T)
	}
	for k0 := 0; k0 < t.K; k0 += blockK {
		k1 := min(k0+blockK, t.K)
		t.pack(buf[:], at.B, k0, k1, n0, n1)
		for n := n0; n < n1; n += tileN {
			panel := buf[(n-n0)*(k1-k0):][:tileN*(k1-k0)]
			for m := m0; m < m1; m++ {
				t.dot4(panel, at.A+m*t.ARS+k0*t.ACS, t.C[at.C+m*t.LDC+n:at.C+m*t.LDC+min(n+tileN, n1)])
			}
		}
	}
	t.packs.Put(buf)
}

// pack copies a tile of B to panels of tileN columns, padded with zeros.
func (t *taskOf[T]) pack(dst []T, off, k0, k1, n0, n1 int) {
	for n := n0; n < n1; n += tileN {
		w := min(tileN, n1-n)
		for k := k0; k < k1; k++ {
			row := dst[:tileN]
			dst = dst[tileN:]
			for j := range w {
				row[j] = t.B[off+k*t.BRS+(n+j)*t.BCS]
			}
			clear(row[w:])
		}
	}
}

// dot4 adds the products of a row of A, from a on, with the columns of panel to c.
func (t *taskOf[T]) dot4(panel []T, a int, c []T) {
	var s0, s1, s2, s3 T
	for len(panel) >= tileN {
		v := t.A[a]
		s0 += v * panel[0]
		s1 += v * panel[1]
		s2 += v * panel[2]
		s3 += v * panel[3]
		panel = panel[tileN:]
		a += t.ACS
	}
	s := [tileN]T{s0, s1, s2, s3}
	for j := range c {
		c[j] += s[j]
	}
}

var numberPools [10]sync.Pool

// poolOf returns the pool of tasks for one element type. Types that share an
// underlying type's slot are told apart by the caller's type assertion.
func poolOf[T Number]() *sync.Pool {
	var zero T
	switch any(zero).(type) {
	case float32:
		return &numberPools[0]
	case float64:
		return &numberPools[1]
	case int8:
		return &numberPools[2]
	case int16:
		return &numberPools[3]
	case int32:
		return &numberPools[4]
	case int64:
		return &numberPools[5]
	case uint8:
		return &numberPools[6]
	case uint16:
		return &numberPools[7]
	case uint32:
		return &numberPools[8]
	default:
		return &numberPools[9]
	}
}
