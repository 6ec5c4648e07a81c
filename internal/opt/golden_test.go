package opt

import (
	"bytes"
	goflag "flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

var update = goflag.Bool("update", false, "write the golden dumps anew")

// headsText makes q, two heads of 4, of tokens.
const headsText = "MatMul tokens W8x8 -> p; Reshape p #2,5,2,4 -> u; Transpose u perm=0,2,1,3 -> q; "

// phasesText cuts a picture in its four phases, and joins these.
const phasesText = "Slice image #0 #6 #2 #2 -> e; Slice image #1 #6 #2 #2 -> o; Slice e #0 #99 #3 #2 -> a; Slice o #0 #99 #-1 #2 -> b; Slice e #1 #99 #3 #2 -> c; Slice o #1 #99 #3 #2 -> d; " +
	"Concat a b c d axis=1 -> f; Conv f K5x16x3x3 pads=1,1,1,1 -> y"

// golden are graphs that show what each pass does: the nodes as Parse reads them. Each is dumped to
// testdata/<pass>/<name>.txt before and after the pass; the passes that stand before it in the table have run. Without
// nodes, models makes the model.
var golden = []struct{ pass, name, input, nodes string }{
	{"infer", "shapes", "x", "Transpose x perm=0,2,1 -> t; MatMul x t -> y"},
	{"branches", "taken", "x", ""},
	{"gradients", "product", "x", ""},
	{"verify", "valid", "x", "Relu x -> y"},
	{"fold", "constants", "x", "Add 1 2 -> c; Mul x c -> y"},
	{"identities", "by-ones", "x", "Mul G2x3x8 x -> m; Relu m -> y"},
	{"identities", "copies", "x", "Identity x -> i; Cast i to=1 -> c; Relu c -> y"},
	{"prune", "without-use", "x", "Neg x -> n; Relu x -> y"},
	{"widen", "half-precision", "x", "Cast x to=10 -> h; Relu h -> r; Cast r to=1 -> y"},
	{"casts", "half-precision", "x", "Cast x to=10 -> h; Relu h -> r; Cast r to=1 -> y"},
	{"contractions", "scores", "tokens", "Reshape tokens #2,5,2,4 -> q; Einsum q q equation=bihd,bjhd->bhij -> y"},
	{"product-norms", "sequence", "x", "MatMul x W8x5 -> p; Reshape p #6,5 -> f; BatchNormalization f G5 B5 M5 V5 -> n; Reshape n #2,3,5 -> s; Relu s -> y"},
	{"moves", "transposed-back", "x", "Transpose x perm=0,2,1 -> t; Transpose t perm=0,2,1 -> u; Relu u -> y"},
	{"moves", "merged", "x", "Transpose x perm=0,2,1 -> t; Transpose t perm=2,0,1 -> y"},
	{"moves", "flattened-twice", "x", "Flatten x axis=1 -> f; Flatten f axis=1 -> g; Relu g -> y"},
	{"subexpressions", "chains", "x", "Exp x -> a; Add a 1 -> b; Exp x -> c; Add c 1 -> d; Mul b d -> y"},
	{"selections", "token", "tokens", "MatMul tokens W8x8 -> p; Add p B8 -> b; Relu b -> r; Add r tokens -> s; LayerNormalization s G8 H8 -> n; Slice n #0 #1 #1 -> y"},
	{"phases", "every-second-pixel", "image", phasesText},
	{"pads", "into-convolution", "image", "Conv image K4x4x3x3 pads=1,1,1,1 -> y"},
	{"conv-bn", "normalisation", "image", "Conv image K5x4x3x3 -> c; BatchNormalization c G5 B5 M5 V5 -> y"},
	{"parallels", "branches", "image", "Conv image K4x4x3x3 pads=1,1,1,1 -> c; Conv image P4x4x1x1 -> p; BatchNormalization image G4 B4 M4 V4 -> b; Add c p -> s; Add s b -> y"},
	{"activations", "swish", "x", "Sigmoid x -> s; Mul s x -> y"},
	{"norms", "layer-normalisation", "x", "ReduceMean x axes=-1 -> m; Sub x m -> d; Pow d 2 -> q; ReduceMean q axes=-1 -> v; Add v 0.00001 -> e; Sqrt e -> r; Div d r -> n; Mul n G8 -> g; Add g B8 -> y"},
	{"rolls", "slices", "x", "Slice x #3 #8 #2 -> a; Slice x #0 #3 #2 -> b; Concat a b axis=2 -> y"},
	{"rotations", "halves", "tokens", headsText + "Split q #2,2 axis=3 -> a b; Neg b -> n; Concat n a axis=3 -> h; Mul C1x1x5x4 q -> c; Mul S1x1x5x4 h -> s; Add s c -> y"},
	{"attention", "written-out", "tokens", headsText + "Transpose q perm=0,1,3,2 -> t; MatMul q t -> s; Softmax s axis=-1 -> w; MatMul w q -> y"},
	{"gates", "clipped", "x", ""},
	{"kept-gates", "layer", "x", ""},
	{"expansions", "broadcast", "x", "Add x C20x2x3x8 -> a; ReduceMean a axes=2 -> m; Expand m #20,2,3,8 -> e; Mul a e -> y"},
	{"layouts", "channels-last", "image", "Conv image K5x4x3x3 -> c; Relu c -> y"},
	{"copies", "channels-last", "image", "Conv image K5x4x3x3 -> c; Identity c -> i; Relu i -> y"},
	{"scales", "convolution", "image", "Conv image K4x4x1x1 -> c; Mul c S4x1x1 -> y"},
	{"transposed-products", "operand", "x", "Transpose x perm=0,2,1 -> t; MatMul x t -> y"},
	{"fold-rest", "taken-by-a-product", "x", "Transpose W2100x8 perm=1,0 -> t; MatMul x t -> y"},
	{"epilogues", "bias-and-activation", "x", "MatMul x W8x5 -> p; Add p B5 -> b; Relu b -> y"},
	{"common", "after-fusion", "x", "MatMul x W8x5 -> p; Relu p -> b; Exp b -> c; Exp b -> d; Neg c -> e; Mul e d -> y"},
	{"kept-places", "pool", "image", ""},
	{"paired-gradients", "depthwise", "image", ""},
	{"unpacked", "classifier", "image", "Conv image K256x4x3x3 -> c; Conv c L256x256x3x3 -> d; GlobalAveragePool d -> p; Flatten p axis=1 -> f; Gemm f W257x256 transB=1 -> y"},
	{"chains", "elementwise", "batch", "Add batch C1024 -> a; Exp a -> e; Mul e batch -> y"},
	{"views", "joined", "image", "Conv image K5x4x3x3 -> a; Conv image K3x4x3x3 -> b; Concat a b a axis=1 -> c; Conv c K4x13x1x1 -> y"},
	{"views", "cut", "image", "Conv image K6x4x1x1 -> c; Split c #3,3 axis=1 -> a b; Conv b K3x3x1x1 -> d; Concat a b d axis=1 -> e; Conv e K4x9x1x1 -> y"},
	{"portions", "large-maps", "pictures", "Conv pictures K32x3x3x3 pads=1,1,1,1 -> a; Relu a -> b; Conv b L32x1x3x3 pads=1,1,1,1 group=32 -> c; Conv c M8x32x1x1 -> d; Add d d -> y"},
	{"prune-again", "after-fusion", "x", "MatMul x W8x5 -> p; Add p B5 -> b; Relu b -> y"},
	{"recompute", "made-again", "x", ""},
	{"saved", "waiting", "x", ""},
}

// TestGolden compares each pass's result with the dump that was looked at. Run with -update after a change, and look
// at the difference.
func TestGolden(t *testing.T) {
	shown := map[string]bool{}
	for _, c := range golden {
		shown[c.pass] = true
		t.Run(c.pass+"/"+c.name, func(t *testing.T) {
			g, err := graph.Build(goldenModel(c.pass, c.input, c.nodes), ops.Default())
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			found := false
			for _, p := range passes {
				if found = p.name == c.pass; found {
					text.WriteString("before " + c.pass + "\n\n")
					graph.Dump(&text, g)
				}
				if err := p.run(g); err != nil {
					t.Fatal(err)
				}
				if found {
					break
				}
			}
			if !found {
				t.Fatalf("no pass is named %s", c.pass)
			}
			text.WriteString("\nafter " + c.pass + "\n\n")
			graph.Dump(&text, g)
			compareGolden(t, filepath.Join("testdata", c.pass, c.name+".txt"), text.Bytes())
		})
	}
	for _, p := range passes {
		if !shown[p.name] {
			t.Errorf("pass %s has no graph in the table golden: add one and run with -update", p.name)
		}
	}
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s", file, got)
	}
}

