package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A weightForm is a constant as a node sees it: an initializer or the output of a Constant node, behind nodes that change
// its form.
type weightForm struct {
	root      string // name of the constant
	value     *tensor.Tensor
	shape     tensor.Shape // as the node sees it
	dtype     tensor.DType // as the node sees it
	quantised bool         // behind DequantizeLinear
	nodes     []*onnx.Node // that change its form, the one nearest to the constant first
	steps     []formStep   // of those nodes that move elements
}

// A formStep is a Transpose of a tensor of the given shape.
type formStep struct {
	from tensor.Shape
	perm []int
}

// form returns the constant behind a name. It returns nil if there is none, and an error where it is in a form that is not
// understood.
func (e *editor) form(name string) (*weightForm, error) {
	f := &weightForm{}
	for f.root = name; ; {
		if f.value = e.constant(f.root); f.value != nil {
			break
		}
		n := e.makers[f.root]
		if n == nil || len(n.Inputs) == 0 || n.Outputs[0] != f.root {
			return nil, nil
		}
		if _, ok := weightForms[nodeRule(n)]; !ok || len(f.nodes) > maxForms {
			return nil, nil
		}
		f.nodes = append(f.nodes, n)
		f.root = n.Inputs[0]
	}
	slices.Reverse(f.nodes)
	f.shape, f.dtype = f.value.Shape(), f.value.DType()
	for _, n := range f.nodes {
		if err := f.apply(e, n); err != nil {
			return nil, fmt.Errorf("weight %q: node %q (%s): %w", f.root, nodeLabel(n), n.OpType, err)
		}
	}
	return f, nil
}

// maxForms bounds the nodes between a constant and its use.
const maxForms = 16

// nodeRule is the operator of a node with its domain, as layerRules and weightForms list it.
func nodeRule(n *onnx.Node) string {
	if d := onnx.NormalDomain(n.Domain); d != "" {
		return d + ":" + n.OpType
	}
	return n.OpType
}

func (f *weightForm) apply(e *editor, n *onnx.Node) error {
	switch n.OpType {
	case "Identity":
	case "Cast":
		if a := n.Attr("to"); a != nil {
			f.dtype = tensor.DType(a.I)
		}
	case "DequantizeLinear":
		f.quantised, f.dtype = true, tensor.Float32
		if p := e.inits[n.Inputs[min(1, len(n.Inputs)-1)]]; p != nil && p != e.inits[n.Inputs[0]] {
			f.dtype = p.DType()
		}
	case "Transpose":
		return f.transpose(n)
	case "Reshape":
		return f.reshape(e, n)
	default:
		return fmt.Errorf("no rule for a weight in this form")
	}
	return nil
}

func (f *weightForm) transpose(n *onnx.Node) error {
	perm := make([]int, len(f.shape))
	for i := range perm {
		perm[i] = len(perm) - 1 - i
	}
	if a := n.Attr("perm"); a != nil {
		if len(a.Ints) != len(perm) {
			return fmt.Errorf("perm is %v, want %d axes", a.Ints, len(perm))
		}
		for i, p := range a.Ints {
			if perm[i] = int(p); p < 0 || p >= int64(len(perm)) || slices.Contains(perm[:i], int(p)) {
				return fmt.Errorf("perm is %v, want a permutation", a.Ints)
			}
		}
	}
	f.steps = append(f.steps, formStep{f.shape, perm})
	shape := make(tensor.Shape, len(perm))
	for i, p := range perm {
		shape[i] = f.shape[p]
	}
	f.shape = shape
	return nil
}

func (f *weightForm) reshape(e *editor, n *onnx.Node) error {
	var want []int64
	if a := n.Attr("shape"); a != nil { // before version 5
		want = a.Ints
	} else if len(n.Inputs) > 1 {
		want = tensor.Of[int64](e.constant(n.Inputs[1]))
	}
	shape, err := reshaped(f.shape, want)
	if err == nil {
		f.shape = shape
	}
	return err
}

// reshaped resolves the 0 and -1 of a target of Reshape.
func reshaped(from tensor.Shape, want []int64) (tensor.Shape, error) {
	if want == nil {
		return nil, fmt.Errorf("the shape is not constant")
	}
	shape, open, known := make(tensor.Shape, len(want)), -1, 1
	for i, d := range want {
		switch {
		case d == -1:
			open = i
			continue
		case d == 0 && i < len(from):
			d = int64(from[i])
		}
		shape[i] = int(d)
		known *= int(d)
	}
	if open >= 0 && known > 0 {
		shape[open] = from.Len() / known
	}
	if n, err := shape.Count(); err != nil || n != from.Len() {
		return nil, fmt.Errorf("shape %v for %d elements", want, from.Len())
	}
	return shape, nil
}

// toRoot brings elements in the order that the node sees into the order of the constant.
func (f *weightForm) toRoot(x []float64) []float64 {
	for _, s := range slices.Backward(f.steps) {
		x = s.undo(x)
	}
	return x
}

// seen returns the elements of the constant in the order that the node sees.
func (f *weightForm) seen() []float64 {
	x := tensor.Float64s(f.value, f.value.Len())
	for _, s := range f.steps {
		out := make([]float64, len(x))
		s.walk(func(i, at int) { out[i] = x[at] })
		x = out
	}
	return x
}

// undo reverses the transposition.
func (s formStep) undo(x []float64) []float64 {
	out := make([]float64, len(x))
	s.walk(func(i, at int) { out[at] = x[i] })
	return out
}

// walk visits the elements of the transposed tensor in order: element i stands at the place at before.
func (s formStep) walk(visit func(i, at int)) {
	strides := s.from.Strides()
	shape, step := make([]int, len(s.perm)), make([]int, len(s.perm))
	for i, p := range s.perm {
		shape[i], step[i] = s.from[p], strides[p]
	}
	index, at := make([]int, len(shape)), 0
	for i := range s.from.Len() {
		visit(i, at)
		for k := len(index) - 1; k >= 0; k-- {
			index[k]++
			at += step[k]
			if index[k] < shape[k] {
				break
			}
			at -= step[k] * shape[k]
			index[k] = 0
		}
	}
}
