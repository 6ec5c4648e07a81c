package par

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// staged counts the calls of each part.
type staged struct {
	parts int
	hits  []atomic.Int32
	do    func(stage, part int)
}

func newStaged(stages, parts int, do func(stage, part int)) *staged {
	return &staged{parts, make([]atomic.Int32, stages*parts), do}
}

func (s *staged) Part(stage, part int) {
	if s.do != nil {
		s.do(stage, part)
	}
	s.hits[stage*s.parts+part].Add(1)
}

func TestStagesInOrder(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, threads := range []int{1, 2, 3, 8} {
		for _, parts := range []int{0, 1, 2, 5} {
			const stages = 200
			var s *staged
			s = newStaged(stages, parts, func(stage, part int) {
				for i := range stage * parts {
					if s.hits[i].Load() != 1 {
						t.Errorf("stage %d begins before part %d of stage %d is done", stage, i%parts, i/parts)
					}
				}
				if part == 1 && stage%50 == 0 {
					time.Sleep(time.Millisecond) // the others go on with what is left, then wait
				}
			})
			Stages(threads, stages, parts, s)
			for i := range s.hits {
				if n := s.hits[i].Load(); n != 1 {
					t.Fatalf("%d threads: part %d of stage %d ran %d times", threads, i%parts, i/parts, n)
				}
			}
		}
	}
}

func TestStagesFromManyGoroutines(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 50 {
				s := newStaged(20, 3, nil)
				Stages(3, 20, 3, s)
				for i := range s.hits {
					if s.hits[i].Load() != 1 {
						t.Error("a part did not run once")
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestPanicInStageReachesCaller(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	boom := errors.New("boom")
	for at := range 3 {
		func() {
			defer func() {
				if v := recover(); v != boom {
					t.Errorf("panic in part %d arrived as %v", at, v)
				}
			}()
			Stages(3, 5, 3, newStaged(5, 3, func(stage, part int) {
				time.Sleep(100 * time.Microsecond)
				if stage == 2 && part == at {
					panic(boom)
				}
			}))
			t.Errorf("panic in part %d was lost", at)
		}()
	}
	s := newStaged(10, 3, nil)
	Stages(3, 10, 3, s) // the pool still works
	for i := range s.hits {
		if s.hits[i].Load() != 1 {
			t.Fatal("a part did not run once after a panic")
		}
	}
}

type idleStages struct{ sink [8]int }

func (x *idleStages) Part(_, part int) { x.sink[part]++ }

func TestStagesDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	x := &idleStages{}
	if n := testing.AllocsPerRun(100, func() { Stages(2, 20, 2, x) }); n > 0 {
		t.Errorf("Stages allocates %v times", n)
	}
}

func BenchmarkStages(b *testing.B) {
	x := &idleStages{}
	b.ReportAllocs()
	for b.Loop() {
		Stages(2, 100, 2, x)
	}
}
