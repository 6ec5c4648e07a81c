package main

import (
	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/survey"
)

func checkCommand() *cobra.Command {
	var c common
	cmd := &cobra.Command{
		Use:   "check model.onnx",
		Short: "Check whether a model is valid: format, structure, types and shapes",
		Args:  arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.limit(cmd.Context())
			defer cancel()
			rep, err := bounded(ctx, func() (*survey.Verdict, error) { return survey.Check(args[0], c.externalRoot, c.fill) })
			if err != nil {
				return err
			}
			if err := printVerdict(cmd, rep, c.json); err != nil {
				return err
			}
			if !rep.OK {
				return coded(exitInvalid, "%s is not valid", args[0])
			}
			return nil
		},
	}
	c.register(cmd)
	return cmd
}

func printVerdict(cmd *cobra.Command, rep *survey.Verdict, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), rep)
	}
	t := &table{}
	for _, f := range rep.Findings {
		t.row(f.Rule, f.Node, f.Message)
	}
	if rep.OK {
		t.row("ok")
	}
	return t.print(cmd.OutOrStdout())
}
