package finetune

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// addedDropout ends the names of Dropout nodes that a transformation has added.
const addedDropout = "/onnxrun.dropout"

// dropoutNode returns a Dropout node of inference, which passes x on, in the form of the model's opset.
func (e *editor) dropoutNode(stem, x string, ratio float64) *onnx.Node {
	n := &onnx.Node{Name: e.fresh(stem + addedDropout), OpType: "Dropout", Inputs: []string{x}, Outputs: []string{e.fresh(stem + ".dropped")}}
	switch v := e.model.Opset(""); {
	case v >= 12:
		n.Inputs = append(n.Inputs, e.scalar(stem+".ratio", ratio, tensor.Float32))
	case v >= 7:
		n.Attributes = []*onnx.Attribute{onnx.NewFloat("ratio", float32(ratio))}
	default:
		n.Attributes = []*onnx.Attribute{onnx.NewInt("is_test", 1), onnx.NewFloat("ratio", float32(ratio))}
	}
	e.makers[n.Outputs[0]] = n
	return n
}

// InsertDropout puts a Dropout node behind the first output of each node that at names: by a list of names of nodes or of
// their outputs, or by a regular expression of the nodes' names. In inference it passes its input on; a Trainer whose
// Spec says so, and MonteCarlo, let it drop. It returns the names of the nodes it made. On an error m is as it was.
func InsertDropout(m *onnx.Model, at string, ratio float64) ([]string, error) {
	if !(ratio > 0 && ratio < 1) {
		return nil, fmt.Errorf("finetune: dropout is %v, want above 0 and below 1", ratio)
	}
	e, err := newEditor(m)
	if err != nil {
		return nil, err
	}
	take, err := e.takeNodes(at)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range e.graph.Nodes {
		if !take(n) || len(n.Outputs) == 0 || n.Outputs[0] == "" || n.OpType == "Constant" {
			continue
		}
		out := n.Outputs[0]
		base := e.fresh(out + ".base")
		d := e.dropoutNode(out, base, ratio)
		n.Outputs[0], d.Outputs[0] = base, out
		e.after[n] = append(e.after[n], d)
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("finetune: dropout: the model has no node %q", at)
	}
	e.commit()
	return names, nil
}

// InsertHeadDropout puts a Dropout node before the last layer, which at names as Head.At does, and returns its name. A layer
// behind a Dropout node keeps that. See InsertDropout.
func InsertHeadDropout(m *onnx.Model, at string, ratio float64) (string, error) {
	if !(ratio > 0 && ratio < 1) {
		return "", fmt.Errorf("finetune: dropout is %v, want above 0 and below 1", ratio)
	}
	e, err := newEditor(m)
	if err != nil {
		return "", err
	}
	s, err := e.lastLayer(at)
	if err != nil {
		return "", fmt.Errorf("finetune: dropout before the last layer: %w", err)
	}
	if !slices.Contains(s.node.Inputs, s.x) {
		return "", fmt.Errorf("finetune: dropout before the last layer: node %q (%s) reads codes", nodeLabel(s.node), s.node.OpType)
	}
	if n := e.makers[s.x]; n != nil && n.OpType == "Dropout" && onnx.NormalDomain(n.Domain) == "" {
		return n.Name, nil
	}
	d := e.dropoutNode(s.module(), s.x, ratio)
	e.before[s.node] = append(e.before[s.node], d)
	replaceName(s.node.Inputs, s.x, d.Outputs[0])
	e.commit()
	return d.Name, nil
}

// takeNodes takes nodes by name, or by a regular expression if some name is not there.
func (e *editor) takeNodes(at string) (func(*onnx.Node) bool, error) {
	names := strings.Split(at, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	called := func(n *onnx.Node, name string) bool { return n.Name == name || slices.Contains(n.Outputs, name) }
	all := !slices.ContainsFunc(names, func(name string) bool {
		return !slices.ContainsFunc(e.graph.Nodes, func(n *onnx.Node) bool { return called(n, name) })
	})
	if all {
		return func(n *onnx.Node) bool {
			return slices.ContainsFunc(names, func(name string) bool { return called(n, name) })
		}, nil
	}
	re, err := regexp.Compile(strings.TrimPrefix(at, "re:"))
	if err != nil {
		return nil, fmt.Errorf("finetune: dropout: %q is no list of nodes, and as a regular expression: %w", at, err)
	}
	return func(n *onnx.Node) bool { return re.MatchString(nodeLabel(n)) }, nil
}

// RemoveDropout removes the Dropout nodes that transformations of this package have added, and returns how many there
// were. Those that the model came with stay.
func RemoveDropout(m *onnx.Model) (int, error) {
	e, err := newEditor(m)
	if err != nil {
		return 0, err
	}
	count := 0
	var unused []string
	for _, n := range e.graph.Nodes {
		if n.OpType == "Dropout" && strings.Contains(n.Name, addedDropout) {
			unused = append(unused, n.Inputs...)
			e.bypass(n)
			count++
		}
	}
	e.settle()
	e.dropDead(unused)
	e.commit()
	return count, nil
}

// bypass removes a node that passes its input on. Where the name of its output is seen from outside, or the node was put
// behind what had that name, what made the input makes the output.
func (e *editor) bypass(n *onnx.Node) {
	in, out := n.Inputs[0], n.Outputs[0]
	captured := slices.ContainsFunc(e.users[out], func(u *onnx.Node) bool { return len(bodiesOf(u)) > 0 })
	maker := e.makers[in]
	if maker == nil && (captured || e.isOutput(out)) {
		n.OpType, n.Inputs, n.Outputs, n.Attributes = "Identity", n.Inputs[:1], n.Outputs[:1], nil
		return
	}
	e.removed[n] = true
	e.undeclare(out)
	if !captured && !e.isOutput(out) && !strings.HasSuffix(in, ".base") || maker == nil {
		for _, u := range e.users[out] {
			replaceName(u.Inputs, out, in)
		}
		e.users[in] = append(e.users[in], e.users[out]...)
		return
	}
	for _, u := range e.users[in] {
		replaceName(u.Inputs, in, out)
	}
	replaceName(maker.Outputs, in, out)
	e.makers[out] = maker
	e.users[out] = append(e.users[out], e.users[in]...)
}
