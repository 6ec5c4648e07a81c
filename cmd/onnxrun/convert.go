package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/convert"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A convertReport is what the convert command prints as JSON.
type convertReport struct {
	Version   int              `json:"version"`
	Out       string           `json:"out"`
	IRVersion int64            `json:"ir_version"`
	Opsets    map[string]int64 `json:"opsets"`
	Nodes     int              `json:"nodes"`  // of the main graph
	Before    int              `json:"before"` // of the main graph before
	Checked   *checkedOutputs  `json:"checked,omitempty"`
}

// checkedOutputs is what --check found.
type checkedOutputs struct {
	Outputs int     `json:"outputs"`
	MaxErr  float64 `json:"max_err"` // in parts of an output's largest magnitude
}

// A conversion is the convert command with its flags.
type conversion struct {
	common
	inputs inputFlags
	opsets []string
	out    string
	check  bool
}

func convertCommand() *cobra.Command {
	c := &conversion{}
	cmd := &cobra.Command{
		Use:   "convert model.onnx --opset N -o out.onnx",
		Short: "Rewrite a model for another version of the operator sets",
		Long: `Rewrite a model for another version of the operator sets it imports, upwards or downwards.

--opset takes the version of ai.onnx, or DOMAIN=N for another domain, such as ai.onnx.ml=3. Upwards every valid
model converts; downwards an error names each node that the older version has nothing equal for (exit code 4).
With --check both models run on the same inputs, made up or given, and must agree (exit code 5).`,
		Args: arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.limit(cmd.Context())
			defer cancel()
			return c.run(ctx, cmd, args[0])
		},
	}
	c.register(cmd)
	c.inputs.register(cmd)
	cmd.Flags().StringArrayVar(&c.opsets, "opset", nil, "N or DOMAIN=N: version to convert to (repeatable)")
	cmd.Flags().StringVarP(&c.out, "out", "o", "", "file to write the converted model to")
	cmd.Flags().BoolVar(&c.check, "check", false, "run both models on the same inputs and compare")
	return cmd
}

func (c *conversion) run(ctx context.Context, cmd *cobra.Command, model string) error {
	targets, err := parseOpsets(c.opsets)
	if err != nil {
		return err
	}
	if c.out == "" {
		return usage("convert needs -o FILE")
	}
	if err := writable(c.out); err != nil {
		return err
	}
	if err := c.inputs.check(); err != nil {
		return err
	}
	f, err := onnx.Open(model, &onnx.OpenOptions{ExternalRoot: c.externalRoot})
	if err != nil {
		return err
	}
	defer f.Close()
	if c.fill != "" {
		if err := feed.FillFrom(f.Model, c.fill); err != nil {
			return err
		}
	}
	m, err := bounded(ctx, func() (*onnx.Model, error) { return convert.Model(f.Model, targets) })
	if err != nil {
		return err
	}
	report := &convertReport{Version: 1, Out: c.out, IRVersion: m.IRVersion, Opsets: map[string]int64{},
		Nodes: len(m.Graph.Nodes), Before: len(f.Graph.Nodes)}
	for _, o := range m.Opsets {
		report.Opsets[domainName(o.Domain)] = o.Version
	}
	if c.check {
		if report.Checked, err = compareModels(ctx, cmd, &c.common, &c.inputs, f.Model, m); err != nil {
			return err
		}
	}
	if err := onnx.WriteFile(c.out, m, nil); err != nil {
		return err
	}
	return c.print(cmd, report)
}

func (c *conversion) print(cmd *cobra.Command, r *convertReport) error {
	if c.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	t := &table{}
	for _, domain := range slices.Sorted(maps.Keys(r.Opsets)) {
		t.row(domain, r.Opsets[domain])
	}
	t.row("IR version", r.IRVersion)
	t.row("nodes", r.Nodes, fmt.Sprintf("(%d before)", r.Before))
	if r.Checked != nil {
		t.row("outputs that agree", r.Checked.Outputs, fmt.Sprintf("(largest difference %.3g)", r.Checked.MaxErr))
	}
	return t.print(cmd.OutOrStdout())
}

// parseOpsets reads versions by domain.
func parseOpsets(args []string) (map[string]int, error) {
	if len(args) == 0 {
		return nil, usage("convert needs --opset N")
	}
	targets := map[string]int{}
	for _, arg := range args {
		domain, text, named := strings.Cut(arg, "=")
		if !named {
			domain, text = "", arg
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, usage("--opset %s, want N or DOMAIN=N", arg)
		}
		domain = onnx.NormalDomain(domain)
		latest := schema.LatestOpset(domain)
		if latest == 0 {
			return nil, usage("--opset %s: there is no standard operator set %s", arg, domainName(domain))
		}
		if n > latest {
			return nil, usage("--opset %s: the newest version of %s is %d", arg, domainName(domain), latest)
		}
		targets[domain] = n
	}
	return targets, nil
}

func domainName(domain string) string {
	if onnx.NormalDomain(domain) == "" {
		return "ai.onnx"
	}
	return domain
}

// compareModels runs a model and what was made of it on the same inputs.
func compareModels(ctx context.Context, cmd *cobra.Command, c *common, inputs *inputFlags, before, after *onnx.Model) (*checkedOutputs, error) {
	var in map[string]*tensor.Tensor
	var results [2]map[string]*tensor.Tensor
	var outs []runtime.ValueInfo
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	for i, m := range []*onnx.Model{before, after} {
		s, err := invalidNode(runtime.New(onnx.FileOf(m), o))
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if in, err = inputs.load(s.Inputs(), s.Metadata(), cmd.ErrOrStderr()); err != nil {
				return nil, err
			}
			outs = s.Outputs()
		}
		if results[i], err = s.Run(ctx, in); err != nil {
			return nil, err
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
	checked := &checkedOutputs{}
	for _, v := range outs {
		rule := conform.DefaultRule(v.DType)
		d, err := rule.Compare(results[1][v.Name], results[0][v.Name])
		if err != nil {
			return nil, coded(exitMismatch, "output %s of the new model: %v", v.Name, err)
		}
		checked.Outputs++
		checked.MaxErr = max(checked.MaxErr, d)
	}
	return checked, nil
}
