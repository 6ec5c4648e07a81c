package nn_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// model applies a layer to float32[batch, dims...].
func model(layer nn.Layer, dims ...nn.Dim) (*onnx.Model, error) {
	b := nn.New("test", 1)
	b.Output("y", layer.Apply(b.Input("x", tensor.Float32, append([]nn.Dim{nn.Batch}, dims...)...)))
	return b.Model()
}

func must(t *testing.T, layer nn.Layer, dims ...nn.Dim) *onnx.Model {
	t.Helper()
	m, err := model(layer, dims...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNamesOfWeights(t *testing.T) {
	for _, tc := range []struct {
		layer nn.Layer
		dims  []nn.Dim
		want  string
	}{
		{nn.Sequential{nn.Linear{Out: 3}, nn.ReLU{}, nn.Linear{Out: 1, NoBias: true}}, []nn.Dim{2}, "fc1.weight fc1.bias fc2.weight"},
		{nn.Named("body", nn.Sequential{nn.Linear{Out: 3}, nn.Named("head", nn.Linear{Out: 1})}), []nn.Dim{2},
			"body.fc1.weight body.fc1.bias body.head.weight body.head.bias"},
		{nn.Sequential{nn.Named("fc1", nn.Linear{Out: 3}), nn.Linear{Out: 3}}, []nn.Dim{2}, "fc1.weight fc1.bias fc2.weight fc2.bias"},
		{nn.Named("res", nn.Residual{Body: nn.Linear{Out: 3}, Shortcut: nn.Linear{Out: 3, NoBias: true}}), []nn.Dim{2},
			"res.fc1.weight res.fc1.bias res.fc2.weight"},
		{nn.Concat{Branches: []nn.Layer{
			nn.Conv{Out: 1, Kernel: nn.Size{1}, NoBias: true}, nn.Named("wide", nn.Conv{Out: 1, Kernel: nn.Size{3}, Same: true, NoBias: true}),
		}}, []nn.Dim{2, 5}, "concat1.conv1.weight concat1.wide.weight"},
		{nn.Shared(nn.Linear{Out: 2}), []nn.Dim{2}, "shared1.fc1.weight shared1.fc1.bias"},
		{nn.Sequential{nn.Positions{Max: 9}, nn.BatchNorm{}}, []nn.Dim{4, 2},
			"positions1.start positions1.step positions1.weight bn1.weight bn1.bias bn1.running_mean bn1.running_var"},
	} {
		got := initializers(must(t, tc.layer, tc.dims...))
		slices.Sort(got)
		want := strings.Fields(tc.want)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("weights %v, want %v", got, want)
		}
	}
}

func TestNamesOfNodes(t *testing.T) {
	m := must(t, nn.Sequential{
		nn.Conv{Out: 4, Kernel: nn.Size{3}}, nn.ReLU{}, nn.MaxPool{Kernel: nn.Size{2}}, nn.Flatten{}, nn.Linear{Out: 2}, nn.SiLU{},
	}, 1, 8, 8)
	var got []string
	for _, n := range m.Graph.Nodes {
		got = append(got, n.Name+"="+n.OpType)
	}
	want := "conv1=Conv relu1=Relu pool1=MaxPool flatten1=Flatten fc1=Gemm silu1.Sigmoid=Sigmoid silu1=Mul"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("nodes %s, want %s", text, want)
	}
	if m.IRVersion != 11 || m.Opset("") != 23 || len(m.Opsets) != 1 || m.Graph.Name != "test" {
		t.Errorf("IR version %d, operator sets %v, graph %q", m.IRVersion, m.Opsets, m.Graph.Name)
	}
	if d := m.Graph.Outputs[0].Type.Dims; len(d) != 2 || d[0] != onnx.NamedDim("batch") || d[1] != onnx.FixedDim(2) {
		t.Errorf("output is declared as %v", d)
	}
}

