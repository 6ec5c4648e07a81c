package opt_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// fusions are written-out forms and the operators that must be left of them. x is float32 [2, 3, 8], image
// is [1, 4, 6, 6]; names in capital letters are random constants, numbers are scalars, # and % begin vectors of integers
// and of float32.
var fusions = []struct{ name, input, nodes, want string }{
	{"swish", "x", "Sigmoid x -> s; Mul s x -> y", "Swish"},
	{"gelu by Div", "x", "Div x 1.4142135 -> d; Erf d -> e; Add e 1 -> a; Mul x a -> m; Mul m 0.5 -> y", "Gelu"},
	{"gelu, half first", "x", "Mul x 0.5 -> h; Mul x 0.70710677 -> d; Erf d -> e; Add e 1 -> a; Mul h a -> y", "Gelu"},
	{"gelu, half on the bracket", "x", "Div x 1.4142135 -> d; Erf d -> e; Add 1 e -> a; Mul 0.5 a -> m; Mul x m -> y", "Gelu"},
	{"gelu with tanh", "x", "Pow x 3 -> c; Mul c 0.044715 -> k; Add x k -> s; Mul s 0.7978846 -> t; Tanh t -> h; Add h 1 -> a; Mul x 0.5 -> f; Mul f a -> y", "Gelu"},
	{"no gelu with another factor", "x", "Div x 1.4 -> d; Erf d -> e; Add e 1 -> a; Mul x a -> m; Mul m 0.5 -> y", "Div Erf Add Mul Mul"},
	{"layer normalisation", "x", "ReduceMean x axes=-1 -> m; Sub x m -> d; Pow d 2 -> q; ReduceMean q axes=-1 -> v; Add v 0.00001 -> e; Sqrt e -> r; Div d r -> n; Mul n G8 -> g; Add g B8 -> y", "LayerNormalization"},
	{"root mean square", "x", "Pow x 2 -> q; ReduceMean q axes=-1 -> v; Add v 0.00001 -> e; Sqrt e -> r; Reciprocal r -> i; Mul x i -> n; Mul G8 n -> y", "RMSNormalization"},
	{"bias and activation", "x", "MatMul x W8x5 -> p; Add p B5 -> b; Relu b -> y", "FusedMatMul"},
	{"bias and written-out gelu", "x", "MatMul x W8x8 -> p; Add B8 p -> b; Div b 1.4142135 -> d; Erf d -> e; Add e 1 -> a; Mul b a -> m; Mul m 0.5 -> y", "FusedMatMul"},
	{"residual", "x", "MatMul x W8x8 -> p; Add p x -> y", "FusedMatMul"},
	{"a product that is read twice stays", "x", "MatMul x W8x8 -> p; Relu p -> r; Add p r -> y", "MatMul Relu Add"},
	{"transposed operand", "x", "Transpose x perm=0,2,1 -> t; MatMul x t -> y", "FusedMatMul"},
	{"bias and activation of a product of a transposed operand", "x", "Transpose x perm=0,2,1 -> t; MatMul t W3x8 -> p; Add p B8 -> b; Tanh b -> y", "FusedMatMul"},
	{"factors and activation of a product", "x", "Transpose x perm=0,2,1 -> t; MatMul x t -> p; Mul p 0.25 -> m; Div m 3 -> d; Sigmoid d -> y", "FusedMatMul"},
	{"a factor of zero stays", "x", "Transpose x perm=0,2,1 -> t; MatMul x t -> p; Mul p 0 -> y", "FusedMatMul Mul"},
	{"a factor behind an activation stays", "x", "Transpose x perm=0,2,1 -> t; MatMul x t -> p; Sigmoid p -> s; Mul s 0.5 -> y", "FusedMatMul Mul"},
	{"a constant divided by a product stays", "x", "Transpose x perm=0,2,1 -> t; MatMul x t -> p; Div 2 p -> y", "FusedMatMul Div"},
	{"transposed product", "x", "Slice x #0 #1 #0 -> o; Reshape o #3,8 -> a; MatMul a W8x5 -> p; Transpose p perm=1,0 -> y", "Slice Reshape FusedMatMul"},
	{"transposed product of transposed operands", "x", "Slice x #0 #1 #0 -> o; Reshape o #8,3 -> a; Transpose a perm=1,0 -> t; MatMul t W8x5 -> p; Transpose p perm=1,0 -> y", "Slice Reshape FusedMatMul"},
	{"other transpositions stay", "x", "Transpose x perm=1,0,2 -> t; Transpose x perm=1,2,0 -> u; MatMul t u -> y", "Transpose Transpose MatMul"},
	{"convolution, normalisation, activation", "image", "Conv image K5x4x3x3 pads=1,1,1,1 -> c; BatchNormalization c G5 B5 M5 V5 -> n; Clip n 0 6 -> y", "Transpose NhwcConv Transpose"},
	{"convolution, activation, normalisation", "image", "Conv image K5x4x3x3 L5 pads=1,1,1,1 -> c; Relu c -> r; BatchNormalization r G5 B5 M5 V5 -> y", "Transpose NhwcConv Transpose"},
	{"convolution, activation, normalisation, residual", "image", "Conv image K4x1x3x3 pads=1,1,1,1 group=4 -> c; HardSwish c -> r; BatchNormalization r G4 B4 M4 V4 -> n; Add image n -> y", "Transpose NhwcConv Transpose"},
	{"an activation that is read twice", "image", "Conv image K4x4x1x1 -> c; Relu c -> r; BatchNormalization r G4 B4 M4 V4 -> n; Mul r n -> y", "Transpose NhwcConv NhwcConv Mul Transpose"},
	{"product and normalisation of its columns", "x", "Reshape x #6,8 -> f; MatMul f W8x5 -> p; Add p C5 -> a; BatchNormalization a G5 B5 M5 V5 -> n; Relu n -> y", "Reshape FusedMatMul"},
	{"product of a sequence and normalisation of its columns", "x", "MatMul x W8x5 -> p; Reshape p #6,5 -> f; BatchNormalization f G5 B5 M5 V5 -> n; Reshape n #2,3,5 -> s; HardSwish s -> y", "FusedMatMul"},
	{"general product and normalisation", "x", "Flatten x axis=2 -> f; Gemm f W5x8 C5 transB=1 alpha=0.5 beta=2 -> p; BatchNormalization p G5 B5 M5 V5 -> y", "Flatten Gemm"},
	{"general product, factor, sum and activation", "x", "Flatten x axis=2 -> f; Gemm f W8x5 -> p; Mul p S5 -> m; Add m 2 -> a; Relu a -> y", "Flatten FusedMatMul"},
	{"normalisation of something else than columns", "x", "MatMul x W8x6 -> p; Reshape p #9,4 -> f; BatchNormalization f G4 B4 M4 V4 -> y", "MatMul Reshape BatchNormalization"},
	{"a product that is read beside its normalisation", "x", "Flatten x axis=2 -> f; MatMul f W8x5 -> p; BatchNormalization p G5 B5 M5 V5 -> n; Mul n p -> y", "Flatten MatMul BatchNormalization Mul"},
	{"a bias for each row stays", "x", "Flatten x axis=2 -> f; Gemm f W8x6 C6x1 -> p; Mul p S6 -> y", "Flatten Gemm Mul"},
	{"transposed convolution and normalisation", "image", "ConvTranspose image K4x3x2x2 -> c; BatchNormalization c G3 B3 M3 V3 -> y", "Transpose NhwcConvTranspose Transpose"},
	{"convolution, residual, activation", "image", "Conv image K4x4x1x1 -> c; Add image c -> s; Relu s -> y", "Transpose NhwcConv Transpose"},
	{"branches of one value", "image", "Conv image K4x4x3x3 pads=1,1,1,1 -> c; Conv image P4x4x1x1 B4 -> p; BatchNormalization image G4 B4 M4 V4 -> b; Add c p -> s; Add s b -> t; Relu t -> y", "Transpose NhwcConv Transpose"},
	{"branches that step by two", "image", "Conv image K5x4x1x1 strides=2,2 -> q; Add q 0 -> p; Conv image L5x4x3x3 B5 strides=2,2 pads=1,1,1,1 -> c; Conv image M5x4x3x3 strides=2,2 pads=1,1,1,1 -> d; Sum p c d -> y", "Transpose NhwcConv Transpose"},
	{"depthwise branches less the value, scaled", "image", "Conv image K4x1x3x3 pads=1,1,1,1 group=4 -> c; Conv image P4x1x1x1 group=4 -> p; Add p c -> m; BatchNormalization image G4 B4 M4 V4 -> b; Sub m b -> d; Mul S4x1x1 d -> f; Add image f -> y", "Transpose NhwcConv Transpose"},
	{"a kernel within a dilated one", "image", "Conv image K4x4x3x3 pads=2,2,2,2 dilations=2,2 -> c; Conv image L4x4x1x3 pads=0,2,0,2 dilations=1,2 -> d; Sub d c -> y", "Transpose NhwcConv Transpose"},
	{"kernels that leave one another stay", "image", "Conv image K4x4x3x1 pads=1,0,1,0 -> c; Conv image L4x4x1x3 pads=0,1,0,1 -> d; Add c d -> y", "Transpose NhwcConv NhwcConv Transpose"},
	{"branches of other values stay", "image", "Conv image K4x4x3x3 pads=1,1,1,1 -> c; Relu image -> r; Conv r P4x4x1x1 -> p; Add c p -> y", "Transpose Relu NhwcConv NhwcConv Transpose"},
	{"a branch that is read twice stays", "image", "Conv image K4x4x3x3 pads=1,1,1,1 -> c; Conv image P4x4x1x1 -> p; Add c p -> s; Mul s c -> y", "Transpose NhwcConv NhwcConv Mul Transpose"},
	{"repeated nodes", "x", "Exp x -> a; Add a 1 -> b; Exp x -> c; Add c 1 -> d; Mul b d -> y", "Exp Add Mul"},
	{"nodes of other attributes", "x", "ReduceMax x axes=-1 -> a; ReduceMax x axes=1 -> b; Sub a b -> y", "ReduceMax ReduceMax Sub"},
	{"transposed back", "x", "Transpose x perm=2,0,1 -> t; Transpose t perm=1,2,0 -> u; Relu u -> y", "Relu"},
	{"transposed twice", "x", "Transpose x perm=2,0,1 -> t; Transpose t perm=1,0,2 -> u; Relu u -> y", "Transpose Relu"},
	{"shapes changed twice", "x", "Flatten x axis=1 -> f; Flatten f axis=1 -> g; Relu g -> y", "Flatten Relu"},
	{"identities", "x", "Identity x -> i; Cast i to=1 -> c; Relu c -> y", "Relu"},
}

