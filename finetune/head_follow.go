package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// follow changes what depends on the layer, in the order of the nodes.
func (r *resizer) follow() error {
	for _, n := range r.graph.Nodes {
		if n == r.site.node || r.removed[n] || slices.Contains(n.Outputs, r.site.out) {
			continue
		}
		for i, name := range n.Inputs {
			if _, depends := r.axis[name]; !depends {
				continue
			}
			if err := r.step(n, i); err != nil {
				return fmt.Errorf("node %q (%s) stands in the way: %w", nodeLabel(n), n.OpType, err)
			}
			break
		}
	}
	return nil
}

// step changes a node whose input i is the first that depends on the layer, and says where the classes are in its outputs.
func (r *resizer) step(n *onnx.Node, i int) error {
	op := nodeRule(n)
	if !classwise[op] {
		return fmt.Errorf("it may treat classes differently")
	}
	axis := r.axis[n.Inputs[i]]
	out := axis
	var err error
	switch op {
	case "Reshape":
		out, err = r.reshapeStep(n, axis)
	case "Expand":
		err = r.targetStep(n, 1, axis)
	case "Resize":
		if len(n.Inputs) > 3 {
			err = r.targetStep(n, 3, axis)
		}
	case "Shape", "ai.onnx.ml:ArrayFeatureExtractor", "ArgMax", "ArgMin":
		if op == "ai.onnx.ml:ArrayFeatureExtractor" {
			err = r.namesStep(n, i)
		}
		out = noAxis
	case "ai.onnx.ml:ZipMap":
		r.zipStep(n)
		out = noAxis
	case "QuantizeLinear", "com.microsoft:QuantizeLinear":
		err = r.unquantiseResult(n)
	case "TopK":
		err = r.topKStep(n)
	case "Flatten", "Squeeze", "Unsqueeze", "Transpose", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceL1", "ReduceL2",
		"ReduceLogSumExp":
		out = r.movedAxis(n, axis)
	default:
		err = r.elementStep(n, axis)
	}
	for _, name := range n.Outputs {
		r.axis[name] = out
	}
	return err
}

// elementStep looks at the other inputs of a node that works on elements: none may have one for each class, but the bias.
func (r *resizer) elementStep(n *onnx.Node, axis int) error {
	for i, name := range n.Inputs {
		_, depends := r.axis[name]
		if depends || name == "" || axis == noAxis {
			continue
		}
		c := r.constant(name)
		if f, _ := r.form(name); f != nil {
			c = f.value
		}
		if c == nil || c.Len() == 1 && (n.OpType != "Add" || r.was > 1 || r.bias != "") {
			continue
		}
		if c.Len()%r.was != 0 || r.was == 1 && c.Len() > 1 {
			continue // along other axes
		}
		if n.OpType != "Add" || r.bias != "" || c.Len() != r.was {
			return fmt.Errorf("%q has shape %v, so it has a number for each class", name, c.Shape())
		}
		if err := r.replaceBias(n, i); err != nil {
			return err
		}
	}
	return nil
}

// movedAxis is where an operator that moves axes, or sums over some, leaves the classes.
func (r *resizer) movedAxis(n *onnx.Node, axis int) int {
	if axis == noAxis {
		return noAxis
	}
	in, out := r.dims(n.Inputs[0]), r.dims(n.Outputs[0])
	if n.OpType == "Transpose" {
		if a := n.Attr("perm"); a != nil {
			return slices.Index(a.Ints, int64(axis))
		}
		return len(in) - 1 - axis
	}
	return matchingAxis(in, out, axis, r.was)
}

// dims returns the dimensions of a value before the change, -1 for those that are not known.
func (r *resizer) dims(name string) []int {
	v := r.facts.Value(r.origin.Graph, name)
	if v == nil || !v.Type.Ranked {
		return nil
	}
	out := make([]int, len(v.Type.Dims))
	for i, d := range v.Type.Dims {
		out[i] = -1
		if c, ok := d.Const(); ok {
			out[i] = int(c)
		}
	}
	return out
}

