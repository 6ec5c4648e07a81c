package onnx

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/onnx/schema"
)

// A Finding is one thing that is wrong with a model.
type Finding struct {
	Node    string `json:"node"` // the path of the node, or empty for the model as a whole
	Rule    string `json:"rule"` // a short name of the rule
	Message string `json:"message"`
}

// Findings is the result of Check. It is empty for a valid model.
type Findings []Finding

// Err returns nil if there are no findings, else a *FormatError that names the first.
func (f Findings) Err() error {
	if len(f) == 0 {
		return nil
	}
	msg := f[0].Message
	if len(f) > 1 {
		msg = fmt.Sprintf("%s (and %d more)", msg, len(f)-1)
	}
	path := ""
	if f[0].Node != "" {
		path = "node " + f[0].Node
	}
	return &FormatError{path, errors.New(msg)}
}

const (
	maxIRVersion = 14  // of ONNX 1.23
	maxFindings  = 100 // after which Check stops
	maxInlined   = 1 << 19
)

// Check looks for whatever is wrong with the structure of a model: versions, names and scopes, order of the
// nodes, attributes, tensors and where their elements lie, sparse indices, functions, and the operators'
// schemas. Types and shapes of values are not its concern. It reads no elements of dense tensors, maps the
// files of external data, and takes time and memory in proportion to the number of nodes.
func Check(m *Model) Findings {
	c := &checker{model: m, functions: map[functionID]*Function{}}
	err := mmap.Guard(func() error {
		c.run()
		return nil
	})
	if err != nil {
		c.report("file", "%v", err)
	}
	return c.found
}

// checker holds the state of one Check.
type checker struct {
	model     *Model
	functions map[functionID]*Function
	found     Findings
	path      []string         // of the current node
	opsets    map[string]int64 // what the model or function imports
	inBody    bool             // in a function
	declared  map[string]bool  // the attributes of this function
}

type functionID struct{ domain, name, overload string }

func (c *checker) full() bool { return len(c.found) >= maxFindings }

func (c *checker) report(rule, format string, args ...any) {
	if c.full() {
		return
	}
	c.found = append(c.found, Finding{joinPath(c.path), rule, fmt.Sprintf(format, args...)})
}

func joinPath(path []string) string {
	s := ""
	for i, p := range path {
		if i > 0 {
			s += "/"
		}
		s += p
	}
	return s
}

func (c *checker) run() {
	m := c.model
	if m.IRVersion < 1 || m.IRVersion > maxIRVersion {
		c.report("ir-version", "IR version %d, want 1 to %d", m.IRVersion, maxIRVersion)
	}
	c.opsetImports(m.Opsets, m.IRVersion >= 3)
	imports := c.opsets
	c.entries("metadata", m.Metadata)
	if m.Graph == nil {
		c.report("graph", "the model has no graph")
		return
	}
	if !c.functionTable() {
		return
	}
	c.opsets = imports
	if len(m.Opsets) == 0 && m.IRVersion < 3 {
		c.opsets[""] = 1
	}
	s := newScope(len(m.Graph.Inputs) + len(m.Graph.Initializers) + len(m.Graph.Nodes))
	c.graph(m.Graph, s, true)
	for _, t := range m.TrainingInfo {
		for _, g := range []*Graph{t.Initialization, t.Algorithm} {
			if g != nil {
				c.subgraph(g, s)
			}
		}
	}
}

// opsetImports checks a list of operator sets and makes it the current one. Whether the versions exist is looked at when a node uses one.
func (c *checker) opsetImports(list []OpsetID, required bool) {
	if len(list) == 0 && required {
		c.report("opset", "no operator set is imported")
	}
	seen := map[string]int64{}
	for _, o := range list {
		domain := NormalDomain(o.Domain)
		if v, ok := seen[domain]; ok && v != o.Version {
			c.report("opset", "domain %q is imported as version %d and as version %d", domain, v, o.Version)
		}
		seen[domain] = o.Version
	}
	c.opsets = seen
}

// opset returns the version of the domain that the current scope imports, and whether it exists.
func (c *checker) opset(domain string) (int, bool) {
	domain = NormalDomain(domain)
	version, ok := c.opsets[domain]
	if !ok {
		c.report("opset", "domain %q is not imported", domain)
		return 0, false
	}
	latest := schema.LatestOpset(domain)
	if version < 1 || standard(domain) && version > int64(latest) {
		c.report("opset", "version %d of domain %q, want 1 to %d", version, domain, latest)
		return 0, false
	}
	return int(min(version, 1<<30)), true
}

// standard reports whether a domain is one of those that ONNX defines.
func standard(domain string) bool {
	switch domain {
	case schema.ONNX, schema.ML, schema.Preview, schema.PreviewTraining:
		return true
	}
	return false
}

func (c *checker) entries(what string, list []Entry) {
	seen := map[string]bool{}
	for _, e := range list {
		if seen[e.Key] {
			c.report(what, "key %q occurs twice", e.Key)
		}
		seen[e.Key] = true
	}
}