func TestFusions(t *testing.T) {
	for _, f := range slices.Concat(fusions, attentionForms, selectionForms) {
		t.Run(f.name, func(t *testing.T) {
			m := parse(f.input, f.nodes)
			plain, _ := apply(t, m, true)
			fused, kinds := apply(t, m, false)
			if got := strings.Join(kinds, " "); got != f.want {
				t.Errorf("left: %s, want %s", got, f.want)
			}
			for i, want := range plain {
				if (want != want) != (fused[i] != fused[i]) || math.Abs(float64(fused[i]-want)) > 1e-4*max(1, math.Abs(float64(want))) {
					t.Fatalf("element %d is %v, want %v", i, fused[i], want)
				}
			}
		})
	}
}

func apply(t *testing.T, m *onnx.Model, off bool) ([]float32, []string) {
	t.Helper()
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = opt.Apply(g, opt.Options{Off: off}); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, n := range g.Nodes {
		kinds = append(kinds, n.Type)
	}
	p, err := plan.Compile(g, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shape, _ := g.Inputs[0].Static()
	in, out := random("input", shape), new(tensor.Tensor)
	if err := p.Run(context.Background(), 1, []*tensor.Tensor{in}, []*tensor.Tensor{out}); err != nil {
		t.Fatal(err)
	}
	return tensor.Of[float32](out), kinds
}

func random(name string, shape tensor.Shape) *tensor.Tensor { return opt.Random(name, shape) }

func parse(input, text string) *onnx.Model { return opt.ParseModel(input, text) }
