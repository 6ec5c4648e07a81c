package runtime

import "github.com/onnxrun/onnxrun/ops"

// Options are the settings of a Session. The zero value, and nil, are the default.
type Options struct {
	Threads      int        // processors that one Run may use; 0: all that the process may use
	Precision    Precision  // how exact float32 arithmetic has to be
	MemoryLimit  int64      // bytes for the values of one Run; 0: 80 % of the machine's or container's memory
	Ops          []ops.Op   // operators of the caller, on top of and instead of the built-in ones
	Outputs      []string   // values to return instead of the model's outputs; inner ones too
	Gradients    *Gradients // gradients to return after the outputs; nil: none
	Profile      *Profile   // where to record the time of each node; nil: nowhere
	Cache        string     // folder for packed forms of weights, which the next session maps; "": none. See CacheInfo
	Prepack      bool       // pack weights when opening; otherwise the second run does, after one that packs them as it goes
	CacheLimit   int64      // bytes that the files of this folder may take; 0: 10 GiB
	ExternalRoot string     // a folder, other than the model's, that external data may lie in
	NoMap        bool       // read files into memory instead of mapping them
	NoOptimize   bool       // run the graph as it is written
	Skip         []string   // passes of the optimiser to leave out, for measurements
}

// Precision says how exact float32 arithmetic has to be.
type Precision uint8

// The precisions. Default stays within the tolerances of the conformance suite; Exact leaves out algorithms
// that trade accuracy for speed.
const (
	Default Precision = iota
	Exact
)

// Gradients asks a session to return gradients, too. For each value x of Wrt there is an output named "grad." + x:
// the sum over the outputs y of Of of the gradient of y times the derivative of y by x. The gradient of y is an
// input named "dy." + y.
type Gradients struct {
	Of   []string // outputs; none: all that are floating-point tensors
	Wrt  []string // inputs, weights or inner values; none: all inputs that are floating-point tensors
	Ones bool     // the gradients of the outputs are ones, and no inputs
}
