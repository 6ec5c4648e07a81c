package main

import (
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
)

// options turns the flags into the settings of a session.
func (c *common) options() (*runtime.Options, error) {
	o := &runtime.Options{Threads: c.threads, ExternalRoot: c.externalRoot, Cache: c.cache, Prepack: c.prepack}
	switch c.opt {
	case "on":
	case "off":
		o.NoOptimize = true
	default:
		return nil, usage("--opt=%s, want on or off", c.opt)
	}
	for _, name := range c.optSkip {
		if !slices.Contains(opt.Optional(), name) {
			return nil, usage("--opt-skip %s, want one of %v", name, opt.Optional())
		}
	}
	o.Skip = c.optSkip
	switch c.precision {
	case "", "float32":
	case "exact":
		o.Precision = runtime.Exact
	default:
		return nil, usage("--precision %s, want float32 or exact", c.precision)
	}
	if c.timeout < 0 {
		return nil, usage("--timeout %v, want at least 0s", c.timeout)
	}
	if c.threads < 0 {
		return nil, usage("--threads %d, want at least 0", c.threads)
	}
	if c.memory != "" {
		n, err := parseSize(c.memory)
		if err != nil {
			return nil, err
		}
		o.MemoryLimit = n
	}
	if c.cacheLimit != "" {
		n, err := parseSize(c.cacheLimit)
		if err != nil {
			return nil, err
		}
		o.CacheLimit = n
	}
	return o, nil
}

// open opens a model with the settings of the flags; edit, if not nil, changes them first. With --fill the
// weights are generated.
func (c *common) open(model string, edit func(*runtime.Options)) (*runtime.Session, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	if edit != nil {
		edit(o)
	}
	collectLater()
	if c.fill == "" {
		return invalidNode(runtime.Open(model, o))
	}
	f, err := onnx.Open(model, &onnx.OpenOptions{ExternalRoot: c.externalRoot})
	if err != nil {
		return nil, err
	}
	if err := feed.FillFrom(f.Model, c.fill); err != nil {
		f.Close()
		return nil, err
	}
	return invalidNode(runtime.New(f, o))
}

const (
	firstCollection = 3200 // GOGC until the first collection of garbage, which is then at a heap of 128 MB
	collections     = 400  // GOGC afterwards
)

// collectLater makes collections of garbage rare, unless the user set GOGC. Almost all that opening a model allocates
// stays, and a collection that begins amid the packing of weights, which are on the heap, halts it until everything is marked.
var collectLater = sync.OnceFunc(func() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(firstCollection)
	type collected struct{ _ *byte } // holds a pointer, as a cleanup wants for one that is sure to run
	goruntime.AddCleanup(new(collected), func(percent int) { debug.SetGCPercent(percent) }, collections)
})

// writable finds out before the work whether a model can be written to a file of this name.
func writable(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usage("-o %s is a folder, want the name of a file", name)
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return usage("-o %s: there is no folder %s", name, filepath.Dir(name))
	}
	return nil
}

// invalidNode gives an error about a node that comes from opening a model the exit code of invalid models.
func invalidNode(s *runtime.Session, err error) (*runtime.Session, error) {
	var node *runtime.NodeError
	if errors.As(err, &node) {
		err = &codedError{exitInvalid, err}
	}
	return s, err
}