// mistakes are layers that cannot be applied, and what is said of them.
var mistakes = []struct {
	layer nn.Layer
	dims  []nn.Dim
	want  string
}{
	{nn.Sequential{nn.Linear{Out: 3}, nn.Linear{}}, []nn.Dim{2}, `nn: layer "fc2" (Linear): Out is 0, want a number above 0`},
	{nn.Linear{Out: 3}, []nn.Dim{nn.Sequence}, `nn: layer "fc1" (Linear): is applied to float32[batch,sequence], want a known size of axis -1`},
	{nn.Named("a", nn.Conv{Out: 3, Kernel: nn.Size{3}}), []nn.Dim{2}, `nn: layer "a" (Conv): is applied to float32[batch,2], want rank 3 to 5`},
	{nn.Conv{Out: 3, Kernel: nn.Size{3, 3}}, []nn.Dim{1, 9}, `layer "conv1" (Conv): Kernel is [3 3], want one number or 1`},
	{nn.Conv{Out: 3}, []nn.Dim{1, 9}, `Kernel is [0], want numbers of at least 1`},
	{nn.Conv{Out: 3, Kernel: nn.Size{3}, Padding: nn.Size{-1}}, []nn.Dim{1, 9}, `Padding is [-1], want numbers of at least 0`},
	{nn.Conv{Out: 4, Kernel: nn.Size{3}, Groups: 2}, []nn.Dim{3, 9}, `3 channels in and 4 out, want multiples of Groups, 2`},
	{nn.Conv{Out: 4, Kernel: nn.Size{3}, Same: true, Stride: nn.Size{2}}, []nn.Dim{3, 9}, `Same with Stride [2]`},
	{nn.Conv{Out: 4, Kernel: nn.Size{7}}, []nn.Dim{3, 5}, `conv1`},
	{nn.ConvTranspose{Out: 3, Kernel: nn.Size{3}, Groups: 2}, []nn.Dim{2, 5}, `2 channels in and 3 out`},
	{nn.MaxPool{}, []nn.Dim{1, 9}, `layer "pool1" (MaxPool): Kernel is [0]`},
	{nn.AveragePool{Kernel: nn.Size{2}}, []nn.Dim{9}, `layer "pool1" (AveragePool): is applied to float32[batch,9], want rank 3 to 5`},
	{nn.BatchNorm{}, []nn.Dim{nn.Height, 2}, `want a known size of axis 1`},
	{nn.LayerNorm{Axes: 2}, []nn.Dim{3}, `Axes is 2 for float32[batch,3], want at least 1 and less than the rank`},
	{nn.GroupNorm{Groups: 2}, []nn.Dim{3, 4}, `3 channels, want a multiple of Groups, 2`},
	{nn.GroupNorm{}, []nn.Dim{3, 4}, `Groups is 0`},
	{nn.Dropout{P: 1}, []nn.Dim{3}, `P is 1, want at least 0 and below 1`},
	{nn.Embedding{Count: 3, Width: 2}, []nn.Dim{3}, `is applied to float32[batch,3], want int64 or int32`},
	{nn.LSTM{Hidden: 3}, []nn.Dim{3}, `layer "lstm1" (LSTM): is applied to float32[batch,3], want rank 3`},
	{nn.GRU{}, []nn.Dim{3, 2}, `layer "gru1" (GRU): Hidden is 0`},
	{nn.MultiHeadAttention{Heads: 3}, []nn.Dim{nn.Sequence, 8}, `width 8, 3 Heads and 3 KVHeads, want each a multiple of the next`},
	{nn.MultiHeadAttention{Heads: 4, KVHeads: 3}, []nn.Dim{nn.Sequence, 8}, `width 8, 4 Heads and 3 KVHeads`},
	{nn.TransformerBlock{Heads: 0}, []nn.Dim{nn.Sequence, 8}, `layer "block1.attn" (MultiHeadAttention): Heads is 0`},
	{nn.Positions{Max: 4}, []nn.Dim{5, 8}, `want at most Max, 4 positions`},
	{nn.Residual{Body: nn.Linear{Out: 3}}, []nn.Dim{4}, `Residual: the body gives float32[batch,3], want the shape of the shortcut, float32[batch,4]`},
	{nn.Residual{}, []nn.Dim{4}, `a layer is nil`},
	{nn.Sequential{nn.ReLU{}, nil}, []nn.Dim{4}, `a layer is nil`},
	{nn.Named("a", nil), []nn.Dim{4}, `a layer is nil`},
	{nn.Shared(nil), []nn.Dim{4}, `layer "shared1" (Shared): a layer is nil`},
	{nn.Concat{Branches: []nn.Layer{nil}}, []nn.Dim{4}, `layer "concat1" (Concat): a layer is nil`},
	{nn.Func("empty", func(*nn.Value) *nn.Value { return nil }), []nn.Dim{4}, `layer "empty1" (empty): the function returns no value`},
	{nn.Func("none", nil), []nn.Dim{4}, `layer "none1" (none): the function is nil`},
	{nn.Linear{Out: 1 << 30}, []nn.Dim{4}, `weight "fc1.weight" has shape [1073741824 4]`},
	{nn.Concat{}, []nn.Dim{4}, `layer "concat1" (Concat): no branches`},
	{nn.Concat{Axis: 2, Branches: []nn.Layer{nn.Linear{Out: 1}, nn.Linear{Out: 1}}}, []nn.Dim{4}, `concat1`},
	{nn.Sequential{nn.Named("a", nn.ReLU{}), nn.Named("a", nn.ReLU{})}, []nn.Dim{4}, `two layers are named "a"`},
	{nn.Named("", nn.ReLU{}), []nn.Dim{4}, `Named without a name`},
	{nn.Reshape{Dims: []int{0, 3}}, []nn.Dim{4}, `reshape1`},
	{nn.Transpose{Perm: []int{0, 0}}, []nn.Dim{4}, `transpose1`},
	{nn.Operator{Name: "Nonsense"}, []nn.Dim{4}, `layer "nonsense1" (Nonsense): `},
	{nn.Operator{Name: "Softsign", Attrs: nn.Attrs{"a": struct{}{}}}, []nn.Dim{4}, `attribute "a" is a struct {}`},
	{nn.Operator{Name: "Softsign", Attrs: nn.Attrs{"axis": 1}}, []nn.Dim{4}, `nn: model "test": `},
	{nn.Func("scale", func(x *nn.Value) *nn.Value {
		return x.Builder().Op("Mul", nil, x, x.Builder().Weight("weight", nil, tensor.Float32, 4))
	}), []nn.Dim{4}, `layer "scale1" (scale): weight "scale1.weight" has no initializer`},
}

