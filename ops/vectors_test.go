package ops_test

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestVectors runs every recorded case that consists of one node straight through its row, without graph,
// optimiser or planner. Select an operator with -run 'TestVectors/Conv/'.
func TestVectors(t *testing.T) {
	for _, zip := range []string{"node.zip", "extra-visible.zip"} {
		suite, err := conform.Find("../testdata/conformance/" + zip)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range suite.Cases {
			msg, err := fs.ReadFile(c.Files, "model.onnx")
			if err != nil {
				t.Fatal(err)
			}
			m, err := onnx.Decode(msg)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Graph.Nodes) != 1 || len(m.Graph.Initializers) > 0 || len(m.Functions) > 0 {
				continue
			}
			n := m.Graph.Nodes[0]
			op := ops.Default().Find(n.Domain, n.OpType, int(m.Opset(n.Domain)))
			if op == nil || slices.ContainsFunc(n.Attributes, func(a *onnx.Attribute) bool { return a.G != nil }) {
				continue
			}
			t.Run(n.OpType+"/"+c.Name, func(t *testing.T) { runCase(t, c, m, op) })
		}
	}
}

func runCase(t *testing.T, c *conform.Case, m *onnx.Model, op *ops.Op) {
	n := m.Graph.Nodes[0]
	for _, set := range c.Sets {
		load := func(name string) *tensor.Tensor {
			msg, err := fs.ReadFile(c.Files, name)
			if err != nil {
				t.Fatal(err)
			}
			v, err := tensor.DecodeValue(tensor.KindTensor, msg)
			if err != nil {
				t.Skipf("%s is not a tensor: the case runs in internal/conform", name)
			}
			return v
		}
		in := make([]*tensor.Tensor, len(n.Inputs))
		for i, name := range n.Inputs {
			if name != "" {
				in[i] = load(set.Inputs[slices.IndexFunc(m.Graph.Inputs, func(v *onnx.ValueInfo) bool { return v.Name == name })])
			}
		}
		out, err := op.Eval(withDefaults(n, int(m.Opset(n.Domain))), len(n.Outputs), in...)
		var missing *ops.UnsupportedError
		if errors.As(err, &missing) {
			t.Skipf("%s: %v: TestArchives of internal/conform holds it to exclusions.txt", c.Name, err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if op.Flags&ops.Random != 0 {
			continue
		}
		wanted := slices.DeleteFunc(slices.Clone(n.Outputs), func(s string) bool { return s == "" })
		for i, name := range set.Outputs {
			want := load(name)
			rule := conform.DefaultRule(want.DType())
			if c.Rule != nil {
				rule = *c.Rule
			}
			if _, err := rule.Compare(out[slices.Index(n.Outputs, wanted[i])], want); err != nil {
				t.Errorf("output %d: %v", i, err)
			}
		}
	}
}

func withDefaults(n *onnx.Node, opset int) ops.Attrs {
	a := ops.Attrs(n.Attributes)
	s := schema.Lookup(n.Domain, n.OpType, opset)
	if s == nil {
		return a
	}
	for _, x := range s.Attributes {
		if a.Find(x.Name) == nil && x.Default != nil {
			a = append(a, ops.DefaultAttr(x.Name, x.Default))
		}
	}
	return a
}
