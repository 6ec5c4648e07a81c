package par

import (
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type count struct {
	hits []atomic.Int32
	do   func(i int)
}

func (c *count) Chunk(i int) {
	c.hits[i].Add(1)
	if c.do != nil {
		c.do(i)
	}
}

func newCount(n int, do func(int)) *count { return &count{make([]atomic.Int32, n), do} }

func (c *count) check(t *testing.T) {
	t.Helper()
	for i := range c.hits {
		if n := c.hits[i].Load(); n != 1 {
			t.Fatalf("chunk %d ran %d times, want once", i, n)
		}
	}
}

func TestRunEachChunkOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, threads := range []int{0, 1, 2, 3, 8} {
		for _, chunks := range []int{0, 1, 2, 3, 17, 1000} {
			c := newCount(chunks, nil)
			Run(threads, chunks, c)
			c.check(t)
		}
	}
}

func TestRunFromManyGoroutines(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 300 {
				c := newCount(9, nil)
				Run(4, 9, c)
				c.check(t)
			}
		})
	}
	wg.Wait()
}

func TestNested(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for range 50 {
		inner := make([]*count, 8)
		outer := newCount(8, func(i int) {
			inner[i] = newCount(5, nil)
			Run(4, 5, inner[i])
		})
		Run(4, 8, outer)
		outer.check(t)
		for _, c := range inner {
			c.check(t)
		}
	}
}

func TestPanicReachesCaller(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	boom := errors.New("boom")
	for at := range 8 {
		var inHelper atomic.Bool
		func() {
			defer func() {
				if v := recover(); v != boom {
					t.Errorf("panic in chunk %d arrived as %v", at, v)
				}
			}()
			Run(4, 8, newCount(8, func(i int) {
				time.Sleep(time.Millisecond)
				if i == at {
					inHelper.Store(true)
					panic(boom)
				}
			}))
			t.Errorf("panic in chunk %d was lost", at)
		}()
		if !inHelper.Load() {
			t.Errorf("chunk %d did not run", at)
		}
	}
	c := newCount(100, nil)
	Run(4, 100, c) // the pool still works
	c.check(t)
}

func TestRuntimeErrorReachesCaller(t *testing.T) {
	defer func() {
		if _, ok := recover().(runtime.Error); !ok {
			t.Error("the runtime error was lost")
		}
	}()
	var p *int
	Run(2, 4, newCount(4, func(i int) { time.Sleep(time.Millisecond); *p = i }))
}

// Goroutines begin with neighbouring chunks and take the last ones of others when their own are done.
func TestShares(t *testing.T) {
	r := &region{}
	r.deal(10, 3)
	var got [][]int
	for _, s := range []int{0, 1, 2} {
		var mine []int
		for range 2 {
			i, ok := r.shares[s].first()
			if !ok {
				t.Fatalf("share %d is over", s)
			}
			mine = append(mine, i)
		}
		got = append(got, mine)
	}
	if want := [][]int{{0, 1}, {3, 4}, {6, 7}}; !reflect.DeepEqual(got, want) {
		t.Errorf("ranges begin with %v, want %v", got, want)
	}
	var order recorder
	r.task = &order
	r.work(1)
	if want := (recorder{5, 9, 8, 2}); !slices.Equal(order, want) {
		t.Errorf("the second goroutine goes on with %v, want %v", order, want)
	}
	if a, b, c := r.own(1), r.own(1), r.own(1); a != 2 || b != 1 || c != 0 {
		t.Errorf("helpers begin with ranges %d, %d, %d, want 2, 1 and, as none is left, 0", a, b, c)
	}
}

type recorder []int

func (r *recorder) Chunk(i int) { *r = append(*r, i) }

// Chunks begin in order, whichever is asked for, each once.
func TestRunInOrder(t *testing.T) {
	var list recorder
	o := &order{task: &list}
	for _, i := range []int{3, 0, 2, 1} {
		o.Chunk(i)
	}
	if want := (recorder{0, 1, 2, 3}); !slices.Equal(list, want) {
		t.Errorf("chunks ran as %v, want %v", list, want)
	}
	for _, threads := range []int{1, 2, 7} {
		c := newCount(100, nil)
		RunInOrder(threads, 100, c)
		c.check(t)
	}
}

func TestLateHelpersAreNotAwaited(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	block := make(chan struct{})
	var started atomic.Int32
	blocked := newCount(8, func(int) { started.Add(1); <-block })
	finished := make(chan struct{})
	go func() { Run(8, 8, blocked); close(finished) }()
	for started.Load() < 8 {
		runtime.Gosched()
	}
	runtime.GOMAXPROCS(16) // room for helpers, but all seven workers are blocked
	c := newCount(5, nil)
	Run(4, 5, c)
	c.check(t)
	close(block)
	<-finished
	blocked.check(t)
}

func TestAsManyCallersAsProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var inner atomic.Int32
	Run(2, 2, newCount(2, func(int) {
		inner.Add(1)
		for inner.Load() < 2 { // both processors are in the outer loop
			runtime.Gosched()
		}
		var running, most atomic.Int32
		Run(2, 8, newCount(8, func(int) {
			most.Store(max(most.Load(), running.Add(1)))
			runtime.Gosched()
			running.Add(-1)
		}))
		if most.Load() > 1 {
			t.Error("a loop got helpers while every processor was busy")
		}
	}))
	if n := busy.Load(); n != 0 {
		t.Errorf("%d goroutines count as busy after all loops", n)
	}
}

type nothing struct{ sink [64]int }

func (n *nothing) Chunk(i int) { n.sink[i&63]++ }

func TestRunDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	task := &nothing{}
	if n := testing.AllocsPerRun(200, func() { Run(2, 16, task) }); n > 0 {
		t.Errorf("Run allocates %v times", n)
	}
}

func TestSplit(t *testing.T) {
	for _, n := range []int{0, 1, 2, 63, 64, 65, 1000, 12345, 1 << 20} {
		for _, grain := range []int{0, 1, 7, 64, 5000} {
			chunks, size := Split(n, grain)
			at := 0
			for i := range chunks {
				lo, hi := Range(i, size, n)
				if lo != at || hi <= lo {
					t.Fatalf("Split(%d, %d): chunk %d is [%d, %d), want a range from %d", n, grain, i, lo, hi, at)
				}
				at = hi
			}
			if at != n || chunks > maxChunks {
				t.Errorf("Split(%d, %d): %d chunks of %d end at %d", n, grain, chunks, size, at)
			}
		}
	}
}

// A loop that only moves memory: what several threads gain hangs on which chunks they take.
func BenchmarkStream(b *testing.B) {
	task := &stream{x: make([]float32, 1<<20), y: make([]float32, 1<<20)}
	for _, threads := range []int{1, 2} {
		b.Run(strconv.Itoa(threads), func(b *testing.B) {
			b.SetBytes(8 << 20)
			for b.Loop() {
				Run(threads, 64, task)
			}
		})
	}
}

type stream struct{ x, y []float32 }

func (s *stream) Chunk(i int) {
	lo, hi := Range(i, len(s.x)/64, len(s.x))
	copy(s.y[lo:hi], s.x[lo:hi])
}

func BenchmarkRun(b *testing.B) {
	task := &nothing{}
	for _, threads := range []int{1, 2} {
		b.Run(map[int]string{1: "inline", 2: "two"}[threads], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Run(threads, 4, task)
			}
		})
	}
}
