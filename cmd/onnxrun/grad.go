package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A grader is the grad command with its flags.
type grader struct {
	runner
	wrt []string
	dy  string
}

func gradCommand() *cobra.Command {
	r := &grader{}
	cmd := &cobra.Command{
		Use:   "grad model.onnx",
		Short: "Write the gradients of a model's outputs",
		Long: `Write the gradients of a model's outputs with respect to inputs, weights or inner values.

Each gradient is summed over all outputs y that are floating-point tensors, whose own gradients are called dy.<y>: made up
from the seed, read like an input where a file gives them, or ones. Gradients are outputs named grad.<value>.`,
		Args: arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := r.limit(cmd.Context())
			defer cancel()
			return r.grad(ctx, cmd, args[0])
		},
	}
	r.register(cmd)
	r.inputs.register(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&r.outputs, "output", nil, "name of an output or inner value to differentiate in place of all outputs (repeatable)")
	flags.StringArrayVar(&r.wrt, "wrt", nil, "name of an input, weight or inner value; all inputs if none is given (repeatable)")
	flags.StringVar(&r.dy, "dy", "seed", "gradients of the outputs: seed (made up, or read with the inputs) or ones")
	flags.StringVar(&r.outputDir, "output-dir", "", "folder to write grad.<name>.npy to")
	return cmd
}

func (r *grader) grad(ctx context.Context, cmd *cobra.Command, model string) error {
	if r.dy != "seed" && r.dy != "ones" {
		return usage("--dy %s, want seed or ones", r.dy)
	}
	if err := r.inputs.check(); err != nil {
		return err
	}
	s, err := r.open(model, func(o *runtime.Options) {
		o.Outputs = r.outputs
		o.Gradients = &runtime.Gradients{Wrt: r.wrt, Ones: r.dy == "ones"}
	})
	if err != nil {
		return err
	}
	defer closeSession(cmd, s)
	in, err := r.feeds(ctx, cmd, model, s)
	if err != nil {
		return err
	}
	out, ms, err := timed(ctx, s, in)
	if err != nil {
		return err
	}
	var infos []runtime.ValueInfo
	for _, info := range s.Outputs() {
		if strings.HasPrefix(info.Name, gradPrefix) {
			infos = append(infos, info)
		}
	}
	return r.report(cmd, infos, out, ms, "")
}

// feeds returns the inputs. Where the shape of a gradient is open, the outputs are computed first, since it has
// theirs.
func (r *grader) feeds(ctx context.Context, cmd *cobra.Command, model string, of *runtime.Session) (map[string]*tensor.Tensor, error) {
	infos := of.Inputs()
	if slices.ContainsFunc(infos, openGradient) {
		in, err := r.inputs.load(infos, of.Metadata(), io.Discard)
		if err != nil {
			return nil, err
		}
		s, err := r.open(model, func(o *runtime.Options) { o.Outputs = r.outputs })
		if err != nil {
			return nil, err
		}
		defer closeSession(cmd, s)
		maps.DeleteFunc(in, func(name string, _ *tensor.Tensor) bool { return strings.HasPrefix(name, dyPrefix) })
		out, err := s.Run(ctx, in)
		if err != nil {
			return nil, err
		}
		infos = slices.Clone(infos)
		for i, info := range infos {
			if y := out[strings.TrimPrefix(info.Name, dyPrefix)]; y != nil && openGradient(info) {
				infos[i].Ranked, infos[i].Dims = true, nil
				for _, d := range y.Shape() {
					infos[i].Dims = append(infos[i].Dims, runtime.Dim{Value: d})
				}
			}
		}
	}
	return r.inputs.load(infos, of.Metadata(), cmd.ErrOrStderr())
}

// The names of gradients: see runtime.Gradients.
const (
	dyPrefix   = "dy."
	gradPrefix = "grad."
)

// openGradient reports whether an input is the gradient of an output whose shape is not known.
func openGradient(info runtime.ValueInfo) bool {
	open := !info.Ranked || slices.ContainsFunc(info.Dims, func(d runtime.Dim) bool { return d.Value < 0 })
	return open && strings.HasPrefix(info.Name, dyPrefix)
}