// TestMistakes holds messages to naming the layer, what was expected and what came.
func TestMistakes(t *testing.T) {
	for _, tc := range mistakes {
		_, err := model(tc.layer, tc.dims...)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%#v: error %v, want %s", tc.layer, err, tc.want)
		}
	}
}

// TestNothingAfterAMistake applies every layer to the result of a mistake, which is the one that is reported.
func TestNothingAfterAMistake(t *testing.T) {
	for name, layer := range layerCases {
		_, err := model(nn.Sequential{nn.Linear{Out: -7}, layer, nn.Shared(layer), nn.Residual{Body: layer}, nn.Positions{}}, 2)
		if err == nil || !strings.Contains(err.Error(), "Out is -7") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestMistakesOfBuilders(t *testing.T) {
	for name, tc := range map[string]struct {
		build func(b *nn.Builder)
		want  string
	}{
		"no outputs":         {func(b *nn.Builder) { b.Input("x", tensor.Float32, 1) }, `nn: model "m" has no outputs`},
		"input twice":        {func(b *nn.Builder) { b.Input("x", tensor.Float32, 1); b.Input("x", tensor.Float32, 1) }, `nn: input "x": the name is taken`},
		"input without name": {func(b *nn.Builder) { b.Input("", tensor.Float32, 1) }, `an input has no name`},
		"input of no type":   {func(b *nn.Builder) { b.Input("x", tensor.Undefined, 1) }, `input "x": element type`},
		"unknown dimension":  {func(b *nn.Builder) { b.Input("x", tensor.Float32, -99) }, `input "x": dimension -99 is neither a size nor a name`},
		"output twice": {func(b *nn.Builder) {
			x := b.Input("x", tensor.Float32, 1)
			b.Output("y", x)
			b.Output("y", x)
		}, `output "y": the name is taken`},
		"output of another kind": {func(b *nn.Builder) {
			b.Output("y", b.Op("SequenceConstruct", nil, b.Input("x", tensor.Float32, 1)))
		}, `output "y" is sequence(float32[1]), want a tensor`},
		"output without name": {func(b *nn.Builder) { b.Output("", b.Input("x", tensor.Float32, 1)) }, `an output has no name`},
		"another builder": {func(b *nn.Builder) {
			b.Output("y", b.Op("Add", nil, b.Input("x", tensor.Float32, 1), nn.New("other", 1).Input("x", tensor.Float32, 1)))
		}, `a value of another builder ("other")`},
		"weight of integers": {func(b *nn.Builder) { b.Weight("w", finetune.Initializer(nil), tensor.Int64, 2) }, `weight "w" has no initializer`},
		"tied weight": {func(b *nn.Builder) {
			w := b.Input("w", tensor.Float32, 3, 4)
			nn.Linear{Weight: w}.Apply(b.Input("x", tensor.Float32, nn.Batch, 5))
		}, `Weight is float32[3,4], want [3 5]`},
		"shared with another width": {func(b *nn.Builder) {
			l := nn.Shared(nn.Linear{Out: 4})
			l.Apply(l.Apply(b.Input("x", tensor.Float32, nn.Batch, 3)))
		}, `weight "shared1.fc1.weight" is shared as float32[4 3], want float32[4 4]`},
	} {
		b := nn.New("m", 1)
		tc.build(b)
		if _, err := b.Model(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %s", name, err, tc.want)
		}
	}
}

// TestSeeds holds the first values of weights to the seed and the name alone.
func TestSeeds(t *testing.T) {
	build := func(seed uint64, layers ...nn.Layer) *onnx.Model {
		b := nn.New("m", seed)
		b.Output("y", nn.Sequential(layers).Apply(b.Input("x", tensor.Float32, nn.Batch, 3)))
		m, err := b.Model()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	head := nn.Named("head", nn.Linear{Out: 3})
	first := build(1, head)
	if !bytes.Equal(onnx.Encode(first), onnx.Encode(build(1, head))) {
		t.Error("the same model and seed give other bytes")
	}
	weight := func(m *onnx.Model) []byte {
		for _, p := range m.Graph.Initializers {
			if v, err := p.Value(); err == nil && p.Name == "head.weight" {
				return v.Bytes()
			}
		}
		t.Fatal("no head.weight")
		return nil
	}
	if !bytes.Equal(weight(first), weight(build(1, nn.Linear{Out: 3}, nn.ReLU{}, head))) {
		t.Error("another layer before it changes a weight")
	}
	if bytes.Equal(weight(first), weight(build(2, head))) {
		t.Error("another seed gives the same weights")
	}
	if bytes.Equal(weight(first), weight(build(1<<40+1, head))) {
		t.Error("the upper half of the seed does not count")
	}
}
