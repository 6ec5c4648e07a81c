package mem

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestPool takes and returns on many goroutines, two at once: no more than two are made, however often they move between processors.
func TestPool(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var made atomic.Int64
	p := Pool[int]{New: func() *int { made.Add(1); return new(int) }}
	turn := make(chan struct{}, 2)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			turn <- struct{}{}
			x := p.Get()
			*x++
			runtime.Gosched()
			p.Put(x)
			<-turn
		})
	}
	all.Wait()
	if n := made.Load(); n > 2 {
		t.Errorf("%d were made for two goroutines at once", n)
	}
	sum := 0
	for len(p.idle) > 0 {
		sum += *p.Get()
	}
	if sum != 100 {
		t.Errorf("%d uses were counted, want 100", sum)
	}
}

// TestPoolSame returns what two goroutines have, one by one: each gets its own again.
func TestPoolSame(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var p Pool[int]
	other, done := make(chan *int), make(chan *int)
	deepen(0)
	mine := p.Get()
	go func() {
		deepen(0)
		x := p.Get()
		other <- x
		<-other
		p.Put(x)
		other <- x
		<-other
		done <- p.Get()
	}()
	theirs := <-other
	p.Put(mine)
	other <- nil
	<-other
	if again := p.Get(); again != mine {
		t.Error("another one than before")
	}
	other <- nil
	if <-done != theirs {
		t.Error("another one than before on the other goroutine")
	}
}

// deepen gives the goroutine a stack as large as those of workers, which have 8 KB or more for themselves.
func deepen(n int) int {
	var room [64]int
	if n < 100 {
		room[n%64] = deepen(n + 1)
	}
	return room[n%64] + n
}

// TestPoolCollected waits for collections of garbage: what is not used goes, what is in use stays.
func TestPoolCollected(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var p Pool[int]
	x, y := p.Get(), p.Get()
	p.Put(x)
	p.Put(y)
	idle := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.idle)
	}
	collect := func() {
		before := func() int { p.mu.Lock(); defer p.mu.Unlock(); return p.age }
		age := before()
		runtime.GC()
		for deadline := time.Now().Add(10 * time.Second); before() == age; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the pool does not notice a collection")
			}
		}
	}
	collect()
	if n := idle(); n != 2 {
		t.Fatalf("%d are left after one collection, want 2", n)
	}
	p.Put(p.Get())
	collect()
	if n := idle(); n != 1 {
		t.Errorf("%d are left after two collections, of which one was used between, want 1", n)
	}
}

// TestPoolAllocates nothing once things are there.
func TestPoolAllocates(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var p Pool[int]
	if n := testing.AllocsPerRun(100, func() { p.Put(p.Get()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
