package resize

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// rowwise reports whether two passes can be made for one row of the front axis after the other, so that the intermediate result is
// a few rows and not a box: the other axis has rows of elements behind it, as the width of a map with its channels last, and if that axis
// comes first, what a row of the result is made of are neighbours, and the intermediate result is not small beside the result. The bits
// are those of pass after pass.
func (b *Box[T]) rowwise() bool {
	if len(b.passes) != 2 {
		return false
	}
	front, inner, innerFirst := b.frontAndInner()
	if inner.inner == 1 {
		return false
	}
	t := &b.Tables[front.axis]
	if innerFirst && t.Out >= smallPart*t.In {
		return false
	}
	for o := 0; innerFirst && o < t.Out; o++ {
		lo, hi := t.In, 0
		for _, at := range t.Index[o*t.Taps:][:t.Taps] {
			lo, hi = min(lo, at), max(hi, at)
		}
		if hi-lo >= t.Taps {
			return false
		}
	}
	return true
}

// frontAndInner returns both passes of a box by their axes, and whether the inner one comes first. Of the inner pass outer is that of one
// row of the front axis.
func (b *Box[T]) frontAndInner() (front, inner pass, innerFirst bool) {
	front, inner = b.passes[0], b.passes[1]
	rows := b.Tables[front.axis].Out
	if front.axis > inner.axis {
		front, inner, innerFirst = inner, front, true
		rows = b.Tables[front.axis].In
	}
	inner.outer /= max(1, rows)
	return front, inner, innerFirst
}

const (
	// smallPart is a growth that leaves so small an intermediate result that making some of its rows twice, where chunks begin, is not worth
	// saving it.
	smallPart = 4
	// tapRows times the taps, as the input's rows are counted, is the least that a chunk makes: it begins with as many rows as there are taps.
	tapRows = 6
)

// rowTask is a running resampling by rows; chunks are ranges of the rows of all boxes' results.
type rowTask[T Float] struct {
	b            *Box[T]
	x, y         []T
	front, inner pass
	innerFirst   bool
	size         int
	bufs         sync.Pool // of *rowBuf[T]
}

// rowBuf holds rows of the intermediate result: row i of the input in slot i modulo the number of slots.
type rowBuf[T Float] struct {
	rows []T
	held []int // the row in each slot, -1: none
	at   []int // slots
}

var (
	rowTasks32 = sync.Pool{New: func() any { return new(rowTask[float32]) }}
	rowTasks64 = sync.Pool{New: func() any { return new(rowTask[float64]) }}
)

// runRows resamples x to y row by row.
func (b *Box[T]) runRows(threads int, x, y []T) {
	pool := &rowTasks32
	if unsafe.Sizeof(T(0)) == 8 {
		pool = &rowTasks64
	}
	t := pool.Get().(*rowTask[T])
	t.b, t.x, t.y = b, x, y
	t.front, t.inner, t.innerFirst = b.frontAndInner()
	table := &b.Tables[t.front.axis]
	least := grain/max(1, b.out/table.Out) + 1
	if t.innerFirst {
		least = max(least, tapRows*table.Taps*((table.Out+table.In-1)/table.In))
	}
	var chunks int
	chunks, t.size = par.Split(b.lead*table.Out, least)
	par.Run(threads, chunks, t)
	t.b, t.x, t.y = nil, nil, nil
	pool.Put(t)
}

// buffer returns memory for a number of slots of n elements.
func (t *rowTask[T]) buffer(slots, n int) *rowBuf[T] {
	buf, _ := t.bufs.Get().(*rowBuf[T])
	if buf == nil {
		buf = new(rowBuf[T])
	}
	if len(buf.rows) < slots*n {
		buf.rows = make([]T, slots*n)
	}
	if len(buf.held) < slots {
		buf.held, buf.at = make([]int, slots), make([]int, slots)
	}
	return buf
}

// Chunk resamples a range of rows.
func (t *rowTask[T]) Chunk(i int) {
	b := t.b
	s := window.GetScratch(0)
	defer s.Release()
	table := &b.Tables[t.front.axis]
	lo, hi := par.Range(i, t.size, b.lead*table.Out)
	row := b.out / table.Out
	if !t.innerFirst {
		buf := t.buffer(1, t.front.inner)
		for r := lo; r < hi; r++ {
			mid := buf.rows[:t.front.inner]
			b.row(s, t.front.axis, t.x[r/table.Out*b.in:][:b.in], mid, nil, r%table.Out)
			b.pass(s, t.inner, mid, t.y[r*row:][:row], 0, t.inner.outer*b.Tables[t.inner.axis].Out)
		}
		t.bufs.Put(buf)
		return
	}
	buf := t.buffer(table.Taps, row)
	for r := lo; r < hi; r++ {
		o := r % table.Out
		if r == lo || o == 0 {
			for k := range buf.held {
				buf.held[k] = -1
			}
		}
		t.fill(s, buf, table, t.x[r/table.Out*b.in:][:b.in], o)
		b.row(s, t.front.axis, buf.rows, t.y[r*row:][:row], buf.at[:table.Taps], o)
	}
	t.bufs.Put(buf)
}

// fill sees to it that buf holds the rows of the intermediate result that output row o is made of, and sets buf.at to where.
func (t *rowTask[T]) fill(s *window.Scratch, buf *rowBuf[T], table *Table[T], x []T, o int) {
	b := t.b
	in, row := b.in/table.In, b.out/table.Out
	for k, from := range table.Index[o*table.Taps:][:table.Taps] {
		slot := from % table.Taps
		buf.at[k] = slot
		if buf.held[slot] != from {
			b.pass(s, t.inner, x[from*in:][:in], buf.rows[slot*row:][:row], 0, t.inner.outer*b.Tables[t.inner.axis].Out)
			buf.held[slot] = from
		}
	}
}

// row computes row o of an axis that the rows of x are along, of which at tells those to take if the table does not.
func (b *Box[T]) row(s *window.Scratch, axis int, x, y []T, at []int, o int) {
	t := &b.Tables[axis]
	if at == nil {
		at = t.Index[o*t.Taps:][:t.Taps]
	}
	if t.Outside != nil && t.Outside[o] {
		fill(y, b.Outside)
		return
	}
	t.row(s, x, y, at, o)
}
