package data

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Task says what labels mean.
type Task int

// The tasks.
const (
	Auto       Task = iota // decided by the labels
	Classify               // each label is one of a few classes
	Regress                // labels are numbers; several label columns make a vector
	Unlabelled             // there are no labels: targets come from elsewhere
)

// A Header says whether the first line of a table names its columns.
type Header int

// The kinds of headers.
const (
	GuessHeader Header = iota // decided by the first lines
	WithHeader
	WithoutHeader
)

// Options say how samples are read. The zero value finds everything by itself.
type Options struct {
	// Inputs are what the model takes: names, element types and dimensions, the first of which counts the samples.
	// Without them there is one input, called "", of float32.
	Inputs []runtime.ValueInfo
	// Outputs is the number of classes that the model tells apart, 0 if it is unknown or shall follow the data.
	Outputs int
	// Classes are the names of the classes in the model's order. Without them, classes are those of the data: folders and
	// texts in the order of their bytes, numbers by size.
	Classes []string

	Task   Task
	Label  string // columns of a table or names of arrays with commas between, by name or by index (-1 is the last one)
	Header Header
	// Features gives the columns of each of the named inputs, by name or by index. Without it, an input takes the
	// column of its own name, and the columns left over go to the inputs left over.
	Features map[string][]string
	// Constants are inputs that are the same in every sample. One that has the batch dimension of its input loses it.
	Constants   map[string]*tensor.Tensor
	Standardise bool // columns of tables get mean 0 and deviation 1, learned by Split on the training part

	Picture PictureOptions
	Sound   SoundOptions
	Tokens  TokenOptions
	Augment Augment

	// Metadata is the model's. Preprocessing that Set.Settings wrote there is repeated.
	Metadata map[string]string
	// Sidecar is a preprocessor_config.json of Hugging Face. Without it, one beside the data or in ModelDir is taken.
	Sidecar  string
	ModelDir string
	// Like is a set whose classes, columns, categories and preprocessing this one shall have: that of training, when
	// samples to measure on are opened.
	Like *Set

	strict bool     // a table without the columns that the metadata name is refused
	labels []string // columns that were labels before

	MemoryLimit int64 // bytes that the parsed file may take; 0: 4 GiB
	MaxProblems int   // how many problems an error lists; 0: 10
}

// PictureOptions override what is found out about pictures. Zero values do not.
type PictureOptions struct {
	Width, Height int
	Resize        string // see pipeline.PictureSettings
	Filter        string
	Crop          int // side of the square in the middle that is kept
	Mean, Std     []float64
	Scale         float64 // of pixel values before Mean and Std, such as 1/255
	Layout        string  // "nchw" or "nhwc"
	Gray          *bool
}

// SoundOptions override what is found out about sounds. Zero values do not.
type SoundOptions struct {
	Rate   int // samples per second
	Length int // samples; shorter sounds are padded with silence, longer ones cut
}

// TokenOptions say how lists of different lengths become tensors.
type TokenOptions struct {
	Length int   // of every list; 0: what the model asks for, or the longest list of the file
	Pad    int64 // fills up shorter lists; their attention mask is 0 there
}

const (
	defaultMemory   = 4 << 30
	defaultProblems = 10
)

func (o *Options) memory() int64 {
	if o.MemoryLimit > 0 {
		return o.MemoryLimit
	}
	return defaultMemory
}

// input returns the model's only input that is no constant, or nil.
func (o *Options) input() *runtime.ValueInfo {
	var one *runtime.ValueInfo
	for i := range o.Inputs {
		if o.Constants[o.Inputs[i].Name] != nil || o.Inputs[i].Ranked && len(o.Inputs[i].Dims) == 0 {
			continue
		}
		if one != nil {
			return nil
		}
		one = &o.Inputs[i]
	}
	return one
}

// info returns the input of a name, or nil.
func (o *Options) info(name string) *runtime.ValueInfo {
	i := slices.IndexFunc(o.Inputs, func(v runtime.ValueInfo) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &o.Inputs[i]
}

// dims returns the sizes of an input's dimensions, -1 for the open ones.
func dims(v *runtime.ValueInfo) []int {
	out := make([]int, len(v.Dims))
	for i, d := range v.Dims {
		out[i] = d.Value
	}
	return out
}

// unbatched returns the constants without the batch dimension of their inputs: the first, if it is open, or if none of
// the model's inputs has an open one and it is that of the first input.
func (o *Options) unbatched() (map[string]*tensor.Tensor, error) {
	out := map[string]*tensor.Tensor{}
	lead := 0
	for i := range o.Inputs {
		if d := dims(&o.Inputs[i]); len(d) > 0 && (lead == 0 || d[0] < 0) {
			lead = d[0]
		}
	}
	for name, x := range o.Constants {
		out[name] = x
		info := o.info(name)
		if info == nil {
			continue
		}
		d := dims(info)
		if len(d) == 0 || x.Rank() != len(d) || d[0] != lead && !(d[0] < 0 && lead < 0) {
			continue
		}
		if n := x.Shape()[0]; n != 1 {
			return nil, fmt.Errorf("constant %q: %d samples, want one", name, n)
		}
		var err error
		if out[name], err = x.Reshaped(x.Shape()[1:]...); err != nil {
			return nil, err
		}
	}
	return out, nil
}
