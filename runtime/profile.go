package runtime

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// A Profile records how long the nodes of a session take. Give one to Options.Profile; it may be read while
// the session runs.
type Profile struct {
	mu     sync.Mutex
	nodes  []*NodeTime
	events []Event
	start  time.Time
	trace  atomic.Bool
}

// A NodeTime is the time that one node took, over all runs.
type NodeTime struct {
	Path string // the node's name, or its first output's
	Op   string // operator, with its domain if that is not ai.onnx

	calls, nanos, least atomic.Int64
	work                atomic.Pointer[ops.Work]
}

// Work returns what a call has to do: the first since Reset.
func (n *NodeTime) Work() ops.Work {
	if w := n.work.Load(); w != nil {
		return *w
	}
	return ops.Work{}
}

// Calls returns how often the node ran.
func (n *NodeTime) Calls() int { return int(n.calls.Load()) }

// Total returns the time of all calls.
func (n *NodeTime) Total() time.Duration { return time.Duration(n.nanos.Load()) }

// Least returns the time of the fastest call.
func (n *NodeTime) Least() time.Duration { return time.Duration(n.least.Load()) }

// An Event is one call of one node, for traces.
type Event struct {
	Node        *NodeTime
	Start, Time time.Duration // Start counts from the call of Trace
}

// Nodes returns the records in the order in which nodes were compiled.
func (p *Profile) Nodes() []*NodeTime {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.nodes)
}

// Trace starts or stops the recording of single calls. Starting forgets earlier events.
func (p *Profile) Trace(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on {
		p.events, p.start = nil, time.Now()
	}
	p.trace.Store(on)
}

// Events returns the calls recorded since Trace.
func (p *Profile) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// Reset forgets all times.
func (p *Profile) Reset() {
	for _, n := range p.Nodes() {
		n.calls.Store(0)
		n.nanos.Store(0)
		n.least.Store(0)
		n.work.Store(nil)
	}
}

func (p *Profile) wrap(n *graph.Node, k *ops.Kernel) func(*ops.Call) error {
	t := &NodeTime{Path: n.Path(), Op: n.Type}
	if n.Domain != "" {
		t.Op = n.Domain + ":" + n.Type
	}
	p.mu.Lock()
	p.nodes = append(p.nodes, t)
	p.mu.Unlock()
	return func(c *ops.Call) error {
		start := time.Now()
		err := k.Run(c)
		d := time.Since(start)
		if err == nil && t.work.Load() == nil {
			w := n.Op.WorkOf(k, c)
			t.work.Store(&w)
		}
		t.calls.Add(1)
		t.nanos.Add(int64(d))
		if l := t.least.Load(); l == 0 || int64(d) < l {
			t.least.Store(int64(d))
		}
		if p.trace.Load() {
			p.mu.Lock()
			p.events = append(p.events, Event{Node: t, Start: start.Sub(p.start), Time: d})
			p.mu.Unlock()
		}
		return err
	}
}
