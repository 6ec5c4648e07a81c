package conform_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
)

var (
	blocksFirst = flag.Uint64("blocks-first", 1, "seed of the first model of TestBlocks")
	blocksCount = flag.Int("blocks-count", 60, "models that TestBlocks makes")
)

// TestBlocks makes models of blocks and runs each in many ways, which have to agree with the graph as it is written, and most of
// them with each other to the last bit. More of them: go test ./internal/conform -run TestBlocks -args -blocks-first 1000 -blocks-count 5000
func TestBlocks(t *testing.T) {
	ran, count := 0, blockCount(1, 10)
	for seed := *blocksFirst; seed < *blocksFirst+uint64(count); seed++ {
		m := newBlockModel(seed)
		c, err := newBlockRuns(m, seed, t.TempDir())
		if err != nil {
			t.Logf("seed %d (%v) does not run as it is written: %v", seed, m, err)
			continue
		}
		ran++
		m.report(t, seed, append(c.compare(), m.slopes(c.model, c.in, seed)...))
	}
	if t.Logf("%d of %d models ran", ran, count); ran < count*9/10 {
		t.Errorf("too few models ran")
	}
}

// blockCount returns how many models a test makes that makes one for so many of TestBlocks, and at most short if it is to be short.
func blockCount(part, short int) int {
	count := *blocksCount / part
	if testing.Short() {
		return min(count, short)
	}
	return count
}

// report tells what differed between runs of m, if anything did.
func (m *blockModel) report(t *testing.T, seed uint64, found []string) {
	t.Helper()
	if len(found) > 0 {
		t.Errorf("seed %d (%v): %d differences\n    %s\n  %s", seed, m, len(found), strings.Join(found[:min(len(found), 4)], "\n    "), strings.Join(m.log, "; "))
	}
}

// blockRuns compares the runs of one model.
type blockRuns struct {
	m     *blockModel
	seed  uint64
	dir   string
	model []byte
	in    []values // of each run: the first inputs, and then others, of another size where sizes are open
	want  []values // of the graph as it is written, on one thread
	bits  []values // of the optimised graph
	found []string
}

// runOrder says which inputs are run one after the other in a session.
var runOrder = []int{0, 0, 0, 1, 0, 1}

// newBlockRuns runs a model as it is written.
func newBlockRuns(m *blockModel, seed uint64, dir string) (*blockRuns, error) {
	c := &blockRuns{m: m, seed: seed, dir: dir, model: m.encode()}
	batches := []int{1 + int(seed%4)}
	if seed%6 == 0 {
		batches = []int{0, batches[0]} // nothing, where that is possible
	}
	for _, n := range batches {
		c.in = []values{m.fill(-1, seed), m.fill(n, seed+1)}
		var err error
		if c.want, err = runs(c.model, runtime.Options{NoOptimize: true, Threads: 1}, c.in...); len(c.want) == 0 {
			return nil, err
		}
		if len(c.want) == 2 {
			return c, nil
		}
	}
	// the other sizes are impossible
	c.in, c.want = append(c.in[:1], c.in[0]), append(c.want, c.want[0])
	return c, nil
}

func (c *blockRuns) say(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

// compare runs the model in every way and says what differs.
func (c *blockRuns) compare() []string {
	c.check("1 thread", runtime.Options{Threads: 1}, true)
	if c.bits == nil {
		return c.found
	}
	c.check("2 threads", runtime.Options{Threads: 2}, true)
	c.check("prepacked", runtime.Options{Threads: 2, Prepack: true}, true)
	c.check("cache, cold", runtime.Options{Threads: 1, Cache: c.dir}, true)
	c.check("cache", runtime.Options{Threads: 1, Cache: c.dir}, true)
	c.check("exact", runtime.Options{Threads: 2, Precision: runtime.Exact}, false)
	skip := skipped(c.seed)
	c.check("without "+skip, runtime.Options{Threads: 2, Skip: []string{skip}}, false)
	for name, open := range fileModes(c.m, c.dir) {
		c.equal(name, open, false)
	}
	c.reuse()
	c.equal("together", func() (*runtime.Session, error) { return runtime.OpenBytes(c.model, &runtime.Options{Threads: 2}) }, true)
	return c.found
}

// skipped is the pass that the seed leaves out.
func skipped(seed uint64) string {
	list := opt.Optional()
	return list[seed%uint64(len(list))]
}

// check runs the model with options, once more after other inputs. With bits all bits are those of the first check.
func (c *blockRuns) check(name string, o runtime.Options, bits bool) {
	var in []values
	for _, k := range runOrder {
		in = append(in, c.in[k])
	}
	got, err := runs(c.model, o, in...)
	if err != nil {
		c.say("%s: run %d: %v", name, len(got), err)
		return
	}
	if c.bits == nil {
		c.bits = []values{got[0], got[3]}
	}
	for i, g := range got {
		err := near(g, c.want[runOrder[i]], tolerance(c.m.elem))
		if c.m.whole() {
			err = same(g, c.want[runOrder[i]])
		} else if c.m.codes != nil {
			err = c.m.codedNear(g, c.want[runOrder[i]])
		}
		if err == nil && bits {
			err = same(g, c.bits[runOrder[i]])
		}
		if err != nil {
			c.say("%s: run %d: %v", name, i, err)
		}
	}
}

// equal runs the model in a session of its own, all runs at the same time if together, whose bits are those of the first check.
func (c *blockRuns) equal(name string, open func() (*runtime.Session, error), together bool) {
	s, err := open()
	if err != nil {
		c.say("%s: %v", name, err)
		return
	}
	defer s.Close()
	errs := make([]error, len(runOrder))
	var all sync.WaitGroup
	for i, k := range runOrder {
		all.Go(func() {
			out, err := s.Run(context.Background(), c.in[k])
			errs[i] = errors.Join(err, same(out, c.bits[k]))
		})
		if !together {
			all.Wait()
		}
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			c.say("%s: run %d: %v", name, i, err)
		}
	}
}

// reuse runs the model again and again into the same outputs, whose bits are those of the first check.
func (c *blockRuns) reuse() {
	s, err := runtime.OpenBytes(c.model, &runtime.Options{Threads: 2})
	if err != nil {
		c.say("into outputs: %v", err)
		return
	}
	defer s.Close()
	out := values{}
	for i, k := range runOrder {
		for _, x := range out {
			for j := range x.Bytes() { // what a kernel forgets to write
				x.Bytes()[j] = 0xff
			}
		}
		if err := errors.Join(s.RunInto(context.Background(), c.in[k], out), same(out, c.bits[k])); err != nil {
			c.say("into outputs: run %d: %v", i, err)
		}
	}
}

// fileModes opens the model of files: whole, and with weights in a second file.
func fileModes(m *blockModel, dir string) map[string]func() (*runtime.Session, error) {
	whole, parts := filepath.Join(dir, "whole.onnx"), filepath.Join(dir, "parts.onnx")
	err := errors.Join(onnx.WriteFile(whole, m.model(), nil), onnx.WriteFile(parts, m.model(), &onnx.WriteOptions{External: "weights.bin", ExternalSize: 64}))
	open := func(name string, o runtime.Options) func() (*runtime.Session, error) {
		return func() (*runtime.Session, error) {
			if err != nil {
				return nil, err
			}
			return runtime.Open(name, &o)
		}
	}
	return map[string]func() (*runtime.Session, error){
		"file": open(whole, runtime.Options{Threads: 2}), "external": open(parts, runtime.Options{Threads: 1}),
		"external, read": open(parts, runtime.Options{Threads: 2, NoMap: true, Prepack: true}),
	}
}
