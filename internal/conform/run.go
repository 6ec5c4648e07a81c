package conform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// The outcomes of a case.
const (
	Passed  = "passed"
	Failed  = "failed"
	Skipped = "skipped" // the model asks for something that is missing here
)

// A Result is the outcome of one case.
type Result struct {
	Name   string  `json:"name"`
	Status string  `json:"status"`
	Reason string  `json:"reason"`
	MaxErr float64 `json:"max_err"` // largest difference in parts of the reference's largest magnitude
}

// Options says how cases are run. The zero value is the default.
type Options struct {
	Runtime runtime.Options
	Timeout time.Duration // for each case; 0: none

	// Edit, if not nil, returns the model that is run in place of the case's.
	Edit func(*onnx.Model) (*onnx.Model, error)

	// Attempt, if not nil, is how Invalid tries a model, in place of opening and running it; an error is a
	// refusal. Models that may fail at any time then count as passed.
	Attempt func(path string) error
}

// session opens the model of a file, edited; the traits are those of the model as it came.
func (o *Options) session(file *onnx.File) (*runtime.Session, traits, error) {
	as := traitsOf(file.Model)
	if o.Edit != nil {
		m, err := o.Edit(file.Model)
		if err != nil {
			return nil, as, errors.Join(err, file.Close())
		}
		file.Model = m
	}
	s, err := runtime.New(file, &o.Runtime)
	return s, as, err
}

// Run runs the case: every data set, every output. It never panics.
func (c *Case) Run(ctx context.Context, opts Options) Result {
	if opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.Timeout)
		defer cancel()
	}
	done := make(chan Result, 1)
	go func() {
		worst, err := c.guarded(ctx, opts)
		done <- c.result(worst, err)
	}()
	select {
	case r := <-done:
		return r
	case <-ctx.Done():
	}
	select { // a run stops between steps; one that does not is left behind
	case r := <-done:
		return r
	case <-afterGrace():
		return Result{Name: c.Name, Status: Failed, Reason: "the run does not end: " + context.Cause(ctx).Error()}
	}
}

// afterGrace fires when a run that was told to stop should have stopped.
func afterGrace() <-chan time.Time { return time.After(5 * time.Second) }

func (c *Case) result(worst float64, err error) Result {
	r := Result{Name: c.Name, Status: Passed, MaxErr: worst}
	var unsupported *ops.UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		r.Status, r.Reason = Skipped, unsupported.Error()
	case err != nil:
		r.Status, r.Reason = Failed, err.Error()
	}
	if r.MaxErr != r.MaxErr || r.MaxErr > 1e300 {
		r.MaxErr = 1e300 // JSON knows neither NaN nor infinity
	}
	return r
}

func (c *Case) guarded(ctx context.Context, opts Options) (worst float64, err error) {
	err = guardPanic(func() (err error) {
		if c.stripped {
			worst, err = c.runStripped(ctx, opts)
			return err
		}
		worst, err = c.runRecorded(ctx, opts)
		return err
	})
	return worst, err
}

// guardPanic turns a panic of f into an error.
func guardPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// open opens the model of the case, mapped where it lies on disk.
func (c *Case) open() (*onnx.File, error) {
	if c.Dir != "" {
		return onnx.Open(filepath.Join(c.Dir, modelFile), nil)
	}
	return onnx.OpenFS(c.Files, modelFile, nil)
}

// runRecorded runs the data sets of an ONNX case.
func (c *Case) runRecorded(ctx context.Context, opts Options) (worst float64, err error) {
	file, err := c.open()
	if err != nil {
		return 0, err
	}
	s, traits, err := opts.session(file)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if len(c.Sets) == 0 {
		return 0, fmt.Errorf("conform: the case has no test_data_set_*")
	}
	for _, set := range c.Sets {
		d, err := c.runSet(ctx, s, set, traits)
		worst = max(worst, d)
		if err != nil {
			return worst, fmt.Errorf("%s: %w", set.Name, err)
		}
	}
	return worst, nil
}

