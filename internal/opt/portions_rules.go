package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// An apartRule says how an operator that is not elementwise treats the images of a batch, the rows along axis 0, apart: which of its
// inputs have these rows, besides the first, and under which condition. All other inputs must be constant.
type apartRule struct {
	rows []int
	when func(n *graph.Node) bool // nil: always
}

// apart has the rules of operators of ai.onnx and onnxrun that have one.
var apart = map[string]apartRule{
	"AveragePool": {}, "BatchNormalization": {when: oneOutput}, "Concat": {when: otherAxis(0)}, "Conv": {}, "ConvTranspose": {}, "DepthToSpace": {},
	"Flatten": {}, "FusedConv": {rows: []int{3}}, "GlobalAveragePool": {}, "GlobalMaxPool": {}, "GroupNormalization": {}, "InstanceNormalization": {},
	"LRN": {}, "LayerNormalization": {when: otherAxis(-1)}, "LogSoftmax": {when: otherAxis(1)}, "MaxPool": {when: oneOutput},
	"NhwcAveragePool": {rows: []int{1}}, "NhwcConv": {rows: []int{3, 4}}, "NhwcConvTranspose": {}, "NhwcMaxPool": {rows: []int{1}, when: oneOutput},
	"NhwcResize": {rows: []int{4}, when: resizesMaps}, "Pad": {when: padsMaps}, "Place": {rows: []int{1}}, "Reshape": {}, "Resize": {when: resizesMaps},
	"Slice": {when: slicesMaps}, "Softmax": {when: otherAxis(1)}, "SpaceToDepth": {}, "Split": {when: otherAxis(0)}, "Squeeze": {when: namesAxes},
	"Transpose": {when: func(n *graph.Node) bool { p := n.Attrs.IntList("perm"); return len(p) > 0 && p[0] == 0 }}, "Unsqueeze": {when: namesAxes},
}

func init() {
	for _, op := range []string{"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"} {
		apart[op] = apartRule{when: reducesMaps}
	}
}

// rowInputs returns the numbers of the inputs of n of which an image of its outputs needs that image alone; ok is false if n does not
// treat the images of a batch of that length apart.
func rowInputs(n *graph.Node, batch ops.Dim) (rows []int, ok bool) {
	if n.Op == nil || len(n.Bodies) > 0 || n.Op.Flags&(ops.Random|ops.Managed|ops.Changes) != 0 || n.Op != ops.Default().Find(n.Domain, n.Type, n.Version) {
		return nil, false
	}
	if slices.ContainsFunc(n.Out, func(v *graph.Value) bool { return !images(v, batch) }) {
		return nil, false
	}
	if n.Op.Flags&ops.Elementwise != 0 || n.Domain == "onnxrun" && n.Type == "Elementwise" {
		return elementRows(n, batch)
	}
	rule, ok := apart[n.Type]
	if !ok || n.Domain != "" && n.Domain != "onnxrun" || rule.when != nil && !rule.when(n) {
		return nil, false
	}
	for i, v := range n.In {
		switch row := i == 0 || n.Type == "Concat" || slices.Contains(rule.rows, i); {
		case row && v != nil && !v.IsConst() && images(v, batch):
			rows = append(rows, i)
		case row && (v != nil || i == 0), v != nil && !v.IsConst():
			return nil, false
		}
	}
	return rows, true
}

// elementRows is rowInputs of a node that broadcasts its inputs.
func elementRows(n *graph.Node, batch ops.Dim) (rows []int, ok bool) {
	rank := n.Out[0].Rank()
	for i, v := range n.In {
		switch {
		case v == nil || v.Ranked && v.Rank() < rank:
		case images(v, batch) && !v.IsConst():
			rows = append(rows, i)
		case !v.Ranked || v.Rank() > rank:
			return nil, false
		default:
			if d, known := v.Dims[0].Const(); !known || d != 1 {
				return nil, false
			}
		}
	}
	return rows, len(rows) > 0
}

// images reports whether v is a tensor of so many images of known size.
func images(v *graph.Value, batch ops.Dim) bool {
	return v != nil && v.Kind == tensor.KindTensor && v.DType != tensor.String && v.DType.Bits() >= 8 && v.Ranked && len(v.Dims) > 0 && v.Dims[0].Equal(batch) && imageBytes(v) > 0
}

// imageBytes returns the bytes of one image, 0 if they are not known.
func imageBytes(v *graph.Value) int {
	shape, ok := ops.WithLength(v.Type, oneImage).Static()
	if !ok {
		return 0
	}
	return v.DType.ByteLen(shape.Len())
}

func oneOutput(n *graph.Node) bool { return len(n.Out) == 1 && !n.Attrs.Bool("training_mode") }

// otherAxis tells whether a node works along an axis that is not the first; without the attribute it is missing.
func otherAxis(missing int) func(n *graph.Node) bool {
	return func(n *graph.Node) bool {
		axis := n.Attrs.IntOr("axis", missing)
		return axis != 0 && axis != -n.In[0].Rank()
	}
}

// mapAxes reports whether axes of a tensor of that rank are known and none is the first.
func mapAxes(axes []int64, rank int) bool {
	return len(axes) > 0 && !slices.ContainsFunc(axes, func(a int64) bool { return a == 0 || a == int64(-rank) })
}

func reducesMaps(n *graph.Node) bool { return mapAxes(axesOf(n), n.In[0].Rank()) }

func slicesMaps(n *graph.Node) bool {
	if len(n.In) < 4 || n.In[3] == nil {
		return false
	}
	axes, _ := n.In[3].Ints()
	return mapAxes(axes, n.In[0].Rank())
}

// padsMaps reports whether n pads no images.
func padsMaps(n *graph.Node) bool {
	if len(n.In) < 2 || len(n.In) > 3 && n.In[3] != nil {
		return false
	}
	pads, _ := n.In[1].Ints()
	rank := n.In[0].Rank()
	return len(pads) == 2*rank && pads[0] == 0 && pads[rank] == 0
}

// resizesMaps reports whether n is a Resize of all axes that lets the first as it is.
func resizesMaps(n *graph.Node) bool {
	if n.Domain == "" && n.Version < 11 || n.Attrs.HasAttr("axes") || n.Attrs.Str("coordinate_transformation_mode") == "tf_crop_and_resize" {
		return false
	}
	if len(n.In) < 3 || n.In[2] == nil || n.In[2].Const == nil || n.In[2].Const.Len() == 0 {
		return true // sizes
	}
	return n.In[2].DType == tensor.Float32 && tensor.Of[float32](n.In[2].Const)[0] == 1
}

// namesAxes reports whether n, Squeeze or Unsqueeze, says which axes it means.
func namesAxes(n *graph.Node) bool { return n.Attrs.HasAttr("axes") || len(n.In) > 1 && n.In[1] != nil }
