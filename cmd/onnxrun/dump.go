package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/survey"
)

func dumpCommand() *cobra.Command {
	var c common
	var stage string
	cmd := &cobra.Command{
		Use:   "dump model.onnx",
		Short: "Print a model as one of the stages sees it",
		Args:  arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(survey.Stages, stage) {
				return usage("--stage %s, want one of %v", stage, survey.Stages)
			}
			return survey.Dump(cmd.OutOrStdout(), args[0], stage, c.externalRoot)
		},
	}
	cmd.Flags().StringVar(&stage, "stage", "model", "model, graph, opt or plan")
	cmd.Flags().StringVar(&c.externalRoot, "external-root", "", "folder, besides the model's, that external data may lie in")
	return cmd
}
