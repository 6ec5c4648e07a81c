package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// scale takes in a normalisation with constant factors that follows the activation, as the layout pass left it.
func (e *epilogue) scale(r *rewriter) {
	n := r.only(e.out())
	if e.activation == "" || e.activation == "Gate" || e.nodes[0].Type != "NhwcConv" || n == nil || !perChannel(n) || n.In[0] != e.out() || !sameType(n.Out[0], e.out()) {
		return
	}
	if e.bias == nil || e.bias.Const != nil && e.bias.Const.Len() == n.In[2].Const.Len() {
		e.scaled, e.nodes = n, append(e.nodes, n)
	}
}

// perChannel reports whether n multiplies each channel with a constant and adds another.
func perChannel(n *graph.Node) bool {
	if !moved(n) || n.Type != "NhwcConv" || len(n.In) != 3 || n.In[1].Const == nil || n.In[2] == nil || n.In[2].Const == nil {
		return false
	}
	for _, name := range []string{"strides", "pads", "auto_pad", "dilations"} {
		if n.Attrs.HasAttr(name) {
			return false
		}
	}
	channels := n.In[2].Const.Len()
	return n.Attrs.IntOr("group", 1) == channels && n.In[1].Const.Len() == channels
}

// scaledBias is the bias with the factors of channels and what is added then, as NhwcConv takes them.
func (e *epilogue) scaledBias() *graph.Value {
	shift := tensor.Of[float32](e.scaled.In[2].Const)
	rows := make([]float32, 3*len(shift))
	if e.bias != nil {
		copy(rows, tensor.Of[float32](e.bias.Const))
	}
	copy(rows[len(shift):], tensor.Of[float32](e.scaled.In[1].Const))
	copy(rows[2*len(shift):], shift)
	return &graph.Value{Name: e.scaled.In[2].Name, Value: ops.ConstValue(tensor.FromSlice(rows, 3, len(shift)))}
}
