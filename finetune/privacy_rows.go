package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// What a value has of each sample of a batch.
type rowKind int

const (
	shared   rowKind = iota // the same for any samples
	bySample                // the first axis is that of the samples, or the samples' parts one sample after the other
	tangled                 // not known to be either
)

// A rowFinder works out what each value of a graph of fixed shapes has of the samples of a batch, which are the rows of some
// inputs.
type rowFinder struct {
	samples int
	kinds   map[*graph.Value]rowKind
	first   *graph.Node // the first node whose outputs are tangled
}

// rowsOf looks at all nodes of g. A node that certainly lets a sample change what another one gets is an error.
func rowsOf(g *graph.Graph, batched []*graph.Value, samples int) (*rowFinder, error) {
	f := &rowFinder{samples: samples, kinds: map[*graph.Value]rowKind{}}
	for _, v := range batched {
		f.kinds[v] = bySample
	}
	for _, n := range g.Nodes {
		kind, err := f.node(n)
		if err != nil {
			return nil, err
		}
		for _, v := range n.Out {
			if v == nil || v.IsConst() {
				continue
			}
			if f.kinds[v] = kind; kind == bySample && !f.hasRows(v) {
				f.kinds[v] = tangled
			}
			if f.kinds[v] == tangled && f.first == nil {
				f.first = n
			}
		}
	}
	return f, nil
}

// hasRows reports whether the first axis of v is a multiple of the number of samples.
func (f *rowFinder) hasRows(v *graph.Value) bool {
	if v.Kind != tensor.KindTensor || v.Rank() < 1 {
		return false
	}
	d, ok := v.Dims[0].Const()
	return ok && d > 0 && d%int64(f.samples) == 0
}

func (f *rowFinder) node(n *graph.Node) (rowKind, error) {
	kind := shared
	for _, v := range reads(n) {
		if v != nil && !v.IsConst() {
			kind = max(kind, f.kinds[v])
		}
	}
	if kind != bySample || n.Op.Flags&ops.ShapeOnly != 0 {
		if n.Op.Flags&ops.ShapeOnly != 0 {
			kind = shared
		}
		return kind, nil
	}
	rule := rowRules[ruleName(n)]
	if rule == nil || len(n.Bodies) > 0 {
		return tangled, nil
	}
	kind, mixes := rule(f, n)
	if mixes != "" {
		return tangled, ops.Unsupported("differential privacy through %s (node %q): %s, so that a sample changes the results of others", n.Type, n.Path(), mixes)
	}
	return kind, nil
}

// of returns what input i of n has of the samples.
func (f *rowFinder) of(n *graph.Node, i int) rowKind {
	if i >= len(n.In) || n.In[i] == nil || n.In[i].IsConst() {
		return shared
	}
	return f.kinds[n.In[i]]
}

// A rowRule says what the outputs of a node have of the samples, where no input is tangled and some input is bySample. If the
// node lets samples change each other's results it says how.
type rowRule func(f *rowFinder, n *graph.Node) (kind rowKind, mixes string)

// rowRules are the rules of the operators that have one. What is missing is tangled.
var rowRules = makeRowRules()

func makeRowRules() map[string]rowRule {
	rules := map[string]rowRule{
		"Reshape": keptRows, "Flatten": keptRows, "Squeeze": keptRows, "Unsqueeze": keptRows, "Transpose": transposedRows, "MatMul": productRows, "Gemm": gemmRows,
		"Gather": gatheredRows, "BatchNormalization": batchNormRows, "Slice": slicedRows, "LayerNormalization": axisRows, "CumSum": cumSumRows,
		"com.microsoft:FusedMatMul": fusedProductRows, "onnxrun:CounterDropout": firstInputRows,
	}
	for _, row := range []struct {
		rule  rowRule
		names []string
	}{
		{pointwiseRows, []string{
			"Abs", "Add", "And", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Div", "Elu",
			"Equal", "Erf", "Exp", "Expand", "Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN",
			"LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal", "Relu",
			"Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Swish", "Tan", "Tanh",
			"ThresholdedRelu", "Where", "Xor", "DequantizeLinear", "QuantizeLinear", "com.microsoft:BiasGelu", "com.microsoft:FastGelu",
			"com.microsoft:Gelu", "com.microsoft:QuickGelu",
		}},
		{sameRows, []string{
			"Attention", "GridSample", "RotaryEmbedding", "com.microsoft:FusedConv", "com.microsoft:MultiHeadAttention", "com.microsoft:RotaryEmbedding",
			"com.microsoft:SkipLayerNormalization", "com.microsoft:SkipSimplifiedLayerNormalization",
		}},
		{firstInputRows, []string{
			"AveragePool", "Conv", "ConvTranspose", "DepthToSpace", "Dropout", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool",
			"GroupNormalization", "InstanceNormalization", "LRN", "LpPool", "MaxPool", "Pad", "Resize", "SpaceToDepth", "Upsample",
		}},
		{axisRows, []string{
			"ArgMax", "ArgMin", "Concat", "GatherElements", "Hardmax", "LogSoftmax", "LpNormalization", "RMSNormalization", "SimplifiedLayerNormalization",
			"Softmax", "Split", "TopK",
		}},
		{reducedRows, []string{
			"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
		}},
	} {
		for _, name := range row.names {
			rules[name] = row.rule
		}
	}
	return rules
}

