package par

import (
	"runtime"
	"runtime/debug"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// ensure starts workers until there are n of them or GOMAXPROCS.
func ensure(n int) {
	if int(workers.Load()) >= n {
		return
	}
	n = min(n, Default())
	for {
		have := workers.Load()
		if int(have) >= n {
			return
		}
		if workers.CompareAndSwap(have, have+1) {
			go worker(int(have))
		}
	}
}

// worker serves offers. It ends only when a chunk calls runtime.Goexit.
func worker(number int) {
	defer workers.Add(-1)
	debug.SetPanicOnFault(true) // a fault on a mapped page becomes a panic, which Run carries on
	for {
		o, ok := poll()
		if !ok {
			o = <-queue
		}
		if o.r.join(o.gen) {
			o.r.help(number)
		}
	}
}

// spinIdle bounds how often a worker looks for the next loop before it parks: some 50
// microseconds, a gap between two steps of a model. Waking a parked worker takes that
// long too. Now and then the worker lets other goroutines go first.
const (
	spinIdle  = 1 << 11
	spinYield = 1 << 9
)

func poll() (offer, bool) {
	for i := range spinIdle {
		if len(queue) > 0 {
			select {
			case o := <-queue:
				return o, true
			default:
			}
		}
		if i%spinYield == spinYield-1 {
			runtime.Gosched()
		}
		cpu.Pause()
	}
	return offer{}, false
}

// help works in the region and turns a panic into the region's failure.
func (r *region) help(worker int) {
	defer r.leave()
	defer func() {
		if v := recover(); v != nil {
			r.failed.CompareAndSwap(nil, &failure{v})
			r.drop()
		}
	}()
	r.work(r.own(worker))
}
