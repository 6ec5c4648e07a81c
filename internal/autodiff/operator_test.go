package autodiff_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// program makes a model of float64 vectors from text: "Mul a b -> y; Gradient a b -> da db : a b / c > y" is a
// product and the gradient of y with respect to a and b, with c as another independent value.
func program(inputs, text, outputs string) *onnx.Model {
	g := &onnx.Graph{Name: "g"}
	for _, name := range strings.Fields(inputs) {
		g.Inputs = append(g.Inputs, &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Float64, onnx.Dim{Kind: onnx.DimParam, Param: "n"})})
	}
	for _, line := range strings.Split(text, ";") {
		left, attrs, gradient := strings.Cut(line, ":")
		ins, outs, _ := strings.Cut(left, "->")
		words := strings.Fields(ins)
		n := &onnx.Node{OpType: words[0], Inputs: words[1:], Outputs: strings.Fields(outs)}
		for i, name := range n.Outputs {
			if name == "_" {
				n.Outputs[i] = ""
			}
		}
		if gradient {
			rest, y, _ := strings.Cut(attrs, ">")
			xs, zs, _ := strings.Cut(rest, "/")
			n.Domain = "ai.onnx.preview.training"
			n.Attributes = []*onnx.Attribute{onnx.NewStrings("xs", strings.Fields(xs)...), onnx.NewString("y", strings.TrimSpace(y))}
			if zs != "" {
				n.Attributes = append(n.Attributes, onnx.NewStrings("zs", strings.Fields(zs)...))
			}
		}
		g.Nodes = append(g.Nodes, n)
	}
	for _, name := range strings.Fields(outputs) {
		g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: name})
	}
	return &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}, {Domain: "ai.onnx.preview.training", Version: 1}}, Graph: g}
}

func run(t *testing.T, m *onnx.Model, o *runtime.Options, in map[string]float64) map[string]float64 {
	t.Helper()
	s, err := runtime.OpenBytes(onnx.Encode(m), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	feeds := map[string]*tensor.Tensor{}
	for name, v := range in {
		feeds[name] = tensor.FromSlice([]float64{v})
	}
	out, err := s.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for name, v := range out {
		got[name] = tensor.Float64s(v, 1)[0]
	}
	return got
}

// TestGradientOperator uses values whose derivatives are whole numbers, worked out by hand.
func TestGradientOperator(t *testing.T) {
	in := map[string]float64{"a": 3, "b": 5}
	for _, c := range []struct {
		name, text string
		want       map[string]float64
	}{
		{"product", "Mul a b -> y; Gradient a b -> da db : a b > y", map[string]float64{"da": 5, "db": 3}},
		{"an independent value has no output", "Mul a b -> y; Gradient a b -> da : a / b > y", map[string]float64{"da": 5}},
		{"an output that nobody wants", "Mul a b -> y; Gradient a b -> _ db : a b > y", map[string]float64{"db": 3}},
		{"the same value twice", "Mul a a -> s; Mul s a -> y; Add y b -> u; Gradient a -> da : a > y", map[string]float64{"da": 27}},
		{"nothing depends", "Mul a a -> y; Gradient a b -> da db : a b > y", map[string]float64{"da": 6, "db": 0}},
		{"of itself", "Mul a b -> y; Gradient y -> dy : y > y", map[string]float64{"dy": 1}},
		{"an inner value is independent", "Mul a a -> h; Mul h b -> y; Gradient h b -> dh db : h b > y", map[string]float64{"dh": 5, "db": 9}},
		{"of a gradient", "Mul a a -> s; Mul s a -> y; Gradient a -> da : a > y; Gradient a -> dda : a > da", map[string]float64{"da": 27, "dda": 18}},
		{"third", "Mul a a -> s; Mul s s -> y; Gradient a -> d1 : a > y; Gradient a -> d2 : a > d1; Gradient a -> d3 : a > d2",
			map[string]float64{"d1": 108, "d2": 108, "d3": 72}},
		{"mixed second", "Mul a a -> s; Mul s b -> y; Gradient a b -> da db : a b > y; Gradient a b -> daa dab : a b > da",
			map[string]float64{"da": 30, "db": 9, "daa": 10, "dab": 6}},
		{"at another point", "Mul a a -> s; Mul s a -> y; Gradient b -> da : a > y", map[string]float64{"da": 75}},
		{"used further", "Mul a a -> y; Gradient a -> da : a > y; Mul da b -> z; Gradient a b -> za zb : a b > z", map[string]float64{"za": 10, "zb": 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var names []string
			for name := range c.want {
				names = append(names, name)
			}
			m := program("a b", c.text, strings.Join(names, " "))
			for _, plain := range []bool{false, true} {
				got := run(t, m, &runtime.Options{NoOptimize: plain}, in)
				for name, w := range c.want {
					if got[name] != w {
						t.Errorf("plain %v: %s is %v, want %v", plain, name, got[name], w)
					}
				}
			}
		})
	}
}

func TestGradientOperatorRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Mul a b -> y; Gradient a -> da db : a b > y", "1 inputs, want 2"},
		{"Mul a b -> y; Gradient a b -> da db : a b > z", `"z" in xs, zs or y is not defined before it`},
		{"Mul a b -> y; Gradient a b -> da db dc : a b > y", "output"},
		{"Det a -> y; Gradient a -> da : a > y", "Det"},
		{"Shape a -> y; Gradient a -> da : a > y", "want a tensor of floating-point numbers"},
	} {
		_, err := runtime.OpenBytes(onnx.Encode(program("a b", c.text, "da")), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.text, err, c.want)
		}
	}
}

