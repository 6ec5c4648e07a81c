package finetune_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A sketch is a small model: inputs and weights with random values, and nodes.
type sketch struct {
	opset   int64
	feeds   map[string]*tensor.Tensor
	weights map[string]*tensor.Tensor
	nodes   []*onnx.Node
	output  string
}

// normal returns a tensor of normally distributed numbers.
func normal(d tensor.DType, seed uint64, shape ...int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, tensor.Shape(shape).Len())
	for i := range x {
		x[i] = r.NormFloat64()
	}
	t, _ := tensor.FromFloat64s(d, shape, x)
	return t
}

// node writes a node as "Op(a, b) = y", with a domain and a colon before the operator.
func node(text string, attrs ...*onnx.Attribute) *onnx.Node {
	call, out, _ := strings.Cut(text, " = ")
	op, args, _ := strings.Cut(strings.TrimSuffix(call, ")"), "(")
	n := &onnx.Node{OpType: op, Inputs: strings.Split(args, ", "), Outputs: strings.Split(out, ", "), Attributes: attrs}
	if domain, name, found := strings.Cut(op, ":"); found {
		n.Domain, n.OpType = domain, name
	}
	n.Name = "node_" + n.Outputs[0]
	return n
}

func (s sketch) model() *onnx.Model {
	g := &onnx.Graph{Name: "g", Nodes: s.nodes, Outputs: []*onnx.ValueInfo{{Name: s.output}}}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: max(s.opset, 17)}}, Graph: g}
	if s.opset > 0 {
		m.Opsets[0].Version = s.opset
	}
	for _, n := range s.nodes {
		if n.Domain != "" && m.Opset(n.Domain) == 0 {
			m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: n.Domain, Version: 1})
		}
	}
	for name, t := range s.feeds {
		dims := make([]onnx.Dim, t.Rank())
		for i, d := range t.Shape() {
			dims[i] = onnx.FixedDim(int64(d))
		}
		g.Inputs = append(g.Inputs, &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(t.DType(), dims...)})
	}
	for name, t := range s.weights {
		g.Initializers = append(g.Initializers, tensor.NewProto(name, t))
	}
	slices.SortFunc(g.Initializers, func(a, b *onnx.TensorProto) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(g.Inputs, func(a, b *onnx.ValueInfo) int { return strings.Compare(a.Name, b.Name) })
	return m
}

func f32(seed uint64, shape ...int) *tensor.Tensor { return normal(tensor.Float32, seed, shape...) }

func codes(seed uint64, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Uint8, shape...)
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range t.Bytes() {
		t.Bytes()[i] = byte(r.UintN(256))
	}
	return t
}

type tensors = map[string]*tensor.Tensor

var ints = tensor.FromSlice([]int64{3, 0, 4, 3}, 2, 2)

