package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/measure"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
)

// A monteCarlo says how the run command runs a model with its dropout on.
type monteCarlo struct {
	runs      int
	dropout   float64
	at        string
	recurrent float64
}

func (m *monteCarlo) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&m.runs, "mc", 0, "Monte-Carlo dropout: run N times with the model's Dropout nodes on; prints mean and standard deviation (NAME.std)")
	f.Float64Var(&m.dropout, "mc-dropout", 0, "with --mc: put dropout of this ratio behind the nodes that --mc-at names")
	f.StringVar(&m.at, "mc-at", "", "with --mc-dropout: nodes by name, with commas between, or re:EXPR")
	f.Float64Var(&m.recurrent, "mc-recurrent", 0, "with --mc: drop inputs and states of LSTM, GRU and RNN nodes by this ratio, with one mask for each sequence")
}

func (m *monteCarlo) check() error {
	switch {
	case m.runs < 0:
		return usage("--mc %d, want a number of runs", m.runs)
	case m.runs == 0 && (m.dropout != 0 || m.at != "" || m.recurrent != 0):
		return usage("--mc-dropout, --mc-at and --mc-recurrent need --mc N")
	case (m.dropout != 0) != (m.at != ""):
		return usage("--mc-dropout and --mc-at go together")
	}
	return nil
}

// file opens a model whose structure may be changed before a session is made of it.
func (r *runner) file(model string) (*onnx.File, *runtime.Options, error) {
	o, err := r.options()
	if err != nil {
		return nil, nil, err
	}
	f, err := onnx.Open(model, &onnx.OpenOptions{ExternalRoot: r.externalRoot})
	if err != nil {
		return nil, nil, err
	}
	if r.fill != "" {
		if err := feed.FillFrom(f.Model, r.fill); err != nil {
			f.Close()
			return nil, nil, err
		}
	}
	o.Outputs = r.outputs
	return f, o, nil
}

// random runs a model several times with dropout.
func (r *runner) random(ctx context.Context, cmd *cobra.Command, model string) error {
	f, o, err := r.file(model)
	if err != nil {
		return err
	}
	if r.mc.at != "" {
		if _, err := finetune.InsertDropout(f.Model, r.mc.at, r.mc.dropout); err != nil {
			f.Close()
			return err
		}
	}
	s, err := finetune.NewMonteCarlo(f, finetune.RecurrentDropout{Inputs: r.mc.recurrent, State: r.mc.recurrent}, o)
	if err != nil {
		return err
	}
	defer s.Close()
	in, err := r.inputs.load(s.Inputs(), s.Metadata(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	start := time.Now()
	mean, std, err := s.Run(ctx, in, r.mc.runs, r.inputs.seed)
	if err != nil {
		return err
	}
	ms := measure.Milliseconds(time.Since(start))
	var infos []runtime.ValueInfo
	for _, info := range s.Outputs() {
		deviation := info
		deviation.Name += ".std"
		infos = append(infos, info, deviation)
		if t := std[info.Name]; t != nil {
			mean[deviation.Name] = t
		}
	}
	return r.report(cmd, infos, mean, ms, "")
}

// adapted runs a model with an adapter.
func (r *runner) adapted(ctx context.Context, cmd *cobra.Command, model string) error {
	adapter, err := finetune.ReadAdapter(r.adapter)
	if err != nil {
		return err
	}
	f, o, err := r.file(model)
	if err != nil {
		return err
	}
	s, err := finetune.NewAdapted(f, o, adapter)
	if err != nil {
		return err
	}
	defer s.Close()
	binding, err := s.Bind(adapter)
	if err != nil {
		return err
	}
	in, err := r.inputs.load(s.Inputs(), s.Metadata(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	start := time.Now()
	out, err := s.Run(ctx, in, binding)
	if err != nil {
		return err
	}
	return r.report(cmd, s.Outputs(), out, measure.Milliseconds(time.Since(start)), "")
}