func (c *Case) runSet(ctx context.Context, s *runtime.Session, set DataSet, traits traits) (float64, error) {
	if err := set.check(); err != nil {
		return 0, err
	}
	infos := s.Inputs()
	if len(set.Inputs) > len(infos) {
		return 0, fmt.Errorf("conform: %d input files for %d inputs", len(set.Inputs), len(infos))
	}
	in := map[string]*tensor.Tensor{}
	for i, name := range set.Inputs {
		t, err := c.value(name, infos[i])
		if err != nil {
			return 0, err
		}
		in[infos[i].Name] = t
	}
	out, err := s.Run(ctx, in)
	if err != nil {
		return 0, err
	}
	var got, want []*tensor.Tensor
	outs := s.Outputs()
	if len(set.Outputs) == 0 && len(outs) > 0 {
		return 0, errors.New("conform: no output is recorded")
	}
	if len(set.Outputs) > len(outs) {
		return 0, fmt.Errorf("conform: %d output files for %d outputs", len(set.Outputs), len(outs))
	}
	for i, name := range set.Outputs {
		if i < len(set.Specs) && set.Specs[i] != "" {
			name = set.Specs[i]
		}
		t, err := c.reference(name, outs[i], out[outs[i].Name])
		if err != nil {
			return 0, err
		}
		got, want = append(got, out[outs[i].Name]), append(want, t)
	}
	return c.compare(got, want, outs, traits)
}

// value reads a value of the case's files.
func (c *Case) value(name string, info runtime.ValueInfo) (*tensor.Tensor, error) {
	data, err := fs.ReadFile(c.Files, name)
	if err != nil {
		return nil, fmt.Errorf("conform: %w", err)
	}
	t, err := tensor.DecodeValue(info.Kind, data)
	if err != nil {
		return nil, fmt.Errorf("conform: %s: %w", name, err)
	}
	return t, nil
}

// reference reads a recorded output. Sequences of maps may be recorded as a dense tensor.
func (c *Case) reference(name string, info runtime.ValueInfo, got *tensor.Tensor) (*tensor.Tensor, error) {
	t, err := c.value(name, info)
	if got != nil && isMaps(got) && (err != nil || !isMaps(t)) {
		info.Kind = tensor.KindTensor
		if dense, denseErr := c.value(name, info); denseErr == nil {
			return dense, nil
		}
	}
	return t, err
}

// compare compares all outputs of a run by the case's rule, or by those that the model's operators ask for.
func (c *Case) compare(got, want []*tensor.Tensor, outs []runtime.ValueInfo, traits traits) (worst float64, err error) {
	for i := range want {
		rule := DefaultRule(want[i].DType())
		switch {
		case c.Rule != nil:
			rule = *c.Rule
		case traits.quantised:
			rule = QuantisedRule
		}
		d, cmpErr := rule.Compare(got[i], want[i])
		worst = max(worst, d)
		if cmpErr != nil && err == nil {
			err = fmt.Errorf("output %d (%s): %w", i, outs[i].Name, cmpErr)
		}
	}
	if err != nil && traits.detects && c.Rule == nil {
		if d, setErr, ok := compareDetections(got, want, DefaultRule(tensor.Float32)); ok {
			return d, setErr
		}
	}
	return worst, err
}

// traits is what the operators of a model say about how its outputs are compared.
type traits struct {
	quantised bool // activations are quantised: two correct implementations round differently
	detects   bool // boxes are suppressed: the order of outputs is open
}

var quantising = []string{
	"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger",
	"QLinearAdd", "QLinearConcat", "QLinearGlobalAveragePool", "QGemm", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM",
}

// roundsActivations reports whether a product with weights of few bits asks for activations of 8 bits.
func roundsActivations(n *onnx.Node) bool {
	return n.OpType == "MatMulNBits" && slices.ContainsFunc(n.Attributes, func(a *onnx.Attribute) bool {
		return a.Name == "accuracy_level" && a.I == 4
	})
}

func traitsOf(m *onnx.Model) traits {
	var t traits
	if m.Graph == nil {
		return t
	}
	for _, n := range m.Graph.Nodes {
		t.quantised = t.quantised || slices.Contains(quantising, n.OpType) || roundsActivations(n)
		t.detects = t.detects || n.OpType == "NonMaxSuppression"
	}
	return t
}