// loraCases are models with a layer of every form that takes a branch.
var loraCases = []struct {
	name      string
	s         sketch
	target    string
	branches  int
	kept      int // branches that stay, since the weight is quantised
	tolerance float64
}{
	{"MatMul", sketch{feeds: tensors{"x": f32(1, 2, 3, 4)}, weights: tensors{"a.weight": f32(2, 4, 5)},
		nodes: []*onnx.Node{node("MatMul(x, a.weight) = y")}, output: "y"}, "", 1, 0, 0},
	{"Gemm", sketch{feeds: tensors{"x": f32(1, 3, 4)}, weights: tensors{"w": f32(2, 4, 5), "b": f32(3, 5)},
		nodes: []*onnx.Node{node("Gemm(x, w, b) = y", onnx.NewFloat("alpha", 0.5))}, output: "y"}, "w", 1, 0, 0},
	{"Gemm transposed", sketch{feeds: tensors{"x": f32(1, 4, 3)}, weights: tensors{"a.weight": f32(2, 5, 4)},
		nodes: []*onnx.Node{node("Gemm(x, a.weight) = y", onnx.NewInt("transB", 1), onnx.NewInt("transA", 1))}, output: "y"}, "a", 1, 0, 0},
	{"FusedMatMul", sketch{feeds: tensors{"x": f32(1, 2, 3, 4)}, weights: tensors{"w": f32(2, 5, 4)},
		nodes:  []*onnx.Node{node("com.microsoft:FusedMatMul(x, w) = y", onnx.NewInt("transB", 1), onnx.NewFloat("alpha", 2))},
		output: "y"}, "linear", 1, 0, 0},
	{"Conv 3x3", sketch{feeds: tensors{"x": f32(1, 2, 3, 7, 8)}, weights: tensors{"c.weight": f32(2, 5, 3, 3, 3), "c.bias": f32(3, 5)},
		nodes: []*onnx.Node{node("Conv(x, c.weight, c.bias) = y", onnx.NewInts("pads", 1, 2, 1, 0), onnx.NewInts("strides", 2, 1),
			onnx.NewInts("dilations", 1, 2))}, output: "y"}, "all", 1, 0, 0},
	{"Conv 1x1 of one axis", sketch{feeds: tensors{"x": f32(1, 2, 3, 7)}, weights: tensors{"c.weight": f32(2, 5, 3, 1)},
		nodes: []*onnx.Node{node("Conv(x, c.weight) = y")}, output: "y"}, "c", 1, 0, 0},
	{"embedding", sketch{feeds: tensors{"x": ints}, weights: tensors{"e.weight": f32(2, 6, 5)},
		nodes: []*onnx.Node{node("Gather(e.weight, x) = y")}, output: "y"}, "e", 1, 0, 0},
	{"behind Cast and Transpose", sketch{feeds: tensors{"x": f32(1, 3, 4)}, weights: tensors{"a.weight": normal(tensor.Float16, 2, 5, 4)},
		nodes: []*onnx.Node{node("Transpose(a.weight) = t", onnx.NewInts("perm", 1, 0)), node("Cast(t) = w", onnx.NewInt("to", 1)),
			node("MatMul(x, w) = y")}, output: "y"}, "a", 1, 0, 1e-3},
	{"Constant node", sketch{feeds: tensors{"x": f32(1, 3, 4)},
		nodes: []*onnx.Node{{OpType: "Constant", Outputs: []string{"a.weight"},
			Attributes: []*onnx.Attribute{onnx.NewTensor("value", tensor.NewProto("", f32(2, 4, 5)))}}, node("MatMul(x, a.weight) = y")},
		output: "y"}, "a", 1, 0, 0},
	{"float64", sketch{feeds: tensors{"x": normal(tensor.Float64, 1, 3, 4)}, weights: tensors{"w": normal(tensor.Float64, 2, 4, 5)},
		nodes: []*onnx.Node{node("MatMul(x, w) = y")}, output: "y"}, "", 1, 0, 0},
	{"tied", sketch{feeds: tensors{"x": ints}, weights: tensors{"e.weight": f32(2, 6, 5)},
		nodes: []*onnx.Node{node("Gather(e.weight, x) = h"), node("Transpose(e.weight) = t"), node("MatMul(h, t) = y")}, output: "y"},
		"re:^e$", 2, 0, 0},
	{"used twice", sketch{feeds: tensors{"x": f32(1, 3, 4)}, weights: tensors{"a.weight": f32(2, 4, 4)},
		nodes: []*onnx.Node{node("MatMul(x, a.weight) = h"), node("Relu(h) = r"), node("MatMul(r, a.weight) = y")}, output: "y"}, "a", 1, 0, 0},
	{"old opset", sketch{opset: 6, feeds: tensors{"x": f32(1, 3, 4)}, weights: tensors{"a.weight": f32(2, 4, 5)},
		nodes: []*onnx.Node{node("MatMul(x, a.weight) = y")}, output: "y"}, "a", 1, 0, 0},
	{"DequantizeLinear", sketch{feeds: tensors{"x": f32(1, 3, 4)}, weights: tensors{"w_quantized": codes(2, 4, 5), "w_scale": tensor.Scalar[float32](0.02),
		"w_zero": tensor.Scalar[uint8](128)}, nodes: []*onnx.Node{node("DequantizeLinear(w_quantized, w_scale, w_zero) = w"),
		node("MatMul(x, w) = y")}, output: "y"}, "linear", 1, 1, 0},
	{"MatMulNBits", sketch{feeds: tensors{"x": f32(1, 3, 32)}, weights: tensors{"w_Q4": codes(2, 5, 1, 16), "w_scales": f32(3, 5)},
		nodes: []*onnx.Node{node("com.microsoft:MatMulNBits(x, w_Q4, w_scales) = y", onnx.NewInt("K", 32), onnx.NewInt("N", 5),
			onnx.NewInt("bits", 4), onnx.NewInt("block_size", 32))}, output: "y"}, "linear", 1, 1, 0},
	{"MatMulInteger", sketch{feeds: tensors{"x": f32(1, 3, 4)}, weights: tensors{"w_quantized": codes(2, 4, 5), "w_zero": tensor.Scalar[uint8](128),
		"w_scale": tensor.Scalar[float32](0.02)}, nodes: []*onnx.Node{node("DynamicQuantizeLinear(x) = q, s, z"),
		node("MatMulInteger(q, w_quantized, z, w_zero) = i"), node("Cast(i) = f", onnx.NewInt("to", 1)), node("Mul(s, w_scale) = ss"),
		node("Mul(f, ss) = y")}, output: "y"}, "linear", 1, 1, 0},
}

