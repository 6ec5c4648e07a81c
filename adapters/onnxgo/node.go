package onnxgo

import (
	"fmt"

	onnx "github.com/owulveryck/onnx-go"
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxrun/onnxrun/tensor"
)

var (
	_ onnx.Namer       = (*Node)(nil)
	_ onnx.DataCarrier = (*Node)(nil)
)

// A Node is a value of the model: an input, a constant, or what an operator computes.
type Node struct {
	id       int64
	graph    *Graph
	name     string
	named    bool
	produced bool // an operator computes it
	used     bool // an operator reads it
	value    gorgonia.Tensor
	fed      bool            // set after the model was read: an input, not a constant
	declared *gorgonia.Dtype // element type that the model gives, nil if it does not say
	shape    []int           // of an input, when the session was made; -1 where it has changed since
}

// ID returns the node's number.
func (n *Node) ID() int64 { return n.id }

// SetName names the value.
func (n *Node) SetName(name string) { n.name, n.named = name, true }

// GetName returns the name given by SetName.
func (n *Node) GetName() string { return n.name }

// SetTensor gives the node a value. What is set before the first operator is a constant of the model until it
// is set again: onnx-go reads initializers first. The elements are not copied before Run. Numbers of another type
// than the model declares are converted if that changes none of them, else Run fails.
func (n *Node) SetTensor(t gorgonia.Tensor) error {
	if t == nil {
		return fmt.Errorf("onnxgo: no tensor for %s", n)
	}
	if d := t.Dtype(); n.value == nil && len(n.graph.ops) == 0 {
		n.declared = &d
	}
	n.value = t
	if len(n.graph.ops) > 0 && !n.fed && !n.produced {
		n.fed = true
		n.graph.session = nil
	}
	return nil
}

// GetTensor returns the value. Run computes the nodes that no operator reads; others are computed, with all they
// depend on, when they are first asked for, and by Run from then on. It returns nil if that fails.
func (n *Node) GetTensor() gorgonia.Tensor {
	if n.produced && n.graph.ran() && !n.graph.wanted[n] {
		n.graph.wanted[n] = true
		if err := n.graph.rerun(); err != nil {
			delete(n.graph.wanted, n)
			n.graph.session = nil
			return nil
		}
	}
	return n.value
}

// convert returns the value in the element type that the model declares.
func (n *Node) convert() (*tensor.Tensor, error) {
	t, err := fromGorgonia(n.value)
	if err == nil && n.declared != nil {
		t, err = recast(t, *n.declared)
	}
	if err != nil {
		return nil, fmt.Errorf("onnxgo: %s: %w", n, err)
	}
	return t, nil
}

// String returns the name, or the number of a node without one.
func (n *Node) String() string {
	if n.name != "" {
		return fmt.Sprintf("%q", n.name)
	}
	return fmt.Sprintf("node %d", n.id)
}

// absent reports whether the node stands for an input or output that is left out: ONNX gives these empty names.
func (n *Node) absent() bool { return n.named && n.name == "" }

// placeholder reports whether nothing can come from the node.
func (n *Node) placeholder() bool { return n.value == nil && !n.produced }