// goldenModel is the model of a golden graph, with constants of ones, which a dump shows.
func goldenModel(pass, input, nodes string) *onnx.Model {
	if nodes == "" {
		return models[pass]()
	}
	m := ParseModel(input, nodes)
	for i, p := range m.Graph.Initializers {
		v, err := p.Value()
		if err != nil || v.Len() == 1 || v.DType() != tensor.Float32 || p.Name[0] < 'A' {
			continue
		}
		x := tensor.New(tensor.Float32, v.Shape()...)
		for k := range tensor.Of[float32](x) {
			tensor.Of[float32](x)[k] = 1
		}
		m.Graph.Initializers[i] = tensor.NewProto(p.Name, x)
	}
	return m
}

// models are graphs that ParseModel has no words for.
var models = map[string]func() *onnx.Model{
	"branches": func() *onnx.Model {
		m := ParseModel("x", "Relu x -> y")
		branch := func(op string) *onnx.Graph {
			return &onnx.Graph{Name: op, Nodes: []*onnx.Node{{OpType: op, Inputs: []string{"x"}, Outputs: []string{op}}}, Outputs: []*onnx.ValueInfo{{Name: op}}}
		}
		m.Graph.Initializers = append(m.Graph.Initializers, tensor.NewProto("condition", tensor.Scalar(true)))
		m.Graph.Nodes = []*onnx.Node{{OpType: "If", Inputs: []string{"condition"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewGraph("then_branch", branch("Neg")), onnx.NewGraph("else_branch", branch("Exp"))}}}
		return m
	},
	"recompute": squares,
	"saved": func() *onnx.Model {
		return differentiated("Mul x x -> m; Sin m -> s; MatMul s s -> p; Sin p -> q; MatMul q q -> r", "r")
	},
	"gates": func() *onnx.Model {
		m := ParseModel("image", "BatchNormalization image G4 B4 M4 V4 training_mode=1 -> n; Clip n 0 6 -> q")
		m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.preview.training", Version: 1})
		m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Gradient", Domain: "ai.onnx.preview.training", Inputs: []string{"image"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewStrings("xs", "image"), onnx.NewString("y", "q")}})
		return m
	},
	"kept-gates": func() *onnx.Model {
		m := ParseModel("x", "RNN x W1x4x8 R1x4x4 hidden_size=4 -> q; Mul q q -> r")
		m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.preview.training", Version: 1})
		m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Gradient", Domain: "ai.onnx.preview.training", Inputs: []string{"x"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewStrings("xs", "x"), onnx.NewString("y", "r")}})
		return m
	},
	"kept-places": func() *onnx.Model {
		m := ParseModel("image", "Conv image K5x4x3x3 -> c; MaxPool c kernel_shape=2,2 strides=2,2 -> q; Mul q q -> r")
		m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.preview.training", Version: 1})
		m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Gradient", Domain: "ai.onnx.preview.training", Inputs: []string{"image"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewStrings("xs", "image"), onnx.NewString("y", "r")}})
		return m
	},
	"paired-gradients": func() *onnx.Model {
		m := ParseModel("image", "Conv image W32x4x1x1 -> a; Conv a K32x1x3x3 group=32 pads=1,1,1,1 -> c; Mul c c -> r")
		m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.preview.training", Version: 1})
		m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Gradient", Domain: "ai.onnx.preview.training", Inputs: []string{"image", "K32x1x3x3"}, Outputs: []string{"y", "z"},
			Attributes: []*onnx.Attribute{onnx.NewStrings("xs", "image", "K32x1x3x3"), onnx.NewString("y", "r")}})
		m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: "z", Type: onnx.NewTensorType(tensor.Float32, Fixed(32, 1, 3, 3)...)})
		return m
	},
	"gradients": func() *onnx.Model {
		m := ParseModel("x", "Mul x x -> q; Relu q -> y")
		m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.preview.training", Version: 1})
		m.Graph.Nodes[1] = &onnx.Node{OpType: "Gradient", Domain: "ai.onnx.preview.training", Inputs: []string{"x"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewStrings("xs", "x"), onnx.NewString("y", "q")}}
		return m
	},
}

// squares is a graph whose gradient reads what lies in the arena at its peak.
func squares() *onnx.Model {
	return differentiated("Mul x x -> m; Sin m -> s; MatMul s s -> p; Sin p -> q; MatMul q q -> r")
}

// differentiated returns the model of some nodes from x to r and of the gradient y of r by x. Other outputs come before it.
func differentiated(text string, outputs ...string) *onnx.Model {
	m := ParseModel("x", text)
	m.Graph.Inputs[0].Type = onnx.NewTensorType(tensor.Float32, Fixed(128, 128)...)
	m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.preview.training", Version: 1})
	m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Gradient", Domain: "ai.onnx.preview.training", Inputs: []string{"x"}, Outputs: []string{"y"},
		Attributes: []*onnx.Attribute{onnx.NewStrings("xs", "x"), onnx.NewString("y", "r")}})
	for _, name := range outputs {
		m.Graph.Outputs = append([]*onnx.ValueInfo{{Name: name, Type: m.Graph.Outputs[0].Type}}, m.Graph.Outputs...)
	}
	return m
}