// TestLoRA attaches branches: with B zero the outputs are the same, with other factors they move, merging gives the same
// outputs as the branches, and what is quantised keeps its branch.
func TestLoRA(t *testing.T) {
	for _, c := range loraCases {
		t.Run(c.name, func(t *testing.T) {
			m := c.s.model()
			base := evaluate(t, m, c.s.feeds)[c.s.output]
			branches, err := finetune.LoRA{Rank: 2, Alpha: 3, Target: c.target, Dropout: 0.3, Seed: 4}.Apply(m)
			if err != nil || len(branches) != c.branches {
				t.Fatalf("got %d branches, want %d: %v", len(branches), c.branches, err)
			}
			near(t, "with B zero", evaluate(t, m, c.s.feeds)[c.s.output], base, 0)
			for i, b := range branches {
				fill(t, m, b.B, uint64(10+i))
				if b.Scale != 1.5 || b.Rank != 2 {
					t.Errorf("scale is %v and rank %d, want 1.5 and 2", b.Scale, b.Rank)
				}
			}
			found, err := finetune.Branches(m)
			if err != nil || !slices.Equal(found, branches) {
				t.Errorf("found %+v, want %+v (%v)", found, branches, err)
			}
			moved := evaluate(t, m, c.s.feeds)[c.s.output]
			if distance(moved, base) < 1e-3 {
				t.Error("the branches do not change the output")
			}
			before := len(m.Graph.Nodes)
			kept, err := finetune.Merge(m)
			if err != nil || len(kept) != c.kept {
				t.Fatalf("%d branches stay, want %d: %v", len(kept), c.kept, err)
			}
			if c.kept == 0 && len(m.Graph.Nodes) != len(c.s.nodes) || c.kept > 0 && len(m.Graph.Nodes) != before {
				t.Errorf("%d nodes after merging, want those of the base (%d) and of branches that stay", len(m.Graph.Nodes), len(c.s.nodes))
			}
			near(t, "merged", evaluate(t, m, c.s.feeds)[c.s.output], moved, max(c.tolerance, 1e-5))
		})
	}
}

// fill gives an initializer random values.
func fill(t *testing.T, m *onnx.Model, name string, seed uint64) {
	t.Helper()
	for _, p := range m.Graph.Initializers {
		if p.Name == name {
			p.SetValue(normal(p.DType(), seed, mustShape(t, p)...))
			return
		}
	}
	t.Fatalf("the model has no initializer %q", name)
}

