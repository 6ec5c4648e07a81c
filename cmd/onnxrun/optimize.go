package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// An optimizeReport is what the optimize command prints as JSON.
type optimizeReport struct {
	Version int             `json:"version"`
	Out     string          `json:"out"`
	Before  modelSize       `json:"before"`
	After   modelSize       `json:"after"`
	Checked *checkedOutputs `json:"checked,omitempty"` // absent: not compared
}

// A modelSize counts what a model holds, the graphs inside of nodes included.
type modelSize struct {
	Nodes      int            `json:"nodes"`
	Operators  map[string]int `json:"operators"` // nodes of each
	Parameters int            `json:"parameters"`
	Bytes      int            `json:"bytes"` // of the parameters
}

// An optimization is the optimize command with its flags.
type optimization struct {
	common
	inputs  inputFlags
	out     string
	noCheck bool
}

func optimizeCommand() *cobra.Command {
	o := &optimization{}
	cmd := &cobra.Command{
		Use:   "optimize model.onnx -o out.onnx",
		Short: "Write a smaller model of standard operators that computes the same",
		Long: `Write a smaller model of standard operators that computes the same: constants are folded (where that makes nothing
larger), nodes that repeat others, change nothing or have no use are gone, consecutive transpositions and changes of
shape are merged, and normalisations are folded into the convolutions before them. What only this program knows
(fused operators, other layouts) is left to the time of loading.

Both models run on the same inputs, made up or given, and must agree (exit code 5) before anything is written. A
model of more than 2 GB is written with its weights in a file beside it.`,
		Args: arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := o.limit(cmd.Context())
			defer cancel()
			return o.run(ctx, cmd, args[0])
		},
	}
	o.register(cmd)
	o.inputs.register(cmd)
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "file to write the optimised model to")
	cmd.Flags().BoolVar(&o.noCheck, "no-check", false, "write the model without comparing results")
	return cmd
}

func (o *optimization) run(ctx context.Context, cmd *cobra.Command, model string) error {
	if o.out == "" {
		return usage("optimize needs -o FILE")
	}
	if err := writable(o.out); err != nil {
		return err
	}
	settings, err := o.options()
	if err != nil {
		return err
	}
	if err := o.inputs.check(); err != nil {
		return err
	}
	f, err := onnx.Open(model, &onnx.OpenOptions{ExternalRoot: o.externalRoot})
	if err != nil {
		return err
	}
	defer f.Close()
	if o.fill != "" {
		if err := feed.FillFrom(f.Model, o.fill); err != nil {
			return err
		}
	}
	random := false
	m, err := bounded(ctx, func() (*onnx.Model, error) {
		g, err := graph.Build(f.Model, ops.Default())
		if missing := new(ops.UnsupportedError); errors.As(err, &missing) {
			return nil, err
		} else if err != nil {
			return nil, &codedError{exitInvalid, err}
		}
		if g, err = opt.Apply(g, opt.Options{Standard: true, Skip: settings.Skip}); err != nil {
			return nil, &codedError{exitInvalid, err}
		}
		random = draws(g)
		return graph.Export(g, f.Model)
	})
	if err != nil {
		return err
	}
	report := &optimizeReport{Version: 1, Out: o.out, Before: measureModel(f.Model), After: measureModel(m)}
	if !o.noCheck && !random {
		if report.Checked, err = compareModels(ctx, cmd, &o.common, &o.inputs, f.Model, m); err != nil {
			return err
		}
	}
	if err := onnx.WriteFile(o.out, m, nil); err != nil {
		return err
	}
	return o.print(cmd, report)
}

// draws reports whether two runs of g may differ.
func draws(g *graph.Graph) (random bool) {
	g.Walk(func(g *graph.Graph) {
		for _, n := range g.Nodes {
			random = random || n.Op != nil && n.Op.Flags&ops.Random != 0
		}
	})
	return random
}

// measureModel counts the nodes and weights of a model.
func measureModel(m *onnx.Model) modelSize {
	s := modelSize{Operators: map[string]int{}}
	s.add(m.Graph)
	return s
}

func (s *modelSize) add(g *onnx.Graph) {
	for _, p := range g.Initializers {
		s.weight(p)
	}
	for _, n := range g.Nodes {
		s.Nodes++
		s.Operators[n.OpType]++
		for _, a := range n.Attributes {
			switch {
			case a.G != nil:
				s.add(a.G)
			case a.T != nil && n.OpType == "Constant":
				s.weight(a.T)
			}
		}
	}
}

func (s *modelSize) weight(p *onnx.TensorProto) {
	n := 1
	for _, d := range p.Dims {
		n *= int(d)
	}
	s.Parameters += n
	s.Bytes += p.DType().ByteLen(n)
}

func (o *optimization) print(cmd *cobra.Command, r *optimizeReport) error {
	if o.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	t := &table{}
	t.row("", "BEFORE", "AFTER")
	t.row("nodes", r.Before.Nodes, r.After.Nodes)
	t.row("parameters", r.Before.Parameters, r.After.Parameters)
	t.row("bytes", r.Before.Bytes, r.After.Bytes)
	t.row()
	names := slices.SortedFunc(maps.Keys(r.Before.Operators), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Before.Operators[b], r.Before.Operators[a]), cmp.Compare(a, b))
	})
	for _, name := range slices.Sorted(maps.Keys(r.After.Operators)) {
		if r.Before.Operators[name] == 0 {
			names = append(names, name)
		}
	}
	for _, name := range names {
		t.row(name, r.Before.Operators[name], r.After.Operators[name])
	}
	t.row()
	if r.Checked != nil {
		t.row("outputs that agree", r.Checked.Outputs, fmt.Sprintf("(largest difference %.3g)", r.Checked.MaxErr))
	} else {
		t.row("results", "not compared")
	}
	return t.print(cmd.OutOrStdout())
}