// TestExtend names weights and inner values, feeds gradients of outputs, and leaves dead ends alone.
func TestExtend(t *testing.T) {
	m := program("a b", "Mul a w -> h; Mul h h -> y; Floor b -> f; Mul f a -> dead; Add y f -> z", "y z")
	m.Graph.Initializers = append(m.Graph.Initializers, tensor.NewProto("w", tensor.FromSlice([]float64{2})))
	in := map[string]float64{"a": 3, "b": 5, "dy.y": 10, "dy.z": 100}
	got := run(t, m, &runtime.Options{Gradients: &runtime.Gradients{Wrt: []string{"w", "h", "b"}}}, in)
	want := map[string]float64{"y": 36, "z": 41, "grad.w": 110 * 2 * 6 * 3, "grad.h": 110 * 12, "grad.b": 0}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s is %v, want %v", name, got[name], w)
		}
	}
	delete(in, "dy.y")
	delete(in, "dy.z")
	got = run(t, m, &runtime.Options{Gradients: &runtime.Gradients{Of: []string{"y"}, Ones: true}}, in)
	if got["grad.a"] != 24 || got["grad.b"] != 0 {
		t.Errorf("with ones: %v", got)
	}
	for _, g := range []runtime.Gradients{{Wrt: []string{"nothing"}}, {Of: []string{"nothing"}}} {
		if _, err := runtime.OpenBytes(onnx.Encode(m), &runtime.Options{Gradients: &g}); err == nil || !strings.Contains(err.Error(), `no value "nothing"`) {
			t.Errorf("%+v: got %v", g, err)
		}
	}
}

// TestFunctionBody differentiates operators without a rule through the body that the standard gives them, and
// functions of the model.
func TestFunctionBody(t *testing.T) {
	m := program("a b", "MeanVarianceNormalization a -> y", "y")
	m.Graph.Nodes[0].Attributes = []*onnx.Attribute{onnx.NewInts("axes", 0)}
	m.Functions = []*onnx.Function{{Domain: "local", Name: "Twice", Inputs: []string{"x"}, Outputs: []string{"r"},
		Opsets: []onnx.OpsetID{{Version: 21}}, Nodes: []*onnx.Node{{OpType: "Add", Inputs: []string{"x", "x"}, Outputs: []string{"r"}}}}}
	m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "local", Version: 1})
	m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Twice", Domain: "local", Inputs: []string{"b"}, Outputs: []string{"z"}})
	m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: "z"})
	got := run(t, m, &runtime.Options{Gradients: &runtime.Gradients{Ones: true, Of: []string{"z"}, Wrt: []string{"b"}}}, map[string]float64{"a": 3, "b": 5})
	if got["grad.b"] != 2 {
		t.Errorf("got %v", got)
	}
}

// TestStraightThrough passes gradients through codes that are not cut off.
func TestStraightThrough(t *testing.T) {
	m := program("a", "Cast a -> f; QuantizeLinear f s z -> q; DequantizeLinear q s z -> y", "y")
	m.Graph.Nodes[0].Attributes = []*onnx.Attribute{onnx.NewInt("to", int64(tensor.Float32))}
	m.Graph.Initializers = append(m.Graph.Initializers, tensor.NewProto("s", tensor.Scalar(float32(0.5))), tensor.NewProto("z", tensor.Scalar(int8(3))))
	for a, want := range map[float64]float64{1.3: 1, -65.5: 1, -66: 0, 62.1: 1, 62.4: 0} {
		got := run(t, m, &runtime.Options{Gradients: &runtime.Gradients{Ones: true}}, map[string]float64{"a": a})
		if got["grad.a"] != want {
			t.Errorf("gradient at %v is %v, want %v", a, got["grad.a"], want)
		}
	}
}

// TestGradientOfConstants differentiates what inference knows to be constant.
func TestGradientOfConstants(t *testing.T) {
	m := program("a", "Mul w w -> s; Mul s w -> y; Gradient w -> dw : w > y; Mul dw a -> z", "z")
	m.Graph.Initializers = append(m.Graph.Initializers, tensor.NewProto("w", tensor.FromSlice([]float64{2})))
	for _, plain := range []bool{false, true} {
		if got := run(t, m, &runtime.Options{NoOptimize: plain}, map[string]float64{"a": 3}); got["z"] != 36 {
			t.Errorf("plain %v: got %v, want 36", plain, got["z"])
		}
	}
}

// TestGradientsAreBounded nests gradients until they would fill the memory.
func TestGradientsAreBounded(t *testing.T) {
	text, y := "Mul a a -> s; Tanh s -> y0", "y0"
	for i := range 40 {
		next := fmt.Sprintf("y%d", i+1)
		text += fmt.Sprintf("; Gradient a -> %s : a > %s", next, y)
		y = next
	}
	_, err := runtime.OpenBytes(onnx.Encode(program("a", text, y)), nil)
	if err == nil || !strings.Contains(err.Error(), "gradients take more than") {
		t.Errorf("got %v", err)
	}
}
