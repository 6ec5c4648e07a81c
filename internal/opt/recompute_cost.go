package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// cheap are operators besides the elementwise ones that run again without a bound.
var cheap = map[string]bool{
	"CastLike": true, "Concat": true, "CounterDropout": true, "Elementwise": true, "Expand": true, "Gather": true, "Gelu": true, "GroupNormalization": true,
	"LayerNormalization": true, "NhwcBatchNorm": true, "Pad": true, "RMSNormalization": true, "SimplifiedLayerNormalization": true, "Slice": true, "Split": true, "Tile": true,
	"Transpose": true,
}

// slow are elementwise operators that take as long as moving this many times their bytes.
var slow = map[string]int{
	"Erf": 2, "Exp": 2, "Gelu": 3, "GeluGrad": 3, "LayerNormalization": 2, "Log": 2, "LogSoftmax": 3, "Mish": 4, "Pow": 4, "Sigmoid": 2, "Softmax": 3, "Softplus": 4, "Swish": 2, "Tanh": 2,
}

// flopsPerByte is how many operations of a product take as long as moving one byte.
const flopsPerByte = 8

// cost returns what n costs, in bytes moved, and whether it may run again.
func (r *recomputer) cost(n *graph.Node) (int, bool) {
	if n.Op == nil || len(n.Bodies) > 0 || n.Op.Flags&(ops.Random|ops.Managed|ops.Changes) != 0 {
		return 0, false
	}
	if isView(n) {
		return 0, true
	}
	if !r.dear && n.Op.Flags&ops.Elementwise == 0 && !cheap[n.Type] {
		return 0, false
	}
	bytes := 0
	for _, list := range [][]*graph.Value{n.In, n.Out} {
		for _, v := range list {
			bytes += sizeOf(v)
		}
	}
	return max(1, slow[n.Type])*bytes + flops(n)/flopsPerByte, true
}

func sizeOf(v *graph.Value) int {
	if v == nil {
		return 0
	}
	shape, ok := v.Static()
	if !ok {
		return 0
	}
	return v.DType.ByteLen(shape.Len())
}

// flops estimates the operations of products: for each element of the result twice the length of the sums.
func flops(n *graph.Node) int {
	if len(n.In) < 2 || n.In[0] == nil || n.In[1] == nil || len(n.Out) == 0 || n.Out[0] == nil {
		return 0
	}
	out, ok := n.Out[0].Static()
	a, okA := n.In[0].Static()
	b, okB := n.In[1].Static()
	if !ok || !okA || !okB || len(a) == 0 || len(b) == 0 {
		return 0
	}
	switch n.Type {
	case "MatMul", "Gemm", "FusedMatMul":
		depth := a[len(a)-1]
		if n.Attrs.Bool("transA") && len(a) > 1 {
			depth = a[len(a)-2]
		}
		return 2 * out.Len() * depth
	case "Conv", "FusedConv", "NhwcConv":
		return 2 * out.Len() * b.Len() / max(1, b[0])
	case "ConvTranspose", "NhwcConvTranspose", "ConvGradX", "NhwcConvGradX":
		return 2 * a.Len() * b.Len() / max(1, b[0])
	case "NhwcConvGrad":
		w, ok := n.In[2].Static()
		if !ok {
			return 0
		}
		return 4 * a.Len() * w.Len() / max(1, w[0])
	case "ConvGradW", "NhwcConvGradW":
		return 2 * a.Len() * out.Len() / max(1, out[0])
	case "Attention", "MultiHeadAttention":
		return 8 * out.Len() * a[1]
	case "LSTM", "GRU", "RNN":
		return 16 * a.Len() * b.Len() / max(1, b[len(b)-1])
	}
	return 0
}
