package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// inputFlags say where the inputs of a run come from.
type inputFlags struct {
	files []string
	dir   string
	dims  []string
	seed  uint64
	ready map[string]*tensor.Tensor // see readAhead
}

func (f *inputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.files, "input", nil, "name=FILE: .npy, .npz, .pb, .json, a picture or .wav (repeatable)")
	flags.StringVar(&f.dir, "inputs", "", "folder with inputs.txt, input_<i>.pb or <name>.npy")
	flags.StringArrayVar(&f.dims, "dim", nil, "N=4: size of a symbolic dimension, for inputs that are made up (repeatable)")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of inputs that are made up")
}

// check looks for mistakes that can be found before a model is opened.
func (f *inputFlags) check() error {
	_, err := parseDims(f.dims)
	return err
}

// readAhead reads the inputs that can be read before the model is opened, for those who measure what the model takes.
func (f *inputFlags) readAhead() (err error) {
	if f.dir != "" {
		f.ready, err = feed.Listed(f.dir)
	}
	return err
}

// knownDims refuses sizes of symbols that no input has.
func knownDims(dims map[string]int, infos []runtime.ValueInfo) error {
	var known []string
	for _, v := range infos {
		for _, d := range v.Dims {
			if d.Value < 0 && d.Name != "" && !slices.Contains(known, d.Name) {
				known = append(known, d.Name)
			}
		}
	}
	for name := range dims {
		if !slices.Contains(known, name) {
			return usage("--dim %s: no input has such a dimension, they have %q", name, known)
		}
	}
	return nil
}

// load returns the inputs of a session and says on stderr which of them are made up. The model's metadata may say how pictures and
// sounds become inputs.
func (f *inputFlags) load(infos []runtime.ValueInfo, metadata map[string]string, stderr io.Writer) (map[string]*tensor.Tensor, error) {
	dims, err := parseDims(f.dims)
	if err != nil {
		return nil, err
	}
	if err := knownDims(dims, infos); err != nil {
		return nil, err
	}
	source := feed.Source{Files: f.files, Dir: f.dir, Ready: f.ready, Dims: dims, Seed: f.seed, Metadata: metadata}
	in, synthetic, err := source.Inputs(infos)
	if err != nil {
		return nil, err
	}
	if len(synthetic) > 0 {
		fmt.Fprintf(stderr, "synthetic inputs (seed %d): %s\n", f.seed, strings.Join(synthetic, ", "))
	}
	return in, nil
}
