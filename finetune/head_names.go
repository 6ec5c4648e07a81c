package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// namesStep changes the names of classes that an ArrayFeatureExtractor chooses from.
func (r *resizer) namesStep(n *onnx.Node, i int) error {
	c := r.constant(n.Inputs[0])
	if i == 0 || c == nil {
		return fmt.Errorf("it chooses from the scores")
	}
	var t *tensor.Tensor
	switch c.DType() {
	case tensor.String:
		t = tensor.FromSlice(r.classNames())
	default:
		x := make([]float64, r.head.N)
		for k := range x {
			x[k] = float64(k)
		}
		var err error
		if t, err = tensor.FromFloat64s(c.DType(), tensor.Shape{len(x)}, x); err != nil {
			return err
		}
	}
	if c.Rank() == 2 {
		t, _ = t.Reshaped(1, r.head.N)
	}
	name := r.fresh(r.site.module() + ".classes")
	if len(r.users[n.Inputs[0]]) == 1 && r.inits[n.Inputs[0]] != nil {
		name = n.Inputs[0]
	}
	n.Inputs[0] = name
	r.initialize(name, t)
	return nil
}

// classNames returns the names of the classes, their numbers if they have none.
func (r *resizer) classNames() []string {
	if r.head.Classes != nil {
		return r.head.Classes
	}
	names := make([]string, r.head.N)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}

// zipStep changes the keys of a ZipMap: strings where there are names, else numbers.
func (r *resizer) zipStep(n *onnx.Node) {
	named := n.Attr("classlabels_strings") != nil || r.head.Classes != nil
	n.Attributes = slices.DeleteFunc(n.Attributes, func(a *onnx.Attribute) bool {
		return a.Name == "classlabels_strings" || a.Name == "classlabels_int64s"
	})
	if named {
		n.Attributes = append(n.Attributes, onnx.NewStrings("classlabels_strings", r.classNames()...))
		return
	}
	keys := make([]int64, r.head.N)
	for i := range keys {
		keys[i] = int64(i)
	}
	n.Attributes = append(n.Attributes, onnx.NewInts("classlabels_int64s", keys...))
}
