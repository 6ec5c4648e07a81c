package finetune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A MonteCarlo runs a model with its dropout on, as in training, so that its outputs are random: their mean and standard
// deviation estimate what the model knows and how well (Y. Gal and Z. Ghahramani, "Dropout as a Bayesian approximation:
// representing model uncertainty in deep learning", ICML 2016).
type MonteCarlo struct {
	session *runtime.Session
}

// NewMonteCarlo makes a session of an opened model whose Dropout nodes drop with their own ratios, and whose recurrent nodes
// drop as r says. A model without any of them is an error: InsertDropout adds some. The file is taken over as by
// runtime.New.
func NewMonteCarlo(f *onnx.File, r RecurrentDropout, o *runtime.Options) (*MonteCarlo, error) {
	if err := dropping(f.Model, r); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s, err := runtime.New(f, o)
	if err != nil {
		return nil, err
	}
	return &MonteCarlo{s}, nil
}

// dropping switches the nodes of a model to dropping by masks that two new inputs decide, seedFeed and stepFeed.
func dropping(m *onnx.Model, r RecurrentDropout) error {
	if err := r.check(); err != nil {
		return err
	}
	e, err := newEditor(m)
	if err != nil {
		return err
	}
	stream := int64(0)
	for _, n := range e.graph.Nodes {
		switch {
		case n.OpType == "Dropout" && onnx.NormalDomain(n.Domain) == "" && (len(n.Outputs) < 2 || n.Outputs[1] == ""):
			if err := e.dropAlways(n, stream); err != nil {
				return err
			}
			stream++
		case recurrentOps[n.OpType] && onnx.NormalDomain(n.Domain) == "" && r.on():
			if err := e.dropRecurrent(n, r, stream); err != nil {
				return err
			}
			stream += 2
		}
	}
	if stream == 0 {
		return fmt.Errorf("finetune: Monte-Carlo dropout: the model has no Dropout node and no recurrent one with dropout: insert some first")
	}
	for _, name := range []string{seedFeed, stepFeed} {
		e.graph.Inputs = append(e.graph.Inputs, &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Int64)})
	}
	if e.model.Opset("onnxrun") == 0 {
		e.model.Opsets = append(slices.Clone(e.model.Opsets), onnx.OpsetID{Domain: "onnxrun", Version: 1})
	}
	e.commit()
	return nil
}

// dropAlways makes a Dropout node a CounterDropout.
func (e *editor) dropAlways(n *onnx.Node, stream int64) error {
	ratio := floatAttr(n, "ratio", 0.5)
	if len(n.Inputs) > 1 && n.Inputs[1] != "" {
		c := e.constant(n.Inputs[1])
		if c == nil || c.Len() != 1 {
			return fmt.Errorf("finetune: node %q (Dropout): its ratio is computed", nodeLabel(n))
		}
		ratio = tensor.Float64s(c, 1)[0]
	}
	x := n.Inputs[0]
	*n = onnx.Node{Name: n.Name, Outputs: n.Outputs[:1]}
	e.counterDropout(n, x, ratio, stream)
	return nil
}

// counterDropout makes n a CounterDropout of x.
func (e *editor) counterDropout(n *onnx.Node, x string, ratio float64, stream int64, shared ...int64) {
	n.Domain, n.OpType = "onnxrun", "CounterDropout"
	n.Inputs = []string{x, e.scalar(n.Outputs[0]+".ratio", ratio, tensor.Float32), seedFeed, stepFeed}
	n.Attributes = []*onnx.Attribute{onnx.NewInt("stream", stream)}
	if len(shared) > 0 {
		n.Attributes = append(n.Attributes, onnx.NewInts("shared_axes", shared...))
	}
}

// dropRecurrent gives a recurrent node masks for its input and its state.
func (e *editor) dropRecurrent(n *onnx.Node, r RecurrentDropout, stream int64) error {
	if v := e.model.Opset(""); v < 9 {
		return fmt.Errorf("finetune: node %q (%s) of opset %d: recurrent dropout needs 9 or later", nodeLabel(n), n.OpType, v)
	}
	layout := intAttr(n, "layout", 0)
	add := func(op string, attrs []*onnx.Attribute, in ...string) string {
		out := e.fresh(nodeLabel(n) + ".dropout/" + op)
		e.before[n] = append(e.before[n], &onnx.Node{Name: out, OpType: op, Inputs: in, Outputs: []string{out}, Attributes: attrs})
		return out
	}
	if r.State > 0 {
		dim := func(value string, axis int64) string {
			at := e.fresh(nodeLabel(n) + ".dropout.axis")
			e.initialize(at, tensor.FromSlice([]int64{axis}))
			return add("Gather", nil, add("Shape", nil, value), at)
		}
		dims := []string{dim(n.Inputs[2], 0), dim(n.Inputs[0], batchAxis(layout)), dim(n.Inputs[2], 2)}
		if layout == 1 {
			dims[0], dims[1] = dims[1], dims[0]
		}
		one := onnx.NewTensor("value", tensor.NewProto("", tensor.FromSlice([]float32{1})))
		ones := add("ConstantOfShape", []*onnx.Attribute{one}, add("Concat", []*onnx.Attribute{onnx.NewInt("axis", 0)}, dims...))
		mask := e.drop(n, ones, r.State, stream+1)
		if d := e.dtype(n.Inputs[2]); d != tensor.Float32 {
			mask = add("Cast", []*onnx.Attribute{onnx.NewInt("to", int64(d))}, mask)
		}
		for len(n.Inputs) < recurrentMask {
			n.Inputs = append(n.Inputs, "")
		}
		n.Inputs = append(n.Inputs[:recurrentMask:recurrentMask], mask)
	}
	if r.Inputs > 0 {
		n.Inputs[0] = e.drop(n, n.Inputs[0], r.Inputs, stream, timeAxis(layout))
	}
	if r.State > 0 {
		n.Domain = "onnxrun"
	}
	return nil
}

