package autodiff_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// codeConstants are what the programs of codeCases may use.
const codeConstants = `sx=s_:0.02 zx=u_:120 sy=s_:0.03 zy=u_:110 sz=s_:0.05 zz=u_:100 one=s_:1 zero=s_:0 w=c4x3:7,-3,5,2,-8,1,4,6,-2,9,-5,3 w16=h4x3:7,-3,5,2,-8,1,4,6,-2,9,-5,3
	a16=h2x4:1,2,3,4,5,6,7,8 sw=s_:0.1 zw=c_:2 swc=s3:0.1,0.2,0.15 zwc=c3:2,-1,0 zwc4=c4:2,-1,0,3 swc4=s4:0.1,0.2,0.15,0.05
	bias=s3:0.1,-0.2,0.3 k=c3x2x2:7,-3,5,2,-8,1,4,6,-2,9,-5,3 skc=s3:0.1,0.2,0.15 zkc=c3:0,0,0 zk=c_:2 kb=l3:40,-20,10 kbf=s3:0.08,-0.08,0.03
	c=u2x4:100,130,90,160,110,140,99,101 cond=b2x4:1,0,1,1,0,0,1,0 axis1=i1:1 lw=c1x2x4:3,-5,2,7,-4,6,1,-2 lr=c1x1x4:5,-3,8,2 lsw=s1:0.1 lsr=s1x4:0.1,0.2,0.15,0.05
	lz=c1:1 lzr=c1x4:0,1,-1,2 flat4=i1:4 cube=i3:1,1,4 gb=l3:40,-20,10 gbf=s3:0.08,-0.04,0.02`

// quantised and restored are the ends of each program: x becomes the codes q, and r the output y.
const (
	quantised = "QuantizeLinear x sx zx -> q; "
	restored  = "; DequantizeLinear r sy zy -> y"
)

