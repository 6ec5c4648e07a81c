package gemm

import (
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/mem"
)

// doubleArgs is the argument of the kernels for float64, which compute tiles of C of r rows and doubleN columns, one below the other:
//
//	c(i, j) += sum over p in [0, k) of a(i, p) * b(p, j)
//
// for i in [0, r*tiles). Rows of b follow one another. Strides count bytes. Kernels move a and c to the last tile. The layout is known
// to the generator in _asm.
type doubleArgs struct {
	a, b, c  unsafe.Pointer // 0 8 16
	ars, acs int            // 24 32: of a
	ldc      int            // 40
	k        int            // 48: at least 1
	tiles    int            // 56: at least 1; kernels count down
}

// doubleKernels are the kernels for float64: tile[r-1] computes r rows, copyRows packs a whole panel from rows of contiguous elements.
type doubleKernels struct {
	tile     []func(*doubleArgs)
	copyRows func(*packArgs)
}

const (
	doubleM, doubleN = 96, 8 // rows that share a packed tile of B, columns of a panel of it
)

// doubleScratch is what one goroutine needs.
type doubleScratch struct {
	args doubleArgs
	pack packArgs
	b    [blockK * blockN]float64
	c    [doubleM * doubleN]float64 // the columns of a panel that is not whole
}

var doubleScratches mem.Pool[doubleScratch]

// doubles returns t and the kernels in use if there are some for its element type.
func (t *taskOf[T]) doubles() (*taskOf[float64], *doubleKernels) {
	d, ok := any(t).(*taskOf[float64])
	if !ok {
		return nil, nil
	}
	return d, selected().double
}

// doubleBlock adds a block of C, which holds what is to be added to.
func doubleBlock(t *taskOf[float64], kernels *doubleKernels, at Item, m0, m1, n0, n1 int) {
	s := doubleScratches.Get()
	a := &s.args
	a.ars, a.acs = 8*t.ARS, 8*t.ACS
	for k0 := 0; k0 < t.K; k0 += blockK {
		k1 := min(k0+blockK, t.K)
		a.k = k1 - k0
		s.packB(t, kernels, at.B, k0, k1, n0, n1)
		for n := n0; n < n1; n += doubleN {
			a.b = unsafe.Pointer(&s.b[(n-n0)*a.k])
			from, c, ldc := at.A+m0*t.ARS+k0*t.ACS, t.C[at.C+m0*t.LDC+n:], t.LDC
			w := min(doubleN, n1-n)
			if w < doubleN {
				c, ldc = s.c[:], doubleN
				clear(c)
			}
			a.ldc = 8 * ldc
			a.rows(kernels.tile, t.A[from:], c, [2]int{t.ARS, ldc}, m1-m0)
			if w < doubleN {
				for m := m0; m < m1; m++ {
					row := t.C[at.C+m*t.LDC+n:][:w]
					for j, v := range s.c[(m-m0)*doubleN:][:w] {
						row[j] += v
					}
				}
			}
		}
	}
	s.args, s.pack = doubleArgs{}, packArgs{}
	doubleScratches.Put(s)
}

// rows computes n rows with one panel in tiles that are evenly high, those of one row more first. Rows of a and c lie steps elements
// apart.
func (d *doubleArgs) rows(kernels []func(*doubleArgs), a, c []float64, steps [2]int, n int) {
	count := ceilDiv(n, len(kernels))
	h, higher := n/count, n%count
	if higher > 0 {
		d.a, d.c, d.tiles = unsafe.Pointer(&a[0]), unsafe.Pointer(&c[0]), higher
		kernels[h](d)
	}
	first := higher * (h + 1)
	d.a, d.c, d.tiles = unsafe.Pointer(&a[first*steps[0]]), unsafe.Pointer(&c[first*steps[1]]), count-higher
	kernels[h-1](d)
}

// packB copies a tile of B to panels of doubleN columns, padded with zeros.
func (s *doubleScratch) packB(t *taskOf[float64], kernels *doubleKernels, off, k0, k1, n0, n1 int) {
	k := k1 - k0
	for n := n0; n < n1; n += doubleN {
		w := min(doubleN, n1-n)
		panel, src := s.b[(n-n0)*k:][:doubleN*k], t.B[off+k0*t.BRS+n*t.BCS:]
		if t.BCS == 1 && w == doubleN {
			s.pack = packArgs{dst: unsafe.Pointer(&panel[0]), src: unsafe.Pointer(&src[0]), drs: 8 * doubleN, srs: 8 * t.BRS, kb: k}
			kernels.copyRows(&s.pack)
			continue
		}
		if t.BRS == 1 && w == doubleN {
			packDoubleColumns(panel, src, t.BCS, k)
			continue
		}
		if w < doubleN {
			clear(panel)
		}
		for j := range w {
			for i := range k {
				panel[i*doubleN+j] = src[j*t.BCS+i*t.BRS]
			}
		}
	}
}

// packDoubleColumns copies k elements of doubleN contiguous columns, which lie step elements apart, to a panel.
func packDoubleColumns(panel, src []float64, step, k int) {
	c0, c1, c2, c3 := src[:k], src[step:][:k], src[2*step:][:k], src[3*step:][:k]
	c4, c5, c6, c7 := src[4*step:][:k], src[5*step:][:k], src[6*step:][:k], src[7*step:][:k]
	for i := range k {
		row := (*[doubleN]float64)(panel[i*doubleN:])
		row[0], row[1], row[2], row[3] = c0[i], c1[i], c2[i], c3[i]
		row[4], row[5], row[6], row[7] = c4[i], c5[i], c6[i], c7[i]
	}
}
