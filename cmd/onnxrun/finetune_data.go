package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/data"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// dataFlags say how samples are read.
type dataFlags struct {
	label       string
	header      string
	task        string
	features    []string
	constants   []string
	standardise bool
	size        string
	mean, std   []float64
	scale       float64
	layout      string
	rate        int
	length      int
	balance     bool
	views       int
	flip        bool
	crop        float64
	jitter      float64
	rotate      float64
	noise       float64
	shift, gain float64
}

func (d *dataFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&d.label, "label", "", "label columns of a table or arrays, by name or index, with commas between (default found by name or content)")
	f.StringVar(&d.header, "header", "auto", "whether the first line of a table names its columns: auto, yes or no")
	f.StringVar(&d.task, "task", "auto", "what labels mean: auto, classes or numbers")
	f.StringArrayVar(&d.features, "features", nil, "columns of an input, INPUT=COLUMN,COLUMN (repeatable)")
	f.StringArrayVar(&d.constants, "const", nil, "an input that is the same number in every sample, INPUT=NUMBER (repeatable)")
	f.BoolVar(&d.standardise, "standardise", false, "give columns of tables mean 0 and deviation 1")
	f.StringVar(&d.size, "size", "", "width and height of pictures, such as 224 or 320x240 (default the model's)")
	f.Float64SliceVar(&d.mean, "mean", nil, "mean of each channel of pictures")
	f.Float64SliceVar(&d.std, "std", nil, "standard deviation of each channel of pictures")
	f.Float64Var(&d.scale, "scale", 0, "factor on pixel values, such as 0.00392")
	f.StringVar(&d.layout, "layout", "", "nchw or nhwc (default the model's)")
	f.IntVar(&d.rate, "sample-rate", 0, "samples per second of sounds")
	f.IntVar(&d.length, "length", 0, "samples of a sound; shorter ones are padded, longer ones cut")
	f.BoolVar(&d.balance, "balance", false, "weigh classes inversely to how many samples they have")
	f.IntVar(&d.views, "aug-views", 0, "augmented views of each sample, the plain one included")
	f.BoolVar(&d.flip, "aug-flip", false, "flip pictures left and right")
	f.Float64Var(&d.crop, "aug-crop", 0, "smallest share of a picture that a random crop keeps")
	f.Float64Var(&d.jitter, "aug-jitter", 0, "change of brightness, contrast and saturation at most")
	f.Float64Var(&d.rotate, "aug-rotate", 0, "degrees that pictures are turned by at most")
	f.Float64Var(&d.noise, "aug-noise", 0, "standard deviation of noise on the inputs")
	f.Float64Var(&d.shift, "aug-shift", 0, "largest share of its length that a sound is shifted by")
	f.Float64Var(&d.gain, "aug-gain", 0, "decibels that sounds are louder or softer at most")
}

// options turns the flags into those of package data. classes is how many the model tells apart, 0 if that is not known.
func (d *dataFlags) options(m *onnx.Model, dir string, classes int, seed uint64) (data.Options, error) {
	o := data.Options{Inputs: inputsOf(m), Outputs: classes, Label: d.label, Standardise: d.standardise, ModelDir: dir, Metadata: map[string]string{},
		Features: map[string][]string{}, Constants: map[string]*tensor.Tensor{}}
	for _, e := range m.Metadata {
		o.Metadata[e.Key] = e.Value
	}
	var err error
	if o.Header, err = pick("--header", d.header, map[string]data.Header{"auto": data.GuessHeader, "yes": data.WithHeader, "no": data.WithoutHeader}); err != nil {
		return o, err
	}
	if o.Task, err = pick("--task", d.task, map[string]data.Task{"auto": data.Auto, "classes": data.Classify, "numbers": data.Regress}); err != nil {
		return o, err
	}
	for _, text := range d.features {
		name, columns, ok := strings.Cut(text, "=")
		if !ok {
			return o, usage("finetune: --features %s, want INPUT=COLUMN,COLUMN", text)
		}
		o.Features[name] = strings.Split(columns, ",")
	}
	for _, text := range d.constants {
		if err := d.constant(&o, text); err != nil {
			return o, err
		}
	}
	o.Picture = data.PictureOptions{Mean: d.mean, Std: d.std, Scale: d.scale, Layout: d.layout}
	if o.Picture.Width, o.Picture.Height, err = pictureSize(d.size); err != nil {
		return o, err
	}
	o.Sound = data.SoundOptions{Rate: d.rate, Length: d.length}
	o.Augment = data.Augment{Views: d.views, Seed: seed, Flip: d.flip, Crop: d.crop, Brightness: d.jitter, Contrast: d.jitter, Saturation: d.jitter, Rotate: d.rotate, Noise: d.noise, Shift: d.shift, Gain: d.gain}
	if d.views == 0 && (d.flip || d.crop > 0 || d.jitter > 0 || d.rotate > 0 || d.noise > 0 || d.shift > 0 || d.gain > 0) {
		o.Augment.Views = 4
	}
	return o, nil
}