// codeCases are operators on codes beside programs that do the same on numbers.
var codeCases = []struct{ op, shape, coded, plain string }{
	{"QLinearMatMul", "2x4", "QLinearMatMul q sx zx w sw zw sy zy -> r",
		"DequantizeLinear q sx zx -> a; DequantizeLinear w sw zw -> b; MatMul a b -> m; QuantizeLinear m sy zy -> r"},
	{"QLinearMatMul", "2x4", "QLinearMatMul q sx zx w swc zwc sy zy -> r",
		"DequantizeLinear q sx zx -> a; DequantizeLinear w swc zwc -> b; MatMul a b -> m; QuantizeLinear m sy zy -> r"},
	{"QLinearConv", "1x2x5", "QLinearConv q sx zx k skc zkc sy zy kb -> r | pads=1,0",
		"DequantizeLinear q sx zx -> a; DequantizeLinear k skc zkc -> b | axis=0; Conv a b kbf -> m | pads=1,0; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearConv", "1x5x2", "com.microsoft:QLinearConv q sx zx k skc zkc sy zy -> r | channels_last=1",
		"DequantizeLinear q sx zx -> a; Transpose a -> at | perm=0,2,1; DequantizeLinear k skc zkc -> b | axis=0; Conv at b -> mt; Transpose mt -> m | perm=0,2,1; QuantizeLinear m sy zy -> r"},
	{"MatMulInteger", "2x4", "MatMulInteger q w zx zw -> i; Cast i -> f | to=1; Mul f sx -> r0; Mul r0 sw -> r1; QuantizeLinear r1 sy zy -> r",
		"DequantizeLinear q sx zx -> a; DequantizeLinear w sw zw -> b; MatMul a b -> m; QuantizeLinear m sy zy -> r"},
	{"ConvInteger", "1x2x5", "ConvInteger q k zx zk -> i; Cast i -> f | to=1; Mul f sx -> r0; QuantizeLinear r0 sy zy -> r",
		"DequantizeLinear q sx zx -> a; DequantizeLinear k one zk -> b; Conv a b -> m; QuantizeLinear m sy zy -> r"},
	{"DynamicQuantizeLinear", "2x4", "DynamicQuantizeLinear x -> d ds dz; MatMulInteger d w dz zw -> i; Cast i -> f | to=1; Mul f ds -> y",
		"DequantizeLinear w one zw -> b; MatMul x b -> y"},
	{"com.microsoft:DynamicQuantizeMatMul", "2x4", "com.microsoft:DynamicQuantizeMatMul x w swc zwc bias -> y",
		"DequantizeLinear w swc zwc -> b; MatMul x b -> m; Add m bias -> y"},
	{"com.microsoft:MatMulIntegerToFloat", "2x4", "com.microsoft:MatMulIntegerToFloat q w sx sw zx zw bias -> y",
		"DequantizeLinear q sx zx -> a; DequantizeLinear w sw zw -> b; MatMul a b -> m; Add m bias -> y"},
	{"com.microsoft:MatMulInteger16", "2x4", "QuantizeLinear x sx -> h | output_dtype=5; com.microsoft:MatMulInteger16 h w16 -> i; Cast i -> f | to=1; Mul f sx -> y",
		"Cast w16 -> b | to=1; MatMul x b -> y"},
	{"com.microsoft:QGemm", "2x4", "com.microsoft:QGemm q sx zx w sw zw gb sy zy -> r | alpha=0.5",
		"DequantizeLinear q sx zx -> a; DequantizeLinear w sw zw -> b; Gemm a b gbf -> m | alpha=0.5; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QGemm", "2x3", "com.microsoft:QGemm q sx zx w swc4 zwc4 -> y | transB=1",
		"DequantizeLinear q sx zx -> a; DequantizeLinear w swc4 zwc4 -> b | axis=0; Gemm a b -> y | transB=1"},
	{"com.microsoft:QLinearAdd", "2x4", "com.microsoft:QLinearAdd q sx zx c sz zz sy zy -> r",
		"DequantizeLinear q sx zx -> a; DequantizeLinear c sz zz -> b; Add a b -> m; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearMul", "2x4", "com.microsoft:QLinearMul q sx zx c sz zz sy zy -> r",
		"DequantizeLinear q sx zx -> a; DequantizeLinear c sz zz -> b; Mul a b -> m; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearSigmoid", "2x4", "com.microsoft:QLinearSigmoid q sx zx sy zy -> r",
		"DequantizeLinear q sx zx -> a; Sigmoid a -> m; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearLeakyRelu", "2x4", "com.microsoft:QLinearLeakyRelu q sx zx sy zy -> r | alpha=0.1",
		"DequantizeLinear q sx zx -> a; LeakyRelu a -> m | alpha=0.1; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearSoftmax", "2x4", "com.microsoft:QLinearSoftmax q sx zx sy zy -> r | axis=-1 opset=13",
		"DequantizeLinear q sx zx -> a; Softmax a -> m; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearReduceMean", "2x4", "com.microsoft:QLinearReduceMean q sx zx sy zy -> r | axes=1,",
		"DequantizeLinear q sx zx -> a; ReduceMean a axis1 -> m; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearAveragePool", "1x2x4", "com.microsoft:QLinearAveragePool q sx zx sy zy -> r | kernel_shape=2,",
		"DequantizeLinear q sx zx -> a; AveragePool a -> m | kernel_shape=2,; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearGlobalAveragePool", "1x4x2", "com.microsoft:QLinearGlobalAveragePool q sx zx sy zy -> r | channels_last=1",
		"DequantizeLinear q sx zx -> a; Transpose a -> at | perm=0,2,1; GlobalAveragePool at -> mt; Transpose mt -> m | perm=0,2,1; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearConcat", "2x4", "com.microsoft:QLinearConcat sy zy q sx zx c sz zz -> r | axis=1",
		"DequantizeLinear q sx zx -> a; DequantizeLinear c sz zz -> b; Concat a b -> m | axis=1; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QLinearWhere", "2x4", "com.microsoft:QLinearWhere cond q sx zx c sz zz sy zy -> r",
		"DequantizeLinear q sx zx -> a; DequantizeLinear c sz zz -> b; Where cond a b -> m; QuantizeLinear m sy zy -> r"},
	{"com.microsoft:QuantizeLinear", "2x4", "com.microsoft:QuantizeLinear x sz zz -> q2; DequantizeLinear q2 sz zz -> y", "Identity x -> y"},
	{"com.microsoft:NhwcMaxPool", "1x4x2", "com.microsoft:NhwcMaxPool q -> p | kernel_shape=2,; DequantizeLinear p sx zx -> y",
		"Transpose q -> t | perm=0,2,1; MaxPool t -> m | kernel_shape=2,; Transpose m -> p | perm=0,2,1; DequantizeLinear p sx zx -> y"},
	{"com.microsoft:QAttention", "1x2x4", "com.microsoft:QAttention q w bias sx sw - zx zw -> y | num_heads=1",
		"DequantizeLinear q sx zx -> a; DequantizeLinear w sw zw -> b; com.microsoft:Attention a b bias -> y | num_heads=1"},
	{"com.microsoft:DynamicQuantizeLSTM", "3x2x2", "com.microsoft:DynamicQuantizeLSTM x lw lr - - - - - lsw lz lsr lzr -> y | hidden_size=1",
		"Cast lw -> w0 | to=1; Cast lz -> z0 | to=1; Sub w0 z0 -> w1; Mul w1 lsw -> w2; Transpose w2 -> wt | perm=0,2,1; Reshape lr flat4 -> r0; Reshape lzr flat4 -> zr; Reshape lsr flat4 -> sr; DequantizeLinear r0 sr zr -> r1 | axis=0; Reshape r1 cube -> r2; Transpose r2 -> rt | perm=0,2,1; LSTM x wt rt -> y | hidden_size=1"},
	{"QuantizeLinear", "1x2x4", "QuantizeLinear x sz zz -> b; Transpose b -> t | perm=0,2,1; MaxPool t -> p | kernel_shape=2,; Concat p p -> d | axis=1; DequantizeLinear d sz zz -> y",
		"Transpose x -> t | perm=0,2,1; MaxPool t -> p | kernel_shape=2,; Concat p p -> y | axis=1"},
}

