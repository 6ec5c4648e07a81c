package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/survey"
	"github.com/onnxrun/onnxrun/onnx"
)

func infoCommand() *cobra.Command {
	var c common
	var dims []string
	cmd := &cobra.Command{
		Use:   "info model.onnx",
		Short: "Describe a model: inputs, outputs, operators, parameters, multiply-adds, what is unsupported",
		Args:  arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			sizes, err := parseDims(dims)
			if err != nil {
				return err
			}
			f, err := onnx.Open(args[0], &onnx.OpenOptions{ExternalRoot: c.externalRoot})
			if err != nil {
				return err
			}
			defer f.Close()
			m := survey.Analyse(f.Model, sizes)
			if c.json {
				return printJSON(cmd.OutOrStdout(), m)
			}
			return printInfo(cmd, m)
		},
	}
	cmd.Flags().StringVar(&c.externalRoot, "external-root", "", "folder, besides the model's, that external data may lie in")
	cmd.Flags().StringArrayVar(&dims, "dim", nil, "N=4: size of a symbolic dimension, for the counts (repeatable)")
	c.registerJSON(cmd)
	return cmd
}

// parseDims reads arguments such as N=4.
func parseDims(args []string) (map[string]int, error) {
	dims := map[string]int{}
	for _, arg := range args {
		name, size, ok := strings.Cut(arg, "=")
		n, err := strconv.Atoi(size)
		if !ok || err != nil || n < 0 {
			return nil, usage("--dim %s, want name=size, with a size of at least 0", arg)
		}
		dims[name] = n
	}
	return dims, nil
}

func printInfo(cmd *cobra.Command, m *survey.Model) error {
	t := &table{}
	t.row("producer", m.Producer)
	t.row("IR version", m.IRVersion)
	for domain, v := range m.Opsets {
		t.row("opset", fmt.Sprint(domain, " ", v))
	}
	for _, v := range m.Inputs {
		t.row("input", v.Path, v.Kind, v.DType, dimsText(v.Dims))
	}
	for _, v := range m.Outputs {
		t.row("output", v.Path, v.Kind, v.DType, dimsText(v.Dims))
	}
	t.row("parameters", m.Parameters, fmt.Sprintf("%.1f MB", float64(m.Bytes)/1e6))
	macs := fmt.Sprintf("%.3f million", float64(m.MACs)/1e6)
	if names := m.SizeNames(); len(names) > 0 {
		macs += " at"
		for _, name := range names {
			macs += fmt.Sprintf(" %s=%d", name, m.Sizes[name])
		}
	}
	t.row("multiply-adds", macs)
	if m.Uncounted > 0 {
		t.row("", fmt.Sprintf("without %d nodes whose sizes are known only while running", m.Uncounted))
	}
	t.row("arena", fmt.Sprintf("%.3f MB", float64(m.ArenaBytes)/1e6))
	t.row("nodes", m.Nodes)
	for _, c := range m.Operators {
		t.row("", c.Operator, c.Nodes)
	}
	switch {
	case m.Supported:
		t.row("verdict", "everything is supported")
	case m.Problem != "":
		t.row("verdict", m.Problem)
	default:
		for _, u := range m.Unsupported {
			t.row("unsupported", u)
		}
	}
	return t.print(cmd.OutOrStdout())
}

func dimsText(dims []any) string {
	if dims == nil {
		return "any shape"
	}
	parts := make([]string, len(dims))
	for i, d := range dims {
		if d == nil {
			d = "?"
		}
		parts[i] = fmt.Sprint(d)
	}
	return "[" + strings.Join(parts, " ") + "]"
}
