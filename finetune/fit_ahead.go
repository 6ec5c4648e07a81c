package finetune

import (
	"context"
	"runtime"

	"github.com/onnxrun/onnxrun/internal/mem"
)

// readAheadSets is the number of sets of buffers: one that a step uses and one that is being filled.
const readAheadSets = 2

// A readSet is what one step reads: buffers that are used again, and the batches in them.
type readSet struct {
	buffers []tableBatch
	batches []Batch
	err     error
}

// A readAhead fills the batches of the next step while one is trained, in the order of the steps, so that they have the bits
// that they would have without it.
type readAhead struct {
	free, ready chan *readSet
	used        *readSet
	stop        context.CancelFunc
	done        chan struct{} // closed when the reader has ended
}

// startReading starts to read ahead from the present step on where a step reads or decodes samples. Rows in memory are only
// copied, and the frozen part shares the trainer's programs with the step: both stay in the step, as does all with one thread.
func (f *fitter) startReading(ctx context.Context) {
	if f.private != nil || f.threads == 1 || runtime.GOMAXPROCS(0) == 1 || !f.table.direct || !f.table.partial() {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	r := &readAhead{make(chan *readSet, readAheadSets), make(chan *readSet, readAheadSets), nil, stop, make(chan struct{})}
	for range readAheadSets {
		r.free <- new(readSet)
	}
	f.ahead = r
	go f.readSteps(ctx, r, f.state.Step)
}

// readSteps fills sets for the steps from the given one to the last.
func (f *fitter) readSteps(ctx context.Context, r *readAhead, step int) {
	defer close(r.done)
	for ; step < f.total; step++ {
		select {
		case <-ctx.Done():
			return
		case s := <-r.free:
			s.err = f.read(ctx, step, s)
			mem.CollectBeyond(mostGarbage)
			r.ready <- s // has room for all sets
			if s.err != nil {
				return
			}
		}
	}
}

// next returns the batches of the next step, which are valid until the call after it.
func (r *readAhead) next(ctx context.Context) ([]Batch, error) {
	if r.used != nil {
		r.free <- r.used
		r.used = nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r.used = <-r.ready:
		return r.used.batches, r.used.err
	}
}

// close ends the reader and waits for it.
func (r *readAhead) close() {
	r.stop()
	<-r.done
}

// partial reports whether some rows are not kept.
func (b *table) partial() bool {
	for _, r := range b.rows {
		if r == nil {
			return true
		}
	}
	return false
}