// pointwiseRows is the rule of operators that broadcast: no first axis of samples may meet another axis.
func pointwiseRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	if n.Type == "Expand" {
		return sameFirst(n.In[0], n.Out[0]), ""
	}
	for i, v := range n.In {
		if v == nil || sameFirst(v, n.Out[0]) == bySample {
			continue
		}
		if f.of(n, i) == bySample || !repeated(v, n.Out[0]) {
			return tangled, ""
		}
	}
	return bySample, ""
}

// sameFirst is bySample if two values have a first axis of one size, and as many axes.
func sameFirst(a, b *graph.Value) rowKind {
	if a.Rank() < 1 || a.Rank() != b.Rank() || !a.Dims[0].Equal(b.Dims[0]) {
		return tangled
	}
	return bySample
}

// repeated reports whether a value that is broadcast to out is the same in all rows of out.
func repeated(v, out *graph.Value) bool {
	if v.Rank() < 0 || v.Rank() < out.Rank() {
		return v.Rank() >= 0
	}
	d, ok := v.Dims[0].Const()
	return ok && d == 1
}

// firstInputRows is sameRows for operators whose other inputs are weights or settings.
func firstInputRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	for i := 1; i < len(n.In); i++ {
		if f.of(n, i) == bySample {
			return tangled, ""
		}
	}
	return sameRows(f, n)
}

// sameRows is the rule of operators for which the first axis of all samples' inputs and of the outputs is the batch.
func sameRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	for i, v := range n.In {
		if f.of(n, i) != bySample {
			continue
		}
		for _, out := range n.Out {
			if out != nil && (out.Rank() < 1 || v.Rank() < 1 || !out.Dims[0].Equal(v.Dims[0])) {
				return tangled, ""
			}
		}
	}
	return bySample, ""
}

// keptRows is the rule of operators that keep the elements in their order.
func keptRows(*rowFinder, *graph.Node) (rowKind, string) { return bySample, "" }

func transposedRows(_ *rowFinder, n *graph.Node) (rowKind, string) {
	perm := n.Attrs.IntList("perm")
	if len(perm) == 0 && n.In[0].Rank() > 1 || len(perm) > 0 && perm[0] != 0 {
		return tangled, ""
	}
	return bySample, ""
}

// axisRows is the rule of operators that work along the axis of an attribute.
func axisRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	rank := n.In[0].Rank()
	axis := n.Attrs.Int("axis")
	if axis < 0 {
		axis += rank
	}
	switch {
	case rank < 1:
		return tangled, ""
	case axis == 0 && (n.Type == "Concat" || n.Type == "Split" || n.Type == "GatherElements"):
		return tangled, ""
	case axis == 0:
		return tangled, "it works along the batch"
	case n.Type == "Concat" || n.Type == "GatherElements":
		for _, v := range n.In {
			if v == nil || sameFirst(v, n.Out[0]) != bySample {
				return tangled, ""
			}
		}
	}
	return sameRows(f, n)
}

// cumSumRows is the rule of CumSum, whose axis is an input.
func cumSumRows(_ *rowFinder, n *graph.Node) (rowKind, string) {
	axes, ok := constInts(n.In[1])
	switch {
	case !ok || len(axes) != 1 || n.In[0].Rank() < 1:
		return tangled, ""
	case axes[0] == 0 || axes[0] == int64(-n.In[0].Rank()):
		return tangled, "it works along the batch"
	}
	return bySample, ""
}

