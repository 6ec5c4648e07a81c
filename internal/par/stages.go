package par

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// StagedTask is the body of a sequence of loops each of which needs the results of the one before, as the steps of a
// recurrence do. Part is called once for every part of every stage.
type StagedTask interface {
	Part(stage, part int)
}

// Stages calls t.Part for all parts of stage 0, then for all parts of stage 1 and so on, on at most threads goroutines,
// which stay over all stages: between two of them passes a fraction of a microsecond. A goroutine begins each stage with
// the same part, whose data it finds in its caches, and then does what nobody has begun. With threads or parts below two
// it is a plain loop.
func Stages(threads, stages, parts int, t StagedTask) {
	if threads <= 1 || parts <= 1 {
		for s := range stages {
			for p := range parts {
				t.Part(s, p)
			}
		}
		return
	}
	s := sequences.Get().(*sequence)
	s.task, s.stages = t, stages
	for len(s.begun) < parts {
		s.begun = append(s.begun, new(counter))
	}
	s.parts = parts
	Run(threads, parts, s)
	s.reset()
	sequences.Put(s)
}

// sequence is a running Stages, a Task whose chunks are the goroutines.
type sequence struct {
	task          StagedTask
	stages, parts int
	begun         []*counter // stages that have been begun, of each part
	done          counter    // parts that are done, of all stages
	failed        atomic.Bool
}

// counter lies on a cache line of its own.
type counter struct {
	atomic.Int64
	_ [56]byte
}

var sequences = sync.Pool{New: func() any { return new(sequence) }}

func (s *sequence) reset() {
	s.task = nil
	s.done.Store(0)
	s.failed.Store(false)
	for _, b := range s.begun {
		b.Store(0)
	}
}

// Chunk takes part in all stages that are not over.
func (s *sequence) Chunk(own int) {
	ok := false
	defer func() {
		if !ok {
			s.failed.Store(true) // a part has panicked: nobody waits for it
		}
	}()
	for stage := int(s.done.Load()) / s.parts; stage < s.stages; stage++ {
		if !s.await(int64(stage * s.parts)) {
			break
		}
		for i := range s.parts {
			part := (own + i) % s.parts
			if s.begun[part].CompareAndSwap(int64(stage), int64(stage+1)) {
				s.task.Part(stage, part)
				s.done.Add(1)
			}
		}
	}
	ok = true
}

// await waits until n parts are done. It reports false if that will not be.
func (s *sequence) await(n int64) bool {
	for i := 1; s.done.Load() < n; i++ {
		if i%spinYield == 0 {
			if s.failed.Load() {
				return false
			}
			runtime.Gosched()
		}
		cpu.Pause()
	}
	return true
}
