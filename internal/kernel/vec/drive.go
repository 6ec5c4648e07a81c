package vec

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
)

// grain is the number of result elements in one chunk of parallel work. It does not depend on the
// number of threads.
const grain = 1 << 14

// Up to serial elements, waking another thread costs more than it gains.
const serial = 1 << 15

// Map applies a one-input kernel to contiguous slices on up to threads threads.
func Map[D, S any](dst []D, x []S, f func(dst []D, x []S), threads int) {
	if len(dst) <= serial || threads <= 1 {
		f(dst, x[:len(dst)])
		return
	}
	pool := poolOf[mapTask[D, S]]()
	t := pool.Get().(*mapTask[D, S])
	*t = mapTask[D, S]{dst, x, f}
	par.Run(threads, chunks(len(dst)), t)
	*t = mapTask[D, S]{}
	pool.Put(t)
}

type mapTask[D, S any] struct {
	dst []D
	x   []S
	f   func(dst []D, x []S)
}

func (t *mapTask[D, S]) Chunk(i int) {
	lo, hi := chunk(i, len(t.dst))
	t.f(t.dst[lo:hi], t.x[lo:hi])
}

// Broadcast1 applies a one-input kernel to the rows of a plan made by Plan1. The kernel must take inputs of
// length 1 as scalars, unless the plan is known not to broadcast.
func Broadcast1[D, A any](p *Plan, dst []D, a []A, f func(dst []D, a []A), threads int) {
	n := p.n
	if p.rank == 0 || p.rank == 1 && (n <= serial || threads <= 1) {
		if n > 0 {
			f(dst[:n], whole(p, 0, a))
		}
		return
	}
	pool := poolOf[task1[D, A]]()
	t := pool.Get().(*task1[D, A])
	*t = task1[D, A]{p: *p, dst: dst[:n], a: a, f: f}
	par.Run(threads, chunks(n), t)
	*t = task1[D, A]{}
	pool.Put(t)
}

type task1[D, A any] struct {
	p   Plan
	dst []D
	a   []A
	f   func(dst []D, a []A)
}

func (t *task1[D, A]) Chunk(i int) {
	lo, hi := chunk(i, len(t.dst))
	var c cursor
	var a spreadBuf[A]
	c.start(&t.p, lo, hi)
	for more := true; more; more = c.next() {
		dst, x := resultOf(&c, t.dst), stripOf(&c, 0, t.a, &a)
		for i := range c.count {
			t.f(dst.panel(i), x.panel(i))
		}
	}
	a.free()
}

// Broadcast2 applies a two-input kernel to the rows of a plan made by Plan2. The kernel must take inputs of
// length 1 as scalars, as all kernels of this package do.
func Broadcast2[D, A, B any](p *Plan, dst []D, a []A, b []B, f func(dst []D, a []A, b []B), threads int) {
	n := p.n
	if p.rank == 0 || p.rank == 1 && (n <= serial || threads <= 1) {
		if n > 0 {
			f(dst[:n], whole(p, 0, a), whole(p, 1, b))
		}
		return
	}
	pool := poolOf[task2[D, A, B]]()
	t := pool.Get().(*task2[D, A, B])
	*t = task2[D, A, B]{p: *p, dst: dst[:n], a: a, b: b, f: f}
	par.Run(threads, chunks(n), t)
	*t = task2[D, A, B]{}
	pool.Put(t)
}

type task2[D, A, B any] struct {
	p   Plan
	dst []D
	a   []A
	b   []B
	f   func(dst []D, a []A, b []B)
}

func (t *task2[D, A, B]) Chunk(i int) {
	lo, hi := chunk(i, len(t.dst))
	var c cursor
	var a spreadBuf[A]
	var b spreadBuf[B]
	c.start(&t.p, lo, hi)
	for more := true; more; more = c.next() {
		dst, x, y := resultOf(&c, t.dst), stripOf(&c, 0, t.a, &a), stripOf(&c, 1, t.b, &b)
		for i := range c.count {
			t.f(dst.panel(i), x.panel(i), y.panel(i))
		}
	}
	a.free()
	b.free()
}

// Broadcast3 applies a three-input kernel, such as Where, to the rows of a plan made by Plan3. The kernel
// must take inputs of length 1 as scalars.
func Broadcast3[D, A, B, C any](p *Plan, dst []D, a []A, b []B, c []C, f func(dst []D, a []A, b []B, c []C), threads int) {
	n := p.n
	if p.rank == 0 || p.rank == 1 && (n <= serial || threads <= 1) {
		if n > 0 {
			f(dst[:n], whole(p, 0, a), whole(p, 1, b), whole(p, 2, c))
		}
		return
	}
	pool := poolOf[task3[D, A, B, C]]()
	t := pool.Get().(*task3[D, A, B, C])
	*t = task3[D, A, B, C]{p: *p, dst: dst[:n], a: a, b: b, c: c, f: f}
	par.Run(threads, chunks(n), t)
	*t = task3[D, A, B, C]{}
	pool.Put(t)
}

type task3[D, A, B, C any] struct {
	p   Plan
	dst []D
	a   []A
	b   []B
	c   []C
	f   func(dst []D, a []A, b []B, c []C)
}

func (t *task3[D, A, B, C]) Chunk(i int) {
	lo, hi := chunk(i, len(t.dst))
	var cur cursor
	var a spreadBuf[A]
	var b spreadBuf[B]
	var c spreadBuf[C]
	cur.start(&t.p, lo, hi)
	for more := true; more; more = cur.next() {
		dst, x, y, z := resultOf(&cur, t.dst), stripOf(&cur, 0, t.a, &a), stripOf(&cur, 1, t.b, &b), stripOf(&cur, 2, t.c, &c)
		for i := range cur.count {
			t.f(dst.panel(i), x.panel(i), y.panel(i), z.panel(i))
		}
	}
	a.free()
	b.free()
	c.free()
}

// whole returns the part of input k that a plan of at most one dimension walks.
func whole[T any](p *Plan, k int, x []T) []T {
	if p.rank == 0 || p.fixed[0].stride[k] == 0 {
		return x[:1]
	}
	return x[:p.n]
}

func chunks(n int) int { return (n + grain - 1) / grain }

func chunk(i, n int) (lo, hi int) { return i * grain, min(n, (i+1)*grain) }

// poolOf returns the pool of task values of type T.
func poolOf[T any]() *sync.Pool {
	key := any((*T)(nil))
	if p, ok := pools.Load(key); ok {
		return p.(*sync.Pool)
	}
	p, _ := pools.LoadOrStore(key, &sync.Pool{New: func() any { return new(T) }})
	return p.(*sync.Pool)
}

var pools sync.Map // nil pointer of the task type -> *sync.Pool