// reducedRows is the rule of reductions, whose axes are an attribute or an input.
func reducedRows(_ *rowFinder, n *graph.Node) (rowKind, string) {
	axes, rank := n.Attrs.IntList("axes"), n.In[0].Rank()
	if len(n.In) > 1 && n.In[1] != nil {
		var ok bool
		if axes, ok = constInts(n.In[1]); !ok {
			return tangled, ""
		}
	}
	if len(axes) == 0 && n.Attrs.Bool("noop_with_empty_axes") {
		return bySample, ""
	}
	if rank < 0 {
		return tangled, ""
	}
	if len(axes) == 0 || slices.Contains(axes, 0) || slices.Contains(axes, int64(-rank)) {
		return tangled, "it reduces over the batch"
	}
	return bySample, ""
}

// constInts returns the elements of a constant of integers.
func constInts(v *graph.Value) ([]int64, bool) {
	if v == nil || !v.IsConst() {
		return nil, false
	}
	switch v.Const.DType() {
	case tensor.Int64:
		return tensor.Of[int64](v.Const), true
	case tensor.Int32:
		var out []int64
		for _, x := range tensor.Of[int32](v.Const) {
			out = append(out, int64(x))
		}
		return out, true
	}
	return nil, false
}

// productRows is the rule of MatMul: rows are those of the first factor, or both factors have samples on an axis that is not
// summed over.
func productRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	a, b := n.In[0], n.In[1]
	switch of0, of1 := f.of(n, 0), f.of(n, 1); {
	case a.Rank() < 1 || b.Rank() < 1:
		return tangled, ""
	case of1 == bySample && b.Rank() == 2 || of0 == bySample && a.Rank() == 1 || of1 == bySample && b.Rank() == 1:
		return tangled, "it sums over the batch"
	case of0 == bySample && b.Rank() > a.Rank() || of1 == bySample && a.Rank() > b.Rank():
		return tangled, ""
	}
	return sameRows(f, n)
}

// fusedProductRows is the rule of FusedMatMul, where factors may be transposed.
func fusedProductRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	for _, name := range []string{"transA", "transB", "transBatchA", "transBatchB"} {
		if n.Attrs.Bool(name) && !(n.In[0].Rank() > 2 && n.In[1].Rank() > 2) && !(name == "transB" && f.of(n, 1) == shared) {
			return tangled, ""
		}
	}
	return productRows(f, n)
}

func gemmRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	switch {
	case f.of(n, 1) == bySample && !n.Attrs.Bool("transB"), f.of(n, 0) == bySample && n.Attrs.Bool("transA"):
		return tangled, "it sums over the batch"
	case f.of(n, 1) == bySample || f.of(n, 0) != bySample:
		return tangled, ""
	}
	return sameRows(f, n)
}

// gatheredRows is the rule of Gather: of rows of a table by the samples' indices, or along another axis of the samples.
func gatheredRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	axis := n.Attrs.Int("axis")
	if axis < 0 {
		axis += n.In[0].Rank()
	}
	switch data, index := f.of(n, 0), f.of(n, 1); {
	case data == bySample && index == bySample:
		return tangled, ""
	case data == bySample && axis == 0:
		return tangled, "it takes some samples out of the batch"
	case index == bySample && axis != 0:
		return tangled, ""
	}
	return bySample, ""
}

// slicedRows is the rule of Slice: it must leave the samples and their order.
func slicedRows(_ *rowFinder, n *graph.Node) (rowKind, string) {
	if len(n.In) > 4 && n.In[4] != nil {
		steps, ok := constInts(n.In[4])
		if !ok || slices.ContainsFunc(steps, func(s int64) bool { return s < 0 }) {
			return tangled, ""
		}
	}
	return sameFirst(n.In[0], n.Out[0]), ""
}

func batchNormRows(f *rowFinder, n *graph.Node) (rowKind, string) {
	if n.Attrs.Bool("training_mode") {
		return tangled, "it normalises by the statistics of the batch"
	}
	return firstInputRows(f, n)
}

// tangledError says at which node rows got lost, for a value that needs them.
func (f *rowFinder) tangledError(v *graph.Value) error {
	if f.first == nil {
		return fmt.Errorf("%q has no row for each sample", v.Name)
	}
	return fmt.Errorf("%q: the batch axis is lost at node %q (%s)", v.Name, f.first.Path(), f.first.Type)
}
