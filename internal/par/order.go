package par

import (
	"sync"
	"sync/atomic"
)

// RunInOrder is Run for chunks that are to begin in their order, such as the largest first, whichever goroutine takes them.
func RunInOrder(threads, chunks int, t Task) {
	o := orders.Get().(*order)
	o.task = t
	o.next.Store(0)
	defer func() {
		o.task = nil
		orders.Put(o)
	}()
	Run(threads, chunks, o)
}

// order gives the chunks of a task the place of those that are next.
type order struct {
	next atomic.Int64
	task Task
}

var orders = sync.Pool{New: func() any { return new(order) }}

// Chunk implements Task.
func (o *order) Chunk(int) { o.task.Chunk(int(o.next.Add(1) - 1)) }