// drop puts a CounterDropout of x before n.
func (e *editor) drop(n *onnx.Node, x string, ratio float64, stream int64, shared ...int64) string {
	out := e.fresh(nodeLabel(n) + ".dropped")
	d := &onnx.Node{Name: out, Outputs: []string{out}}
	e.counterDropout(d, x, ratio, stream, shared...)
	e.before[n] = append(e.before[n], d)
	return out
}

// dtype returns the element type of a constant in some form, float32 if it is none.
func (e *editor) dtype(name string) tensor.DType {
	if f, err := e.form(name); f != nil && err == nil {
		return f.dtype
	}
	return tensor.Float32
}

// Run runs the model n times, each with masks of its own, and returns mean and standard deviation (with n-1 degrees of
// freedom; 0 for n = 1) of each output that is a tensor of floats. Equal seeds give equal results.
func (s *MonteCarlo) Run(ctx context.Context, inputs map[string]*tensor.Tensor, n int, seed uint64) (mean, std map[string]*tensor.Tensor, err error) {
	if n < 1 {
		return nil, nil, fmt.Errorf("finetune: Monte-Carlo dropout: %d runs, want at least 1", n)
	}
	all := map[string]*tensor.Tensor{seedFeed: tensor.Scalar(int64(seed))}
	for name, t := range inputs {
		all[name] = t
	}
	sums, out := map[string]*runningMoments{}, map[string]*tensor.Tensor{}
	for i := range n {
		all[stepFeed] = tensor.Scalar(int64(i))
		if err := s.session.RunInto(ctx, all, out); err != nil {
			return nil, nil, err
		}
		for name, t := range out {
			if t.Kind() != tensor.KindTensor || !t.DType().IsFloat() {
				continue
			}
			if sums[name] == nil {
				sums[name] = newRunningMoments(t)
			}
			if err := sums[name].add(t); err != nil {
				return nil, nil, fmt.Errorf("finetune: Monte-Carlo dropout: output %q: %w", name, err)
			}
		}
	}
	mean, std = map[string]*tensor.Tensor{}, map[string]*tensor.Tensor{}
	for name, m := range sums {
		if mean[name], std[name], err = m.results(); err != nil {
			return nil, nil, err
		}
	}
	return mean, std, nil
}

// Inputs returns the inputs of the model.
func (s *MonteCarlo) Inputs() []runtime.ValueInfo {
	return slices.DeleteFunc(slices.Clone(s.session.Inputs()), func(v runtime.ValueInfo) bool { return v.Name == seedFeed || v.Name == stepFeed })
}

// Outputs returns the outputs of the model.
func (s *MonteCarlo) Outputs() []runtime.ValueInfo { return s.session.Outputs() }

// Metadata returns the metadata entries of the model.
func (s *MonteCarlo) Metadata() map[string]string { return s.session.Metadata() }

// Close waits for running calls and unmaps the model.
func (s *MonteCarlo) Close() error { return s.session.Close() }

// runningMoments add up mean and squared deviations of tensors of one shape (B. P. Welford, "Note on a method for calculating
// corrected sums of squares and products", Technometrics 4, 1962).
type runningMoments struct {
	dtype      tensor.DType
	shape      tensor.Shape
	n          int
	mean, dist []float64
}

func newRunningMoments(t *tensor.Tensor) *runningMoments {
	return &runningMoments{dtype: t.DType(), shape: t.Shape().Clone(), mean: make([]float64, t.Len()), dist: make([]float64, t.Len())}
}

func (m *runningMoments) add(t *tensor.Tensor) error {
	if !t.Shape().Equal(m.shape) {
		return fmt.Errorf("shape %v in one run and %v in another", m.shape, t.Shape())
	}
	m.n++
	for i, x := range tensor.Float64s(t, t.Len()) {
		d := x - m.mean[i]
		m.mean[i] += d / float64(m.n)
		m.dist[i] += d * (x - m.mean[i])
	}
	return nil
}

func (m *runningMoments) results() (mean, std *tensor.Tensor, err error) {
	deviation := make([]float64, len(m.dist))
	for i, d := range m.dist {
		if m.n > 1 {
			deviation[i] = math.Sqrt(d / float64(m.n-1))
		}
	}
	if mean, err = tensor.FromFloat64s(m.dtype, m.shape, m.mean); err != nil {
		return nil, nil, err
	}
	std, err = tensor.FromFloat64s(m.dtype, m.shape, deviation)
	return mean, std, err
}
