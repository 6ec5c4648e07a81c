package onnx

import (
	"strconv"

	"github.com/onnxrun/onnxrun/onnx/schema"
)

func itoa(n int) string { return strconv.Itoa(n) }

// control checks what the schemas of a few operators cannot say: how many values go in and out of the
// graphs they run, and that a constant has one value.
func (c *checker) control(n *Node, def *schema.Schema) {
	if def.Domain != schema.ONNX {
		return
	}
	switch n.OpType {
	case "Constant":
		if len(n.Attributes) != 1 {
			c.report("attribute", "Constant with %d values, want one", len(n.Attributes))
		}
	case "If":
		c.branch(n, "then_branch")
		c.branch(n, "else_branch")
	case "Loop":
		if body := graphOf(n, "body"); body != nil {
			state := len(n.Inputs) - 2
			c.body(n, body, state+2, state+1, 1)
		}
	case "Scan":
		body, scans := graphOf(n, "body"), n.Attr("num_scan_inputs")
		if def.Since < 9 || body == nil || scans == nil || scans.RefAttrName != "" {
			return
		}
		if scans.I < 1 || scans.I > int64(len(n.Inputs)) {
			c.report("attribute", "Scan with %d inputs of which %d are scanned", len(n.Inputs), scans.I)
			return
		}
		c.body(n, body, len(n.Inputs), len(n.Inputs)-int(scans.I), 0)
	}
}

func graphOf(n *Node, name string) *Graph {
	if a := n.Attr(name); a != nil {
		return a.G
	}
	return nil
}

// branch checks a branch of an If: it takes nothing and gives one value per output of the node.
func (c *checker) branch(n *Node, name string) {
	g := graphOf(n, name)
	if g == nil {
		return
	}
	if len(g.Inputs) > 0 {
		c.report("subgraph", "%s has %d inputs, want none", name, len(g.Inputs))
	}
	if len(g.Outputs) != len(n.Outputs) {
		c.report("subgraph", "%s has %d outputs, want %d", name, len(g.Outputs), len(n.Outputs))
	}
}

// body checks the body of a loop: inputs is how many it must take, state how many it must give at least, of
// which hidden are not outputs of the node.
func (c *checker) body(n *Node, g *Graph, inputs, state, hidden int) {
	if len(g.Inputs) != inputs {
		c.report("subgraph", "the body has %d inputs, want %d", len(g.Inputs), inputs)
	}
	if len(g.Outputs) < state || len(g.Outputs)-hidden < len(n.Outputs) {
		c.report("subgraph", "the body has %d outputs, want at least %d", len(g.Outputs), max(state, len(n.Outputs)+hidden))
	}
}