func mustShape(t *testing.T, p *onnx.TensorProto) tensor.Shape {
	t.Helper()
	s, err := p.Shape()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func distance(a, b *tensor.Tensor) float64 {
	x, y := tensor.Float64s(a, a.Len()), tensor.Float64s(b, b.Len())
	d := 0.0
	for i := range x {
		d = max(d, x[i]-y[i], y[i]-x[i])
	}
	return d
}

// TestLoRATargets wants the layers that each form of a target names.
func TestLoRATargets(t *testing.T) {
	s := sketch{feeds: tensors{"x": f32(1, 2, 4)}, output: "y", weights: tensors{"l.0.self_attn.q_proj.weight": f32(2, 4, 4),
		"l.0.self_attn.o_proj.weight": f32(3, 4, 4), "l.0.mlp.up.weight": f32(4, 4, 4), "head.weight": f32(5, 4, 3)},
		nodes: []*onnx.Node{node("MatMul(x, l.0.self_attn.q_proj.weight) = a"), node("MatMul(a, l.0.self_attn.o_proj.weight) = b"),
			node("MatMul(b, l.0.mlp.up.weight) = c"), node("MatMul(c, head.weight) = y")}}
	for _, c := range []struct{ target, want string }{
		{"", "l.0.self_attn.q_proj l.0.self_attn.o_proj"},
		{"attention", "l.0.self_attn.q_proj l.0.self_attn.o_proj"},
		{"linear", "l.0.self_attn.q_proj l.0.self_attn.o_proj l.0.mlp.up"},
		{"all", "l.0.self_attn.q_proj l.0.self_attn.o_proj l.0.mlp.up head"},
		{"up, q_proj", "l.0.self_attn.q_proj l.0.mlp.up"},
		{`re:\.mlp\.`, "l.0.mlp.up"},
		{"mlp", "l.0.mlp.up"},
	} {
		branches, err := finetune.LoRA{Target: c.target}.Apply(s.model())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range branches {
			got = append(got, b.Module)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: got %q, want %q", c.target, got, c.want)
		}
	}
}

// TestLoRAExclude leaves a layer out, and finds the bias behind a branch when the layer is saved.
func TestLoRAExclude(t *testing.T) {
	s := sketch{feeds: tensors{"x": f32(1, 2, 4)}, output: "y", weights: tensors{"a.weight": f32(2, 4, 4), "b.weight": f32(3, 4, 3), "b.bias": f32(4, 3)},
		nodes: []*onnx.Node{node("MatMul(x, a.weight) = h"), node("MatMul(h, b.weight) = m"), node("Add(m, b.bias) = y")}}
	m := s.model()
	b, err := finetune.LoRA{Target: "all", Exclude: []string{"b"}}.Apply(m)
	if err != nil || len(b) != 1 || b[0].Module != "a" {
		t.Fatalf("got %+v: %v", b, err)
	}
	m = s.model()
	if _, err := (finetune.LoRA{Target: "all"}).Apply(m); err != nil {
		t.Fatal(err)
	}
	a, err := finetune.ExtractAdapter(m, "b")
	if err != nil {
		t.Fatal(err)
	}
	near(t, "bias", a.Saved["b.bias"], s.weights["b.bias"], 0)
	if w := a.Saved["b.weight"]; w == nil || !w.Shape().Equal(tensor.Shape{3, 4}) {
		t.Errorf("weight is %v, want [out, in]", w)
	}
}

// TestLoRAErrors wants what is wrong by name, and the model unchanged.
func TestLoRAErrors(t *testing.T) {
	grouped := sketch{feeds: tensors{"x": f32(1, 1, 4, 3, 3)}, weights: tensors{"c.weight": f32(2, 4, 2, 1, 1)}, output: "y",
		nodes: []*onnx.Node{node("Conv(x, c.weight) = y", onnx.NewInt("group", 2))}}
	plain := loraCases[0].s
	for _, c := range []struct {
		l    finetune.LoRA
		s    sketch
		want string
	}{
		{finetune.LoRA{Rank: -1}, plain, "rank -1"},
		{finetune.LoRA{Dropout: 1}, plain, "dropout is 1"},
		{finetune.LoRA{Target: "b"}, plain, `no layer of the model is what "b" asks for`},
		{finetune.LoRA{Target: "("}, plain, "regular expression"},
		{finetune.LoRA{Target: "all"}, grouped, "2 groups"},
	} {
		m := c.s.model()
		before := onnx.Encode(m)
		if _, err := c.l.Apply(m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got error %v, want %q", c.l, err, c.want)
		}
		if !slices.Equal(before, onnx.Encode(m)) {
			t.Errorf("%+v: the model is changed", c.l)
		}
	}
	m := plain.model()
	if _, err := (finetune.LoRA{}).Apply(m); err != nil {
		t.Fatal(err)
	}
	if _, err := (finetune.LoRA{}).Apply(m); err == nil || !strings.Contains(err.Error(), "branch already") {
		t.Errorf("a second branch: got error %v", err)
	}
}

// TestLoRASeeds wants the same A for the same seed, within the bound of Kaiming's uniform distribution, and others for others.
func TestLoRASeeds(t *testing.T) {
	value := func(seed uint64) []float64 {
		m := loraCases[0].s.model()
		b, err := finetune.LoRA{Rank: 64, Seed: seed}.Apply(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Graph.Initializers {
			if p.Name == b[0].A {
				v, _ := p.Value()
				return tensor.Float64s(v, v.Len())
			}
		}
		return nil
	}
	a, b, c := value(1), value(1), value(2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("equal seeds give other factors, or other seeds the same")
	}
	if lo, hi := slices.Min(a), slices.Max(a); lo < -0.5 || hi > 0.5 || lo > -0.45 || hi < 0.45 {
		t.Errorf("A is from %v to %v, want about -0.5 to 0.5 for 4 inputs", lo, hi)
	}
}
