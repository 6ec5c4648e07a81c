package report

import "github.com/onnxrun/onnxrun/finetune/metric"

// A Report is all that the page of a run shows. Parts that are empty or nil are left out. Names and texts may hold anything:
// the page escapes them. A page has no clock, no path and no address that is not given here.
type Report struct {
	Title    string   // such as the model's file
	Summary  string   // a sentence: what was trained, on what
	Warnings []string // leaks between splits, skipped steps, classes without samples
	Model    Model
	Data     Data
	Settings []Field
	Results  []Result // the baselines first, then the model before training, last the model after it

	// At most one of the three: the figures of the trained model on the held-out samples.
	Classification *metric.ClassificationResult
	MultiLabel     *metric.MultiLabelResult
	Regression     *metric.RegressionResult

	Worst   []Sample // the largest loss first
	History *History
	Timing  []Time
	Seed    uint64
	Files   []File
	Command []string // the words of a command line that does the same again
	Varies  string   // why it would give another model, such as noise for privacy; "" where it gives the same one
}

// A Model is what was trained.
type Model struct {
	Layers     []Layer
	Parameters int64 // all numbers
	Trained    int64 // those that trained
}

// A Layer is a row of the table of layers.
type Layer struct {
	Name       string
	Operator   string
	Shape      string // of its weights, such as "512 x 10"
	Parameters int64
	Trained    int64
	Note       string // such as "LoRA, rank 8", "new head", "quantised"
}

// Data says what the run learned from.
type Data struct {
	Source         string // a name relative to the run
	Training, Held int    // samples; Held validates
	Split          string // how samples were divided
	Preprocessing  []Field
	Augmentation   []Field
	Classes        []Class // in the order of class numbers
	HeldName       string  // what the held-out part is called, "validation" where empty
}

// A Class is a class and its samples.
type Class struct {
	Name           string
	Training, Held int
}

// A Field is a named value of a table.
type Field struct {
	Name, Value string
}

// A Result is a column of the table of results.
type Result struct {
	Name    string
	Loss    metric.Value
	Metrics map[string]float64
}

// A Sample is one of the worst predictions.
type Sample struct {
	Name       string
	Loss       metric.Value
	Truth      string
	Predicted  string
	Confidence metric.Value // of the prediction; undefined where there is none
	PNG        []byte       // a small picture of it, or nil
}

// A Time is how long a part of the run took.
type Time struct {
	Name    string
	Seconds float64
}

// A File is one that went in or came out.
type File struct {
	Role   string // such as "model in", "model out", "data"
	Name   string // relative to the run
	SHA256 string // in hexadecimal
}
