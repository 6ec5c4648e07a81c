package main

import (
	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/survey"
	"github.com/onnxrun/onnxrun/onnx"
)

func inferCommand() *cobra.Command {
	var c common
	cmd := &cobra.Command{
		Use:   "infer model.onnx",
		Short: "Infer the type and shape of every value",
		Args:  arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := onnx.Open(args[0], &onnx.OpenOptions{ExternalRoot: c.externalRoot})
			if err != nil {
				return err
			}
			defer f.Close()
			if c.fill != "" {
				if err := feed.FillFrom(f.Model, c.fill); err != nil {
					return err
				}
			}
			g, err := survey.Infer(f.Model)
			if err != nil {
				return err
			}
			graph.Complete(g)
			values := survey.Values(g)
			if c.json {
				return printJSON(cmd.OutOrStdout(), map[string]any{"version": 1, "values": values})
			}
			t := &table{}
			t.row("VALUE", "KIND", "DTYPE", "DIMS")
			for _, v := range values {
				t.row(v.Path, v.Kind, v.DType, dimsText(v.Dims))
			}
			return t.print(cmd.OutOrStdout())
		},
	}
	c.registerModel(cmd)
	c.registerJSON(cmd)
	return cmd
}