func (d *dataFlags) constant(o *data.Options, text string) error {
	name, number, ok := strings.Cut(text, "=")
	v, err := strconv.ParseFloat(number, 64)
	i := slices.IndexFunc(o.Inputs, func(info runtime.ValueInfo) bool { return info.Name == name })
	if !ok || err != nil || i < 0 {
		return usage("finetune: --const %s, want INPUT=NUMBER; the model's inputs are %s", text, names(o.Inputs))
	}
	t, err := scalarFor(o.Inputs[i], v)
	o.Constants[name] = t
	return err
}

// scalarFor returns a tensor of the input's type in which open dimensions are 1 and all elements are v.
func scalarFor(info runtime.ValueInfo, v float64) (*tensor.Tensor, error) {
	shape := tensor.Shape{}
	for _, d := range info.Dims {
		shape = append(shape, max(1, d.Value))
	}
	all := make([]float64, shape.Len())
	for i := range all {
		all[i] = v
	}
	return tensor.FromFloat64s(info.DType, shape, all)
}

func names(infos []runtime.ValueInfo) string {
	var list []string
	for _, info := range infos {
		list = append(list, info.Name)
	}
	return strings.Join(list, ", ")
}

func pick[T any](flag, value string, choices map[string]T) (T, error) {
	v, ok := choices[value]
	if !ok {
		var list []string
		for name := range choices {
			list = append(list, name)
		}
		slices.Sort(list)
		return v, usage("%s %s, want one of %s", flag, value, strings.Join(list, ", "))
	}
	return v, nil
}

func pictureSize(text string) (width, height int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	w, h, two := strings.Cut(strings.ToLower(text), "x")
	if !two {
		h = w
	}
	width, err = strconv.Atoi(w)
	if err == nil {
		height, err = strconv.Atoi(h)
	}
	if err != nil || width < 1 || height < 1 {
		return 0, 0, usage("finetune: --size %s, want something like 224 or 320x240", text)
	}
	return width, height, nil
}

// inputsOf describes the inputs of a model without those that are weights.
func inputsOf(m *onnx.Model) []runtime.ValueInfo {
	weights := map[string]bool{}
	for _, w := range m.Graph.Initializers {
		weights[w.Name] = true
	}
	var out []runtime.ValueInfo
	for _, v := range m.Graph.Inputs {
		if weights[v.Name] || v.Type == nil {
			continue
		}
		info := runtime.ValueInfo{Name: v.Name, DType: v.Type.DType(), Ranked: v.Type.HasShape, Type: v.Type.String()}
		if v.Type.Kind != onnx.TypeTensor {
			info.Kind = tensor.KindSequence
		}
		for i, d := range v.Type.Dims {
			switch d.Kind {
			case onnx.DimValue:
				info.Dims = append(info.Dims, runtime.Dim{Value: int(d.Value)})
			case onnx.DimParam:
				info.Dims = append(info.Dims, runtime.Dim{Name: d.Param, Value: -1})
			default:
				info.Dims = append(info.Dims, runtime.Dim{Name: fmt.Sprintf("%s:%d", v.Name, i), Value: -1})
			}
		}
		out = append(out, info)
	}
	return out
}

// fillConstants gives inputs that the scores do not depend on the value 0, where the data cannot have them.
func (j *job) fillConstants(o *data.Options, at []string) error {
	needed, err := finetune.Needs(j.file.Model, at...)
	if err != nil {
		return err
	}
	for _, info := range o.Inputs {
		if needed[info.Name] || o.Constants[info.Name] != nil || o.Features[info.Name] != nil {
			continue
		}
		t, err := scalarFor(info, 0)
		if err != nil {
			continue // the reader says what is missing
		}
		o.Constants[info.Name] = t
		j.say("input %q is 0 in training: the scores do not depend on it", info.Name)
	}
	return nil
}

func (j *job) modelDir() string { return filepath.Dir(j.name) }