// codeProgram makes a model of one float32 input x and the output y from nodes such as "Conv a b -> y | pads=1,1".
func codeProgram(shape, text string) *onnx.Model {
	g := &onnx.Graph{Name: "g", Outputs: []*onnx.ValueInfo{{Name: "y"}}}
	var dims []onnx.Dim
	for _, n := range shapeOf(shape) {
		dims = append(dims, onnx.Dim{Kind: onnx.DimValue, Value: int64(n)})
	}
	g.Inputs = []*onnx.ValueInfo{{Name: "x", Type: onnx.NewTensorType(tensor.Float32, dims...)}}
	p := &probe{dtype: tensor.Float32}
	for _, word := range strings.Fields(codeConstants) {
		name, value, _ := strings.Cut(word, "=")
		head, list, _ := strings.Cut(value, ":")
		g.Initializers = append(g.Initializers, tensor.NewProto(name, p.given(head, list)))
	}
	for _, line := range strings.Split(text, ";") {
		left, attrs, _ := strings.Cut(line, "|")
		ins, outs, _ := strings.Cut(left, "->")
		words := strings.Fields(ins)
		domain, op := ruleCase{op: words[0]}.name()
		n := &onnx.Node{Domain: domain, OpType: op, Inputs: words[1:], Outputs: strings.Fields(outs)}
		for i, name := range n.Inputs {
			if name == "-" {
				n.Inputs[i] = ""
			}
		}
		for _, w := range strings.Fields(attrs) {
			name, value, _ := strings.Cut(w, "=")
			n.Attributes = append(n.Attributes, attributeOf(name, value))
		}
		g.Nodes = append(g.Nodes, n)
	}
	return &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}, {Domain: "com.microsoft", Version: 1}}, Graph: g}
}

// TestGradientsOfCodes holds the gradients of operators on codes to those of the operators on numbers that they stand
// for, between DequantizeLinear and QuantizeLinear.
func TestGradientsOfCodes(t *testing.T) {
	for _, c := range codeCases {
		t.Run(c.op, func(t *testing.T) {
			whole := func(text string) string {
				if strings.Contains(text, " q ") {
					text = quantised + text
				}
				if strings.Contains(text, "-> r") && !strings.Contains(text, "-> y") {
					text += restored
				}
				return text
			}
			got, want := codeGradient(t, c.shape, whole(c.coded)), codeGradient(t, c.shape, whole(c.plain))
			peak := 0.0
			for _, w := range want {
				peak = max(peak, math.Abs(w))
			}
			if peak == 0 {
				t.Fatal("all gradients are zero")
			}
			compare(t, "x", got, want, 1e-5)
		})
	}
	listed := map[*ops.Op]bool{}
	for _, c := range codeCases {
		domain, op := ruleCase{op: c.op}.name()
		listed[ops.Default().Find(domain, op, 21)] = true
	}
	for _, r := range ops.Default().Rows() {
		if r.Flags&ops.Codes != 0 && !listed[ops.Default().Find(r.Domain, r.Name, r.Since)] {
			t.Errorf("%s:%s makes codes and has no case", r.Domain, r.Name)
		}
	}
}

func codeGradient(t *testing.T, shape, text string) []float64 {
	t.Helper()
	s, err := runtime.OpenBytes(onnx.Encode(codeProgram(shape, text)), &runtime.Options{Gradients: &runtime.Gradients{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := rand.New(rand.NewPCG(5, 9))
	in := map[string]*tensor.Tensor{}
	for _, info := range s.Inputs() {
		size := shapeOf(shape)
		if info.Name != "x" {
			size = nil
			for _, d := range info.Dims {
				size = append(size, d.Value)
			}
		}
		v := make([]float64, size.Len())
		for i := range v {
			v[i] = r.NormFloat64()
		}
		in[info.Name], _ = tensor.FromFloat64s(tensor.Float32, size, v)
	}
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return tensor.Float64s(out["grad.x"], out["grad.x"].Len())
}
