package mem

import (
	"runtime"
	"slices"
	"sync"
	"unsafe"
)

// A Pool keeps what goroutines work with between uses, as sync.Pool does, but no more than were in use at once: a sync.Pool has a
// place for each processor, and a goroutine that comes to another one leaves its memory behind and takes new. A goroutine gets what
// it had last, which its processor's cache may still hold, unless another one has it. What two collections of garbage find unused is
// dropped. The zero Pool gives new(T) first.
type Pool[T any] struct {
	New func() *T

	mu      sync.Mutex
	idle    []pooled[T] // in the order of their return
	age     int         // collections of garbage while watched
	watched bool        // it is one of watch.pools
}

type pooled[T any] struct {
	x     *T
	stack uintptr // of the goroutine that had it
	age   int     // of the pool at its return
}

// stackShift makes the address of a variable a number of its goroutine, mostly: small stacks lie at multiples of their size.
const stackShift = 13

// Get returns what is the caller's until it calls Put, in the state in which it came back.
func (p *Pool[T]) Get() *T {
	var here byte
	stack := uintptr(unsafe.Pointer(&here)) >> stackShift
	p.mu.Lock()
	if last := len(p.idle) - 1; last >= 0 {
		at := last
		for i := range p.idle {
			if p.idle[i].stack == stack {
				at = i
			}
		}
		x := p.idle[at].x
		copy(p.idle[at:], p.idle[at+1:])
		p.idle[last] = pooled[T]{}
		p.idle = p.idle[:last]
		p.mu.Unlock()
		return x
	}
	p.mu.Unlock()
	if p.New != nil {
		return p.New()
	}
	return new(T)
}

// Put gives x back. The caller must not use it any more.
func (p *Pool[T]) Put(x *T) {
	var here byte
	p.mu.Lock()
	p.idle = append(p.idle, pooled[T]{x, uintptr(unsafe.Pointer(&here)) >> stackShift, p.age})
	first := !p.watched
	p.watched = true
	p.mu.Unlock()
	if first {
		watchPool(p)
	}
}

// Drop forgets what nobody uses at present.
func (p *Pool[T]) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.idle)
	p.idle = p.idle[:0]
}

// collected drops what has not been used since the collection before, and reports whether anything is left.
func (p *Pool[T]) collected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.age++
	n := 0
	for n < len(p.idle) && p.idle[n].age+2 <= p.age {
		n++
	}
	left := copy(p.idle, p.idle[n:])
	clear(p.idle[left:])
	p.idle = p.idle[:left]
	p.watched = left > 0
	return p.watched
}

// watch are the pools that keep something. One object that nothing refers to tells all of them of the next collection of garbage.
var watch struct {
	sync.Mutex
	pools []interface{ collected() bool }
	armed bool
}

func watchPool(p interface{ collected() bool }) {
	watch.Lock()
	defer watch.Unlock()
	watch.pools = append(watch.pools, p)
	arm()
}

func arm() {
	if !watch.armed {
		watch.armed = true
		runtime.AddCleanup(new(*byte), func(int) { tellPools() }, 0)
	}
}

func tellPools() {
	watch.Lock()
	defer watch.Unlock()
	watch.pools = slices.DeleteFunc(watch.pools, func(p interface{ collected() bool }) bool { return !p.collected() })
	if watch.armed = false; len(watch.pools) > 0 {
		arm()
	}
}
