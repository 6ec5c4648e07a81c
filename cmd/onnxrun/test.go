package main

import (
	"context"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/conform"
)

// A testReport is what the test command prints as JSON.
type testReport struct {
	Passed  int              `json:"passed"`
	Failed  int              `json:"failed"`
	Skipped int              `json:"skipped"`
	Cases   []conform.Result `json:"cases"`

	Quality *conform.Quality `json:"quality,omitempty"` // of gradients
}

func testCommand() *cobra.Command {
	var c common
	var pattern, invalid, gradients, trajectories string
	cmd := &cobra.Command{
		Use:   "test PATH...",
		Short: "Run cases with recorded inputs and outputs and compare",
		Long: `Run cases with recorded inputs and outputs and compare.

PATH is the folder of an ONNX case (model.onnx and test_data_set_*), of a weight-stripped model (model.onnx,
fill.json, spec.json and ref.npz), a folder of such folders, a .zip of either, or a packed archive. A case that
needs something that is missing here is skipped and does not change the exit code. --timeout is for each case.

Gradients (--gradients) are also measured against the error that the archive records for PyTorch in float32.
Trainings (--trajectories) are run again: each loss, the final weights and the predictions are compared.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := c.options()
			if err != nil {
				return err
			}
			filter, err := regexp.Compile(pattern)
			if err != nil {
				return usage("--run: %v", err)
			}
			if (len(args) == 0) == (invalid == "" && gradients == "" && trajectories == "") {
				return usage("test takes paths of cases, or --invalid ZIP, --gradients ZIP or --trajectories ZIP")
			}
			report := &reporter{cmd: cmd, json: c.json}
			copts := conform.Options{Runtime: *opts, Timeout: c.timeout}
			if invalid != "" {
				list, err := conform.Invalid(cmd.Context(), invalid, copts)
				for _, r := range list {
					report.add(r)
				}
				return report.finish(err)
			}
			if gradients != "" {
				return report.finish(testGradients(cmd.Context(), gradients, filter, copts, report))
			}
			if trajectories != "" {
				return report.finish(testTrajectories(cmd.Context(), trajectories, filter, copts, report))
			}
			for _, path := range args {
				if err := testPath(cmd.Context(), path, filter, copts, report); err != nil {
					return err
				}
			}
			if err := report.finish(nil); err != nil || len(report.sum.Cases) > 0 {
				return err
			}
			return usage("no case has a name that matches --run %q", pattern)
		},
	}
	c.register(cmd)
	cmd.Flags().StringVar(&pattern, "run", "", "only cases whose name matches this regular expression")
	cmd.Flags().StringVar(&invalid, "invalid", "", "archive of invalid models with an index.json that says what to expect of each")
	cmd.Flags().StringVar(&gradients, "gradients", "", "archive of models with recorded gradients")
	cmd.Flags().StringVar(&trajectories, "trajectories", "", "archive of recorded trainings")
	return cmd
}

func testGradients(ctx context.Context, name string, filter *regexp.Regexp, opts conform.Options, report *reporter) error {
	archive, err := conform.OpenGradients(name)
	if err != nil {
		return err
	}
	defer archive.Close()
	quality := new(conform.Quality)
	report.sum.Quality = quality
	for _, c := range archive.Cases {
		if !filter.MatchString(c.Name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r, e := c.Run(ctx, opts)
		report.add(r)
		quality.Add(c, r, e)
	}
	return nil
}

func testTrajectories(ctx context.Context, name string, filter *regexp.Regexp, opts conform.Options, report *reporter) error {
	archive, err := conform.OpenTrajectories(name)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, t := range archive.Trajectories {
		if !filter.MatchString(t.Name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		report.add(t.Run(ctx, opts))
	}
	return nil
}

func testPath(ctx context.Context, path string, filter *regexp.Regexp, opts conform.Options, report *reporter) error {
	suite, err := conform.Find(path)
	if err != nil {
		return err
	}
	defer suite.Close()
	for _, c := range suite.Cases {
		if !filter.MatchString(c.Name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		report.add(c.Run(ctx, opts))
	}
	return nil
}

// A reporter prints results as they come, or as one JSON object at the end.
type reporter struct {
	cmd  *cobra.Command
	json bool
	sum  testReport
}

func (r *reporter) add(res conform.Result) {
	r.sum.Cases = append(r.sum.Cases, res)
	switch res.Status {
	case conform.Passed:
		r.sum.Passed++
	case conform.Failed:
		r.sum.Failed++
	default:
		r.sum.Skipped++
	}
	out := r.cmd.OutOrStdout()
	if r.json {
		out = r.cmd.ErrOrStderr()
	}
	line := fmt.Sprintf("%-8s%s", res.Status, res.Name)
	if res.MaxErr > 0 {
		line += fmt.Sprintf("  max_err %.2g", res.MaxErr)
	}
	if res.Reason != "" {
		line += "  " + res.Reason
	}
	fmt.Fprintln(out, line)
}

func (r *reporter) finish(err error) error {
	if err != nil {
		return err
	}
	if r.sum.Cases == nil {
		r.sum.Cases = []conform.Result{}
	}
	if r.json {
		err = printJSON(r.cmd.OutOrStdout(), r.sum)
	} else {
		_, err = fmt.Fprintf(r.cmd.OutOrStdout(), "%d passed, %d failed, %d skipped\n", r.sum.Passed, r.sum.Failed, r.sum.Skipped)
	}
	if q := r.sum.Quality; q != nil && err == nil && !r.json {
		_, err = fmt.Fprintf(r.cmd.OutOrStdout(), "quality: %d of %d gradients in float32 are off by at most twice PyTorch's error, or 1e-6\n",
			q.Within, q.Cases)
		for _, name := range q.Coarse {
			fmt.Fprintf(r.cmd.OutOrStdout(), "coarse  %s\n", name)
		}
	}
	if err == nil && r.sum.Failed > 0 {
		err = coded(exitMismatch, "%d of %d cases failed", r.sum.Failed, len(r.sum.Cases))
	}
	return err
}
