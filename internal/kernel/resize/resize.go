// Package resize holds the kernels that resample a box of elements along some of its axes: nearest neighbour for elements of
// any type, and weighted sums (linear, cubic, antialiased) for floats, one axis after the other.
//
// Slices in, slices out. It imports internal/par, internal/kernel/move, internal/kernel/vec and internal/kernel/window.
package resize

import "slices"

// Float is the element type of weighted sums.
type Float interface{ ~float32 | ~float64 }

// Table says how one axis is resampled: output o is the sum over t of Weight[o*Taps+t] times input Index[o*Taps+t]. With
// Taps 1 and no weights, outputs are copies. Outputs marked in Outside get the extrapolation value.
type Table[T Float] struct {
	In, Out int
	Taps    int
	Index   []int
	Weight  []T
	Outside []bool // nil: none
}

// Identity reports whether the axis stays as it is.
func (t *Table[T]) Identity() bool {
	if t.In != t.Out || t.Outside != nil || t.Taps != 1 {
		return false
	}
	for o, i := range t.Index {
		if o != i || t.Weight != nil && t.Weight[o] != 1 {
			return false
		}
	}
	return true
}

// IdentityTable is the table of an axis that is not resampled.
func IdentityTable[T Float](n int) Table[T] {
	t := Table[T]{In: n, Out: n, Taps: 1, Index: make([]int, n)}
	for i := range t.Index {
		t.Index[i] = i
	}
	return t
}

// A Box is a resampling of all axes of a tensor. It is immutable.
type Box[T Float] struct {
	Tables  []Table[T]
	Outside T // the extrapolation value

	lead     int // product of the leading axes that stay as they are
	passes   []pass
	in, out  int // elements of one box behind them
	scratch  int // elements of the intermediate results
	anywhere bool
	byRows   bool // see rowwise
}

// pass resamples one axis of [outer, In, inner].
type pass struct{ axis, outer, inner int }

// NewBox prepares a resampling. Axes that shrink most come first: that keeps intermediate results small. Of equals the last
// axis, which takes elements one by one, comes where there are fewest: last when shrinking, first when growing.
func NewBox[T Float](tables []Table[T], outside T) *Box[T] {
	b := &Box[T]{Tables: tables, Outside: outside, lead: 1, in: 1, out: 1}
	first := 0
	for first < len(tables) && tables[first].Identity() {
		b.lead *= tables[first].Out
		first++
	}
	dims := make([]int, len(tables))
	var order []int
	for i := first; i < len(tables); i++ {
		dims[i] = tables[i].In
		b.in *= tables[i].In
		b.out *= tables[i].Out
		if !tables[i].Identity() {
			order = append(order, i)
		}
		b.anywhere = b.anywhere || tables[i].Outside != nil
	}
	slices.SortStableFunc(order, func(i, j int) int {
		grow := func(i int) float64 { return float64(tables[i].Out) / float64(max(1, tables[i].In)) }
		if gi, gj := grow(i), grow(j); gi != gj {
			if gi < gj {
				return -1
			}
			return 1
		}
		if grow(i) < 1 {
			return i - j
		}
		return j - i
	})
	for n, i := range order {
		p := pass{axis: i, outer: 1, inner: 1}
		for _, d := range dims[first:i] {
			p.outer *= d
		}
		for _, d := range dims[i+1:] {
			p.inner *= d
		}
		dims[i] = tables[i].Out
		b.passes = append(b.passes, p)
		if n < len(order)-1 {
			b.scratch = max(b.scratch, p.outer*p.inner*dims[i])
		}
	}
	b.byRows = b.rowwise()
	return b
}
