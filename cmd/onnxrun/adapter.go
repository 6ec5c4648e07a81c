package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/onnx"
)

// An adapterReport is what the adapter commands print as JSON.
type adapterReport struct {
	Version int             `json:"version"`
	Out     string          `json:"out,omitempty"`
	Rank    int             `json:"rank,omitempty"`
	Alpha   float64         `json:"alpha,omitempty"`
	Modules []adapterModule `json:"modules"`
	Saved   []string        `json:"saved"`          // parameters that are replaced as a whole
	Kept    []adapterModule `json:"kept,omitempty"` // branches that could not be merged
}

type adapterModule struct {
	Module string  `json:"module"`
	Kind   string  `json:"kind,omitempty"`
	Rank   int     `json:"rank"`
	Scale  float64 `json:"scale"`
	Why    string  `json:"why,omitempty"`
}

// An adapting is one of the adapter commands with its flags.
type adapting struct {
	common
	out  string
	save []string
	trim string
}

func adapterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "adapter",
		Short: "Low-rank adapters (LoRA) in the files of PEFT: look at them, merge them into models, take them out",
		Long: `Low-rank adapters (LoRA) in the files of PEFT: adapter_config.json and adapter_model.safetensors in a folder.

An adapter names layers by the paths of their modules in PyTorch. A model's layers are found by the names of weights,
biases and nodes that its exporter left; what stands before the common part of a path may differ. A module that is not
found, or found twice, is an error that lists candidates. To run a model with an adapter see run --adapter.`,
		Args: arguments(1, 1, "info, merge, attach or export"),
		RunE: func(_ *cobra.Command, args []string) error {
			return usage("adapter %s: want info, merge, attach or export", args[0])
		},
	}
	cmd.AddCommand(adapterInfoCommand(), adapterMergeCommand(), adapterAttachCommand(), adapterExportCommand())
	return cmd
}

func adapterInfoCommand() *cobra.Command {
	a := &adapting{}
	cmd := &cobra.Command{
		Use:   "info DIR",
		Short: "List the layers that an adapter changes",
		Args:  arguments(1, 1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			adapter, err := finetune.ReadAdapter(args[0])
			if err != nil {
				return err
			}
			return a.print(cmd, reportOf(adapter))
		},
	}
	a.registerJSON(cmd)
	return cmd
}

func adapterMergeCommand() *cobra.Command {
	a := &adapting{}
	cmd := &cobra.Command{
		Use:   "merge model.onnx [DIR] -o out.onnx",
		Short: "Add an adapter, and branches that the model has already, to its weights",
		Long: `Add an adapter, and branches that the model has already, to its weights.

Quantised weights cannot take the sum: their branches stay in the model, and are listed.`,
		Args: arguments(1, 2, "a model and a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd, args, true)
		},
	}
	a.registerChange(cmd)
	return cmd
}

func adapterAttachCommand() *cobra.Command {
	a := &adapting{}
	cmd := &cobra.Command{
		Use:   "attach model.onnx DIR -o out.onnx",
		Short: "Put an adapter into a model as branches beside its layers",
		Args:  arguments(2, 2, "a model and a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd, args, false)
		},
	}
	a.registerChange(cmd)
	return cmd
}

func (a *adapting) registerChange(cmd *cobra.Command) {
	a.registerModel(cmd)
	a.registerJSON(cmd)
	cmd.Flags().StringVarP(&a.out, "out", "o", "", "file to write the model to")
}

func adapterExportCommand() *cobra.Command {
	a := &adapting{}
	cmd := &cobra.Command{
		Use:   "export model.onnx -o DIR",
		Short: "Write the low-rank branches of a model as an adapter",
		Args:  arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.export(cmd, args[0])
		},
	}
	a.registerModel(cmd)
	a.registerJSON(cmd)
	cmd.Flags().StringVarP(&a.out, "out", "o", "", "folder to write the adapter to")
	cmd.Flags().StringArrayVar(&a.save, "save", nil, "module whose parameters go along as a whole, such as a new head (repeatable)")
	cmd.Flags().StringVar(&a.trim, "trim", "", "what to take off the paths of modules, such as the wrapper the model was exported through: m.")
	return cmd
}