// matchingAxis finds the axis of out that has the classes of an axis of in: it has as many, and as many elements stand
// behind it. Of several, one at the same place, else the last.
func matchingAxis(in, out []int, axis, classes int) int {
	behind := func(dims []int, at int) int {
		n := 1
		for _, d := range dims[at+1:] {
			n *= d
		}
		return n
	}
	found := noAxis
	for i, d := range out {
		if d != classes || axis < len(in) && behind(in, axis) != behind(out, i) && behind(out, i) > 0 {
			continue
		}
		if found = i; i == axis {
			break
		}
	}
	return found
}

// reshapeStep changes the number of classes in the constant target of a Reshape.
func (r *resizer) reshapeStep(n *onnx.Node, axis int) (int, error) {
	if axis == noAxis {
		return noAxis, nil
	}
	out := matchingAxis(r.dims(n.Inputs[0]), r.dims(n.Outputs[0]), axis, r.was)
	if a := n.Attr("shape"); a != nil { // before version 5
		own := *a
		own.Ints = slices.Clone(a.Ints)
		if err := r.retarget(own.Ints, out); err != nil {
			return out, err
		}
		n.Attributes[slices.Index(n.Attributes, a)] = &own
		return out, nil
	}
	return out, r.targetStep(n, 1, out)
}

// targetStep changes the number of classes in a constant shape, input i of a node. One that is computed follows by itself.
func (r *resizer) targetStep(n *onnx.Node, i, axis int) error {
	if i >= len(n.Inputs) || n.Inputs[i] == "" || axis == noAxis {
		return nil
	}
	c := r.constant(n.Inputs[i])
	shape := tensor.Of[int64](c)
	if shape == nil {
		return nil
	}
	shape = slices.Clone(shape)
	if err := r.retarget(shape, axis); err != nil {
		return err
	}
	name := n.Inputs[i]
	if len(r.users[name]) != 1 || r.inits[name] == nil {
		name = r.fresh(r.site.module() + ".shape")
	}
	n.Inputs[i] = name
	r.initialize(name, tensor.FromSlice(shape))
	return nil
}

// retarget changes the entry of the classes in a shape. Entries of 0 and -1 follow by themselves.
func (r *resizer) retarget(shape []int64, axis int) error {
	if axis == noAxis || axis >= len(shape) {
		if axis = slices.Index(shape, int64(r.was)); axis < 0 {
			if slices.Contains(shape, -1) {
				return nil
			}
			return fmt.Errorf("%v does not show where the %d classes are", shape, r.was)
		}
	}
	switch shape[axis] {
	case int64(r.was):
		shape[axis] = int64(r.head.N)
	case 0, -1:
	default:
		return fmt.Errorf("%v has %d at axis %d, want the %d classes", shape, shape[axis], axis, r.was)
	}
	return nil
}

// unquantiseResult lets numbers pass a QuantizeLinear and the DequantizeLinear behind it as they are: the scale between
// them belongs to the old results.
func (r *resizer) unquantiseResult(n *onnx.Node) error {
	u := r.onlyUser(n.Outputs[0])
	if u == nil || u.OpType != "DequantizeLinear" {
		return fmt.Errorf("its codes are used otherwise than by a DequantizeLinear")
	}
	r.removed[n] = true
	r.dead = slices.Concat(r.dead, n.Inputs[1:], u.Inputs[1:])
	u.OpType, u.Domain, u.Inputs, u.Attributes = "Identity", "", []string{n.Inputs[0]}, nil
	r.axis[u.Inputs[0]] = r.axis[n.Inputs[0]]
	return nil
}

// topKStep takes no more of the classes than there are.
func (r *resizer) topKStep(n *onnx.Node) error {
	if a := n.Attr("k"); a != nil && a.I > int64(r.head.N) {
		n.Attributes[slices.Index(n.Attributes, a)] = onnx.NewInt("k", int64(r.head.N))
	}
	if len(n.Inputs) < 2 {
		return nil
	}
	k := tensor.Of[int64](r.constant(n.Inputs[1]))
	if len(k) == 1 && k[0] > int64(r.head.N) {
		n.Inputs[1] = r.fresh(r.site.module() + ".k")
		r.initialize(n.Inputs[1], tensor.FromSlice([]int64{int64(r.head.N)}))
	}
	return nil
}
