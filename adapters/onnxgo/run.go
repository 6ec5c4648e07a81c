package onnxgo

import (
	"context"
	"errors"
	"fmt"

	onnx "github.com/owulveryck/onnx-go"

	format "github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A session is the runtime's with the nodes that are its inputs and outputs.
type session struct {
	*runtime.Session
	inputs, outputs []*Node
	types           []tensor.DType
	ran             bool
}

// Run computes the outputs: the nodes that no operator reads, and those that were asked for before. It returns
// *onnx.ErrNotImplemented if the model needs what is missing in onnxrun.
//
// The first call compiles the model for the shapes of its inputs. A dimension that has another size in a later
// call is open from then on, so that further sizes cost nothing.
func (g *Graph) Run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("onnxgo: %v", r)
		}
		var missing *ops.UnsupportedError
		if errors.As(err, &missing) {
			err = &onnx.ErrNotImplemented{Operator: missing.Missing[0], Message: "not in onnxrun"}
		}
	}()
	in, err := g.open()
	if err != nil {
		return err
	}
	out, err := g.session.Run(context.Background(), in)
	if err != nil {
		return err
	}
	for _, n := range g.session.outputs {
		if n.value, err = toGorgonia(out[n.key()]); err != nil {
			return fmt.Errorf("onnxgo: %s: %w", n, err)
		}
	}
	g.session.ran = true
	return nil
}

func (g *Graph) ran() bool { return g.session != nil && g.session.ran }

// rerun computes anew after more outputs are wanted.
func (g *Graph) rerun() error {
	g.session = nil
	return g.Run()
}

// open makes sure that there is a session for the present inputs and returns these.
func (g *Graph) open() (map[string]*tensor.Tensor, error) {
	if g.session != nil {
		in, fit, err := g.session.gather()
		if fit || err != nil {
			return in, err
		}
		g.session = nil
	}
	m, inputs, outputs, err := g.model()
	if err != nil {
		return nil, err
	}
	options := g.Options
	options.Outputs = nil
	s, err := runtime.New(format.NewFile(m), &options)
	if err != nil {
		return nil, err
	}
	g.session = &session{Session: s, inputs: inputs, outputs: outputs}
	for _, v := range m.Graph.Inputs {
		g.session.types = append(g.session.types, v.Type.DType())
	}
	in, _, err := g.session.gather()
	return in, err
}

// gather converts the inputs and reports whether they have the types and shapes that the session was made for.
func (s *session) gather() (in map[string]*tensor.Tensor, fit bool, err error) {
	in, fit = map[string]*tensor.Tensor{}, true
	for i, n := range s.inputs {
		t, err := n.convert()
		if err != nil {
			return nil, false, err
		}
		fit = fit && t.DType() == s.types[i] && n.fits(t.Shape())
		in[n.key()] = t
	}
	return in, fit, nil
}
