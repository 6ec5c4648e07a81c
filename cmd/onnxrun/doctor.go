package main

import (
	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/doctor"
)

func doctorCommand() *cobra.Command {
	var asJSON, peak bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show CPU features and kernels, and test them",
		Args:  arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := doctor.Examine(cmd.Context(), peak)
			var err error
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), r)
			} else {
				err = printDoctor(cmd, r)
			}
			if err == nil && !r.OK() {
				err = coded(exitFailed, "the self-test failed")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&peak, "peak", false, "measure how fast one core multiplies and adds")
	return cmd
}

func printDoctor(cmd *cobra.Command, r *doctor.Report) error {
	t := &table{}
	t.row("cpu", r.CPU)
	t.row("platform", r.Platform, r.CPUs, "CPUs")
	t.row("caches", r.L1>>10, "kB", r.L2>>10, "kB", r.L3>>10, "kB")
	t.row("detected", r.Detected)
	t.row("in use", r.InUse)
	if r.Problem != "" {
		t.row("problem", r.Problem)
	}
	for _, k := range r.Kernels {
		t.row("kernels", k)
	}
	for _, test := range r.Tests {
		verdict := "ok"
		if !test.OK {
			verdict = "FAILED: " + test.Reason
		}
		t.row("self-test", test.Name, verdict)
	}
	if r.GFlops > 0 {
		t.row("peak", r.GFlops, "GFLOP/s on one core")
	}
	return t.print(cmd.OutOrStdout())
}
