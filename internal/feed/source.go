package feed

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Source says where the inputs of a model come from: single files first, then a folder, and for inputs
// that neither has, synthetic values.
type Source struct {
	Files []string                  // "name=FILE"; for models with one input, "FILE" will do
	Dir   string                    // see Folder
	Ready map[string]*tensor.Tensor // what Listed returned for Dir, if it was asked before
	Dims  map[string]int            // sizes of symbolic dimensions, for synthetic inputs
	Seed  uint64                    // of synthetic inputs

	// Metadata are the model's. Preprocessing of pictures and sounds that fine-tuning wrote there is repeated.
	Metadata map[string]string
}

// Inputs returns a value for each of the given inputs, and the names of those that are synthetic.
func (s *Source) Inputs(infos []runtime.ValueInfo) (map[string]*tensor.Tensor, []string, error) {
	in := map[string]*tensor.Tensor{}
	if s.Ready != nil {
		maps.Copy(in, s.Ready)
	} else if s.Dir != "" {
		list, err := folder(s.Dir, infos, s.Metadata)
		if err != nil {
			return nil, nil, err
		}
		in = list
	}
	for _, arg := range s.Files {
		list, err := s.file(arg, infos)
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(in, list)
	}
	var synthetic []string
	for _, info := range infos {
		if in[info.Name] != nil {
			continue
		}
		t, err := s.Synthetic(info)
		if err != nil {
			return nil, nil, err
		}
		in[info.Name] = t
		synthetic = append(synthetic, info.Name)
	}
	return in, synthetic, nil
}

// file reads one "name=FILE" argument. An .npz without a name gives all inputs that it has arrays for.
func (s *Source) file(arg string, infos []runtime.ValueInfo) (map[string]*tensor.Tensor, error) {
	name, file, named := strings.Cut(arg, "=")
	if !named {
		if file = arg; strings.EqualFold(filepath.Ext(file), ".npz") {
			return archive(file, infos)
		}
		if len(infos) != 1 {
			return nil, fmt.Errorf("feed: input %q of a model with %d inputs: want name=FILE", arg, len(infos))
		}
		name = infos[0].Name
	}
	i := slices.IndexFunc(infos, func(v runtime.ValueInfo) bool { return v.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("feed: the model has no input %q: its inputs are %q", name, inputNames(infos))
	}
	t, err := ReadFile(file, infos[i], s.Metadata)
	if err != nil {
		return nil, fmt.Errorf("feed: input %q of %s: %w", name, file, err)
	}
	return map[string]*tensor.Tensor{name: t}, nil
}

func inputNames(infos []runtime.ValueInfo) []string {
	var list []string
	for _, v := range infos {
		list = append(list, v.Name)
	}
	return list
}

// archive reads those arrays of an .npz file that are named like inputs.
func archive(file string, infos []runtime.ValueInfo) (map[string]*tensor.Tensor, error) {
	arrays, err := readNPZ(file)
	if err != nil {
		return nil, err
	}
	in := map[string]*tensor.Tensor{}
	for _, v := range infos {
		if t := arrays[v.Name]; t != nil {
			in[v.Name] = t
		}
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("feed: %s holds %q, the inputs are %q", file, slices.Sorted(maps.Keys(arrays)), inputNames(infos))
	}
	return in, nil
}

// Folder reads the inputs that a folder holds, in the first of these forms that fits: inputs.txt, which
// lists name, dtype, shape and file of each; input_<i>.pb by position, a data set of an ONNX case; or
// <name>.npy. Inputs that it does not hold are left out.
func Folder(dir string, infos []runtime.ValueInfo) (map[string]*tensor.Tensor, error) {
	return folder(dir, infos, nil)
}

func folder(dir string, infos []runtime.ValueInfo, metadata map[string]string) (map[string]*tensor.Tensor, error) {
	if in, err := Listed(dir); in != nil || err != nil {
		return in, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("feed: %s is not a folder of inputs", dir)
	}
	in := map[string]*tensor.Tensor{}
	positional, _ := filepath.Glob(filepath.Join(dir, "input_*.pb"))
	if len(positional) > len(infos) {
		return nil, fmt.Errorf("feed: %s holds %d inputs, the model has %d", dir, len(positional), len(infos))
	}
	for i, v := range infos {
		candidates := []string{v.Name + ".npy", FileName(v.Name) + ".npy"}
		if len(positional) > 0 {
			candidates = []string{fmt.Sprintf("input_%d.pb", i)}
		}
		for _, name := range candidates {
			file := filepath.Join(dir, name)
			if _, err := os.Stat(file); err != nil {
				continue
			}
			t, err := ReadFile(file, v, metadata)
			if err != nil {
				return nil, fmt.Errorf("feed: input %q of %s: %w", v.Name, file, err)
			}
			in[v.Name] = t
			break
		}
	}
	return in, nil
}

// Listed reads the inputs that the inputs.txt of a folder lists, which takes no knowledge of the model. They are nil if there is
// no such file.
func Listed(dir string) (map[string]*tensor.Tensor, error) {
	text, err := os.ReadFile(filepath.Join(dir, "inputs.txt"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("feed: %w", err)
	}
	return listed(dir, string(text))
}

// listed reads the files that the lines of an inputs.txt name.
func listed(dir, text string) (map[string]*tensor.Tensor, error) {
	in := map[string]*tensor.Tensor{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("feed: inputs.txt: line %q has %d fields, want name, dtype, shape and file", line, len(f))
		}
		dtype, err := tensor.ParseDType(f[1])
		if err != nil {
			return nil, fmt.Errorf("feed: inputs.txt: %w", err)
		}
		shape, err := parseShape(f[2])
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(filepath.Join(dir, f[3]))
		if err != nil {
			return nil, fmt.Errorf("feed: inputs.txt: %w", err)
		}
		if in[f[0]], err = decodeRaw(dtype, shape, data); err != nil {
			return nil, fmt.Errorf("feed: %s: %w", f[3], err)
		}
	}
	return in, nil
}
