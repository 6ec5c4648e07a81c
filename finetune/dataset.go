package finetune

import "github.com/onnxrun/onnxrun/tensor"

// A Dataset is a list of samples to train or to measure on. Its methods are called from several goroutines.
type Dataset interface {
	// Len is the number of samples.
	Len() int
	// Sample returns sample i. An error names where it comes from: the file and the row.
	Sample(i int) (Sample, error)
}

// A Sample is one input of a model and what the model shall make of it. Its tensors are only read.
type Sample struct {
	Inputs  map[string]*tensor.Tensor // by name of the model's inputs, without the batch axis; "" is the only input there is
	Targets []*tensor.Tensor          // one for each loss, without the batch axis: a class is an int64 scalar
}

// A Keyed dataset knows the content of a sample without decoding it. Two samples with equal keys have equal inputs, in every
// run: the key is a hash of the encoded bytes and of all settings that decoding depends on.
type Keyed interface {
	Key(i int) (string, error)
}

// A Viewed dataset has several augmented views of each sample; View(i, 0) is the plain one. The views of a sample are the
// same in every run.
type Viewed interface {
	Views() int
	View(i, view int) (Sample, error)
}

// A Labelled dataset has classes: class c of a target is Classes()[c].
type Labelled interface {
	Classes() []string
}
