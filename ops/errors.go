package ops

import (
	"fmt"
	"strings"
)

// An UnsupportedError says that a model is valid but asks for something that is missing here. When a model
// is opened it lists everything that is missing.
type UnsupportedError struct {
	Missing []string // one entry per operator, element type or attribute, with the node's name
}

// Error joins the missing things.
func (e *UnsupportedError) Error() string { return "unsupported: " + strings.Join(e.Missing, "; ") }

// Unsupported returns an UnsupportedError with one entry.
func Unsupported(format string, args ...any) error {
	return &UnsupportedError{Missing: []string{fmt.Sprintf(format, args...)}}
}

// A NodeError says which node of a model failed and why. Path is the node's name, with those of the nodes
// around it where it is inside of a subgraph.
type NodeError struct {
	Path string
	Op   string
	Err  error
}

// Error writes the node, its operator and the reason.
func (e *NodeError) Error() string {
	return fmt.Sprintf("runtime: node %q (%s): %v", e.Path, e.Op, e.Err)
}

// Unwrap returns the reason.
func (e *NodeError) Unwrap() error { return e.Err }
