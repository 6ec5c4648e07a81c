package runtime

import (
	"errors"
	"io/fs"
	"sync"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/cache"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Session is a model ready to run. It is safe for many goroutines.
type Session struct {
	file    *onnx.File
	opts    Options
	threads int
	limit   int
	weights *plan.Store
	cache   *cache.Cache   // nil: none
	saving  sync.WaitGroup // of the cache
	inputs  []ValueInfo
	outputs []ValueInfo
	inNames map[string]int

	running sync.RWMutex // held for reading by Run, for writing by Close
	closed  bool

	main   *program // for the shapes that the model declares
	mu     sync.Mutex
	shaped []*program // for exact shapes, the last used first
	pool   sync.Pool  // of *call
}

// ErrClosed is returned by methods of a Session after Close.
var ErrClosed = errors.New("runtime: the session is closed")

// Open opens the model at a path. The file stays mapped until the session is closed.
func Open(path string, o *Options) (*Session, error) {
	f, err := onnx.Open(path, o.open())
	if err != nil {
		return nil, err
	}
	return New(f, o)
}

// OpenBytes opens a model in memory, which must not change while the session is in use.
func OpenBytes(model []byte, o *Options) (*Session, error) {
	f, err := onnx.OpenBytes(model, o.open())
	if err != nil {
		return nil, err
	}
	return New(f, o)
}

// OpenFS opens the model at a path of a file system, with its external data beside it.
func OpenFS(fsys fs.FS, name string, o *Options) (*Session, error) {
	f, err := onnx.OpenFS(fsys, name, o.open())
	if err != nil {
		return nil, err
	}
	return New(f, o)
}

func (o *Options) open() *onnx.OpenOptions {
	if o == nil {
		return nil
	}
	return &onnx.OpenOptions{ExternalRoot: o.ExternalRoot, NoMap: o.NoMap}
}

// New makes a session of an opened model and takes it over: it is closed with the session, and at once if
// New fails.
func New(f *onnx.File, o *Options) (*Session, error) {
	s := &Session{file: f, inNames: map[string]int{}}
	if o != nil {
		s.opts = *o
	}
	if s.threads = s.opts.Threads; s.threads <= 0 {
		s.threads = par.Default()
	}
	if s.limit = int(s.opts.MemoryLimit); s.limit <= 0 {
		s.limit = defaultLimit()
	}
	s.openCache()
	s.weights = plan.NewStore(s.cache)
	err := guard(func() error {
		if err := onnx.Check(f.Model).Err(); err != nil {
			return err
		}
		p, err := s.compile(nil)
		s.main = p
		return err
	})
	if err != nil {
		if closing := errors.Join(s.closeCache(), f.Close()); closing != nil {
			return nil, errors.Join(err, closing)
		}
		return nil, err
	}
	s.describe()
	s.saveCache()
	f.Release() // pages of the model's structure; weights that are read where they lie come back when they are
	if !s.later() {
		s.main.plan.Settle()
	}
	return s, nil
}

// later reports whether the second run packs the weights.
func (s *Session) later() bool { return !s.opts.Prepack && s.cache == nil }

func (s *Session) describe() {
	for i, v := range s.main.inputs {
		s.inputs = append(s.inputs, infoOf(v))
		s.inNames[v.Name] = i
	}
	for i, v := range s.main.plan.Graph().Outputs {
		s.outputs = append(s.outputs, infoOf(v))
		s.outputs[i].Name = s.main.outputs[i] // passes may have merged values
	}
}

// Inputs returns the inputs of the model in order, without those that have a default.
func (s *Session) Inputs() []ValueInfo { return s.inputs }

// Outputs returns the outputs of the model in order.
func (s *Session) Outputs() []ValueInfo { return s.outputs }

// Metadata returns the metadata entries of the model.
func (s *Session) Metadata() map[string]string {
	m := map[string]string{}
	for _, e := range s.file.Metadata {
		m[e.Key] = e.Value
	}
	return m
}

// Close waits for running calls, writes what the cache lacks and unmaps the model. Tensors returned by Run stay valid.
func (s *Session) Close() error {
	s.running.Lock()
	defer s.running.Unlock()
	if s.closed {
		return nil
	}
	s.closed, s.main, s.shaped = true, nil, nil
	s.saveCache()
	return errors.Join(s.closeCache(), s.file.Close())
}

// program is a compiled form of the model for one class of input shapes.
type program struct {
	plan    *plan.Program
	inputs  []*graph.Value
	outputs []string       // names
	shapes  []tensor.Shape // of the inputs, where the program is for exactly these
}

// compile runs the stages from model to program. With shapes, the inputs have exactly these.
func (s *Session) compile(shapes []tensor.Shape) (*program, error) {
	g, err := graph.Build(s.file.Model, ops.Default().With(s.opts.Ops))
	if err != nil {
		return nil, err
	}
	if err := g.SelectOutputs(s.opts.Outputs); err != nil {
		return nil, err
	}
	if shapes != nil {
		g.FixInputs(shapes)
	}
	if err := s.differentiate(g); err != nil {
		return nil, err
	}
	p := &program{shapes: shapes, inputs: g.Inputs}
	for _, v := range g.Outputs {
		p.outputs = append(p.outputs, v.Name)
	}
	if g, err = opt.Apply(g, opt.Options{Off: s.opts.NoOptimize, Skip: s.opts.Skip, Exact: s.opts.Precision == Exact}); err != nil {
		return nil, err
	}
	o := plan.Options{Weights: s.weights, Limit: s.limit, Threads: s.threads, Once: true, Later: s.later()}
	if s.opts.Profile != nil {
		o.Wrap = s.opts.Profile.wrap
	}
	p.plan, err = plan.Compile(g, o)
	return p, err
}

// differentiate adds the gradients that the options ask for.
func (s *Session) differentiate(g *graph.Graph) error {
	want := s.opts.Gradients
	if want == nil {
		return nil
	}
	if err := opt.Resolve(g); err != nil {
		return err
	}
	return autodiff.Extend(g, ops.Default(), autodiff.Spec{Of: want.Of, Wrt: want.Wrt, Ones: want.Ones})
}