// load opens a model whose structure may be changed.
func (a *adapting) load(model string) (*onnx.File, error) {
	f, err := onnx.Open(model, &onnx.OpenOptions{ExternalRoot: a.externalRoot})
	if err != nil {
		return nil, err
	}
	if a.fill != "" {
		if err := feed.FillFrom(f.Model, a.fill); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// change attaches an adapter to a model, and merges it if asked to.
func (a *adapting) change(cmd *cobra.Command, args []string, merge bool) error {
	if a.out == "" {
		return usage("adapter %s needs -o FILE", cmd.Name())
	}
	f, err := a.load(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	report := &adapterReport{Modules: []adapterModule{}, Saved: []string{}}
	if len(args) > 1 {
		adapter, err := finetune.ReadAdapter(args[1])
		if err != nil {
			return err
		}
		report = reportOf(adapter)
		if _, err := adapter.Attach(f.Model); err != nil {
			return err
		}
	}
	if merge {
		branches, err := finetune.Branches(f.Model)
		if err != nil {
			return err
		}
		if len(branches) == 0 && len(report.Saved) == 0 {
			return fmt.Errorf("%s has no low-rank branches to merge: name the folder of an adapter", args[0])
		}
		kept, err := finetune.Merge(f.Model)
		if err != nil {
			return err
		}
		report.Modules, report.Kept = modulesOf(branches), modulesOf(kept)
	}
	report.Version, report.Out = 1, a.out
	if err := onnx.WriteFile(a.out, f.Model, nil); err != nil {
		return err
	}
	return a.print(cmd, report)
}

func (a *adapting) export(cmd *cobra.Command, model string) error {
	if a.out == "" {
		return usage("adapter export needs -o DIR")
	}
	f, err := a.load(model)
	if err != nil {
		return err
	}
	defer f.Close()
	adapter, err := finetune.ExtractAdapter(f.Model, a.save...)
	if err != nil {
		return err
	}
	if err := adapter.Trim(a.trim); err != nil {
		return err
	}
	if err := finetune.WriteAdapter(a.out, adapter); err != nil {
		return err
	}
	report := reportOf(adapter)
	report.Out = a.out
	return a.print(cmd, report)
}

// reportOf describes an adapter.
func reportOf(a *finetune.Adapter) *adapterReport {
	r := &adapterReport{Version: 1, Rank: a.Config.Rank, Alpha: a.Config.Alpha, Modules: []adapterModule{}, Saved: []string{}}
	for _, name := range slices.Sorted(maps.Keys(a.Layers)) {
		l := a.Layers[name]
		m := adapterModule{Module: name, Rank: l.Rank(), Scale: l.Scale}
		if l.Embedding {
			m.Kind = string(finetune.Embedding)
		}
		r.Modules = append(r.Modules, m)
	}
	r.Saved = append(r.Saved, slices.Sorted(maps.Keys(a.Saved))...)
	return r
}

func modulesOf(branches []finetune.Branch) []adapterModule {
	list := []adapterModule{}
	for _, b := range branches {
		list = append(list, adapterModule{b.Module, string(b.Kind), b.Rank, b.Scale, b.Frozen})
	}
	return list
}

func (a *adapting) print(cmd *cobra.Command, r *adapterReport) error {
	if a.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	t := &table{}
	t.row("MODULE", "RANK", "SCALE")
	for _, m := range r.Modules {
		t.row(m.Module, m.Rank, fmt.Sprintf("%.6g", m.Scale))
	}
	for _, name := range r.Saved {
		t.row(name, "", "whole")
	}
	if err := t.print(cmd.OutOrStdout()); err != nil {
		return err
	}
	for _, m := range r.Kept {
		fmt.Fprintf(cmd.ErrOrStderr(), "the branch of %s stays: %s\n", m.Module, m.Why)
	}
	return nil
}
