package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/measure"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A runReport is what the run command prints as JSON.
type runReport struct {
	Outputs []outputReport `json:"outputs"`
	MS      float64        `json:"ms"`
	Answer  string         `json:"answer,omitempty"` // of the embedded model
}

type outputReport struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	Head  []any  `json:"head"`
}

// A runner is the run command with its flags.
type runner struct {
	common
	inputs    inputFlags
	outputs   []string
	outputDir string
	adapter   string
	mc        monteCarlo
}

func runCommand() *cobra.Command {
	r := &runner{}
	cmd := &cobra.Command{
		Use:   "run [model.onnx]",
		Short: "Run a model once; without a model, the embedded one",
		Args:  modelOrCommand,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := r.limit(cmd.Context())
			defer cancel()
			if err := r.check(len(args)); err != nil {
				return err
			}
			switch {
			case len(args) == 0:
				return r.embedded(ctx, cmd)
			case r.mc.runs > 0:
				return r.random(ctx, cmd, args[0])
			case r.adapter != "":
				return r.adapted(ctx, cmd, args[0])
			}
			return r.run(ctx, cmd, args[0])
		},
	}
	r.register(cmd)
	r.inputs.register(cmd)
	cmd.Flags().StringArrayVar(&r.outputs, "output", nil, "name of an output or inner value; the rest is not computed (repeatable)")
	cmd.Flags().StringVar(&r.outputDir, "output-dir", "", "folder to write the outputs to")
	cmd.Flags().StringVar(&r.adapter, "adapter", "", "folder with a low-rank adapter of PEFT to run the model with")
	r.mc.register(cmd)
	return cmd
}

// check looks for mistakes in the flags.
func (r *runner) check(models int) error {
	if err := r.mc.check(); err != nil {
		return err
	}
	if models == 0 && (r.mc.runs > 0 || r.adapter != "") || r.mc.runs > 0 && r.adapter != "" {
		return usage("--mc and --adapter need a model, and exclude each other")
	}
	return r.inputs.check()
}

func (r *runner) run(ctx context.Context, cmd *cobra.Command, model string) error {
	s, err := r.open(model, func(o *runtime.Options) { o.Outputs = r.outputs })
	if err != nil {
		return err
	}
	defer closeSession(cmd, s)
	in, err := r.inputs.load(s.Inputs(), s.Metadata(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	out, ms, err := timed(ctx, s, in)
	if err != nil {
		return err
	}
	return r.report(cmd, s.Outputs(), out, ms, "")
}

// timed runs a session once.
func timed(ctx context.Context, s *runtime.Session, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, float64, error) {
	start := time.Now()
	out, err := s.Run(ctx, in)
	return out, measure.Milliseconds(time.Since(start)), err
}

// report writes the outputs to files, if asked to, and describes them.
func (r *runner) report(cmd *cobra.Command, infos []runtime.ValueInfo, out map[string]*tensor.Tensor, ms float64, answer string) error {
	rep := runReport{Outputs: []outputReport{}, MS: ms, Answer: answer}
	var names []string
	for _, info := range infos {
		t := out[info.Name]
		if t == nil {
			continue
		}
		names = append(names, info.Name)
		rep.Outputs = append(rep.Outputs, outputReport{
			Name: info.Name, Kind: t.Kind().String(), DType: t.DType().String(), Shape: append([]int{}, t.Shape()...), Head: feed.Head(t, 8),
		})
	}
	if r.outputDir != "" {
		if err := feed.Save(r.outputDir, names, out); err != nil {
			return err
		}
	}
	if r.json {
		return printJSON(cmd.OutOrStdout(), rep)
	}
	if answer != "" {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), answer)
		return err
	}
	t := &table{}
	t.row("OUTPUT", "KIND", "DTYPE", "SHAPE", "FIRST VALUES")
	for _, o := range rep.Outputs {
		t.row(o.Name, o.Kind, o.DType, fmt.Sprint(o.Shape), headText(o.Head))
	}
	if err := t.print(cmd.OutOrStdout()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%.3f ms\n", ms)
	return nil
}

func headText(head []any) string {
	text := ""
	for i, v := range head {
		if i > 0 {
			text += " "
		}
		switch x := v.(type) {
		case nil:
			text += "-"
		case float64:
			text += fmt.Sprintf("%.6g", x)
		default:
			text += fmt.Sprint(x)
		}
	}
	return text
}
