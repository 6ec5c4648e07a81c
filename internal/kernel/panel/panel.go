// Package panel writes rows of float32 as columns of panels, the form in which kernels want weights: a transposition in
// which the elements of a row may go anywhere.
//
// It imports internal/cpu only.
package panel

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

//go:generate go -C _asm run . -out ../zpanel_amd64.s -pkg panel

// Order says where the elements of a row go: element k to the place at[k], or nowhere if that is negative.
type Order struct {
	at  []int32
	end int // behind the last place
}

// NewOrder makes an order of places. It keeps the slice.
func NewOrder(at []int32) Order {
	o := Order{at: at}
	for _, p := range at {
		o.end = max(o.end, int(p)+1)
	}
	return o
}

// Interleaved is the order that makes rows of [outer, inner] elements columns of [inner, outer, width] ones.
func Interleaved(outer, inner, width int) Order {
	at := make([]int32, outer*inner)
	for i := range outer {
		for j := range inner {
			at[i*inner+j] = int32((j*outer + i) * width)
		}
	}
	return NewOrder(at)
}

// First is the order of the first n elements of a row, of which the last goes farthest.
func (o Order) First(n int) Order {
	if n == 0 {
		return Order{}
	}
	return Order{o.at[:n], int(o.at[n-1]) + 1}
}

// Args describe what Write does, in elements, for r in [0, Count), j in [0, Rows) and each element k of Order that goes somewhere:
//
//	Dst[r*DstStep+Order[k]+j] = Src[r*SrcStep+j*RowStep+k]
type Args struct {
	Dst, Src                []float32
	Order                   Order
	Rows, RowStep           int
	Count, DstStep, SrcStep int
}

const (
	// callK and callElems bound the elements of a row, and of all repetitions of it, that one call takes: what all rows write
	// of them stays in the first-level cache until each line is complete.
	callK, callElems = 256, 1024
)

// call is the argument of a kernel; steps count bytes. Its layout is known to the generator in _asm.
type call struct {
	dst, src         unsafe.Pointer // 0 8
	at               unsafe.Pointer // 16
	n                int            // 24
	rowStep          int            // 32
	count            int            // 40
	dstStep, srcStep int            // 48 56
}

// calls holds arguments of kernels, which escape: kernels are called through pointers.
var calls = sync.Pool{New: func() any { return new(call) }}

// kernel is one row of the table of variants: columns handles that many rows.
type kernel struct {
	name    string
	needs   cpu.Feature
	rows    int
	columns func(c *call)
}

// Write transposes. Arguments that reach outside the slices panic.
func Write(a *Args) {
	n := len(a.Order.at)
	if a.Count <= 0 || a.Rows <= 0 || n == 0 {
		return
	}
	if a.DstStep < 0 || a.SrcStep < 0 || a.RowStep < 0 || (a.Count-1)*a.SrcStep+(a.Rows-1)*a.RowStep+n > len(a.Src) ||
		a.Order.end > 0 && (a.Count-1)*a.DstStep+a.Order.end-1+a.Rows > len(a.Dst) {
		panic(fmt.Sprintf("panel: %d times %d rows of %d elements reach outside of %d elements, or places up to %d outside of %d", a.Count, a.Rows, n, len(a.Src), a.Order.end, len(a.Dst)))
	}
	if a.Order.end == 0 {
		return
	}
	c := calls.Get().(*call)
	each := max(1, callElems/min(n, callK))
	for r := 0; r < a.Count; r += each {
		for k := 0; k < n; k += callK {
			a.part(c, r, min(r+each, a.Count), k, min(k+callK, n))
		}
	}
	*c = call{}
	calls.Put(c)
}

// part writes elements [k0, k1) of repetitions [r0, r1).
func (a *Args) part(c *call, r0, r1, k0, k1 int) {
	j := 0
	for _, k := range assembly {
		for ; cpu.Has(k.needs) && j+k.rows <= a.Rows; j += k.rows {
			*c = call{
				dst: unsafe.Pointer(unsafe.SliceData(a.Dst[r0*a.DstStep+j:])), src: unsafe.Pointer(&a.Src[r0*a.SrcStep+j*a.RowStep+k0]),
				at: unsafe.Pointer(&a.Order.at[k0]), n: k1 - k0, rowStep: 4 * a.RowStep,
				count: r1 - r0, dstStep: 4 * a.DstStep, srcStep: 4 * a.SrcStep,
			}
			k.columns(c)
		}
	}
	if j < a.Rows {
		a.generic(r0, r1, k0, k1, j)
	}
}

// generic writes the rows from the given one on: what kernels compute for theirs.
func (a *Args) generic(r0, r1, k0, k1, from int) {
	for r := r0; r < r1; r++ {
		for j := from; j < a.Rows; j++ {
			src := a.Src[r*a.SrcStep+j*a.RowStep:][k0:k1]
			dst := a.Dst[r*a.DstStep+j:]
			for k, p := range a.Order.at[k0:k1] {
				if p >= 0 {
					dst[p] = src[k]
				}
			}
		}
	}
}
