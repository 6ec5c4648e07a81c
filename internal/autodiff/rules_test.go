package autodiff_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A ruleCase is one node whose gradients are compared with central differences. Inputs are separated by spaces:
//
//	2x3     numbers away from zero that are differentiated; 2x3+ positive ones, 2x3u of magnitude below 0.9,
//	        2x3g above 1, 2x3t with ties in no pair but ordered at random
//	=2x3    the same, not differentiated
//	i2x2:1,0,0,1  integers, i:3,4 a list of them, i_:3 a scalar; c2:1,-3 int8; u2:1,3 uint8; h2:1,3 int16; l2:3,1 int32; s2:1,0.5 float32; b2:1,0 truth values; f_:0.5 a scalar number
//	-       an absent input
//
// Attributes are name=value: an integer, a number with a point, a word, a list of one of them, or a list of numbers
// behind f:. @outputs=0,2 leaves the other outputs away.
type ruleCase struct {
	op      string // with the domain and a colon before it unless it is ai.onnx
	opset   int
	attrs   string
	inputs  string
	outputs int // 0: one
}

// TestRules compares the gradients of every case with central differences in float64: optimised and not, with
// static and symbolic shapes, on one and two threads, and in float32.
func TestRules(t *testing.T) {
	for i, c := range allCases() {
		t.Run(fmt.Sprintf("%s-%d/%d", c.op, c.opset, i), func(t *testing.T) {
			t.Parallel()
			d, tolerance := tensor.Float64, 2e-6
			if !c.runs(t, tensor.Float64) {
				d, tolerance = tensor.Float32, 5e-3
			}
			p := newProbe(t, c, d)
			want := p.differences(t)
			var first map[string]*tensor.Tensor
			for _, v := range []struct {
				plain, symbolic bool
				threads         int
			}{{false, false, 1}, {false, false, 2}, {true, false, 1}, {false, true, 1}, {true, true, 2}} {
				got := p.gradients(t, v.symbolic, &runtime.Options{NoOptimize: v.plain, Threads: v.threads})
				for name, w := range want {
					compare(t, fmt.Sprintf("%s %+v", name, v), tensor.Float64s(got["grad."+name], len(w)), w, tolerance)
				}
				if v.threads == 1 && first == nil {
					first = got
				}
				for name, g := range got {
					if v.threads == 2 && !v.plain && !bytes.Equal(g.Bytes(), first[name].Bytes()) {
						t.Errorf("%s: two threads give other bits than one", name)
					}
				}
			}
			single := newProbe(t, c, tensor.Float32).gradients(t, false, &runtime.Options{})
			for name, w := range want {
				compare(t, name+" in float32", tensor.Float64s(single["grad."+name], len(w)), w, max(tolerance, 2e-4))
			}
		})
	}
}

// runs reports whether the node can be run with numbers of type d.
func (c ruleCase) runs(t *testing.T, d tensor.DType) bool {
	domain, op := c.name()
	s := schema.Lookup(domain, op, c.opset)
	if s != nil && !s.Allowed(s.Output(0).TypeStr).Tensor.Has(int(d)) {
		return false
	}
	session, err := runtime.OpenBytes(newProbe(t, c, d).model(false), nil)
	var missing *ops.UnsupportedError
	if errors.As(err, &missing) {
		return false
	}
	if err == nil {
		session.Close()
	}
	return true
}

// allCases are the cases of all files.
func allCases() []ruleCase { return slices.Concat(ruleCases, recurrentCases, attentionCases) }

// has reports whether the node has output i.
func (c ruleCase) has(i int) bool {
	_, list, chosen := strings.Cut(c.attrs, "@outputs=")
	list, _, _ = strings.Cut(list, " ")
	return !chosen || slices.Contains(strings.Split(list, ","), strconv.Itoa(i))
}

func (c ruleCase) name() (domain, op string) {
	if domain, op, found := strings.Cut(c.op, ":"); found {
		return domain, op
	}
	return "", c.op
}

func compare(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	peak := 1.0
	for _, w := range want {
		peak = max(peak, math.Abs(w))
	}
	if len(got) != len(want) {
		t.Fatalf("gradient of %s has %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tolerance*peak) {
			t.Fatalf("gradient of %s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}

// A probe is a model of one node with values for its inputs.
type probe struct {
	c      ruleCase
	dtype  tensor.DType
	names  []string
	values map[string]*tensor.Tensor
	diff   []string
	fixed  map[string]bool // given in the model
	dy     map[string]*tensor.Tensor
}

func newProbe(t *testing.T, c ruleCase, d tensor.DType) *probe {
	t.Helper()
	p := &probe{c: c, dtype: d, values: map[string]*tensor.Tensor{}, fixed: map[string]bool{}}
	h := fnv.New64()
	fmt.Fprint(h, c)
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	for i, text := range strings.Fields(c.inputs) {
		if text == "-" {
			p.names = append(p.names, "")
			continue
		}
		name := fmt.Sprintf("x%d", i)
		value, diff := p.input(text, r)
		p.names, p.values[name] = append(p.names, name), value
		p.fixed[name] = strings.Contains(text, ":")
		if diff {
			p.diff = append(p.diff, name)
		}
	}
	return p
}

func (p *probe) input(text string, r *rand.Rand) (v *tensor.Tensor, diff bool) {
	head, list, given := strings.Cut(text, ":")
	if given {
		return p.given(head, list), false
	}
	text, fixed := strings.CutPrefix(text, "=")
	kind := text[len(text)-1]
	shape := shapeOf(strings.TrimRight(text, "+ugt"))
	x := make([]float64, shape.Len())
	for i, at := range r.Perm(len(x)) {
		v := 0.2 + math.Abs(r.NormFloat64())
		switch kind {
		case '+':
		case 'g':
			v++
		case 't':
			v = float64(at) - float64(len(x))/2.3
		case 'u':
			v = math.Copysign(0.05+0.85*r.Float64(), r.NormFloat64())
		default:
			v = math.Copysign(v, r.NormFloat64())
		}
		x[i] = v
	}
	out, _ := tensor.FromFloat64s(p.dtype, shape, x)
	return out, !fixed
}

func (p *probe) given(head, list string) *tensor.Tensor {
	var x []float64
	for _, s := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		v, _ := strconv.ParseFloat(s, 64)
		x = append(x, v)
	}
	d := map[byte]tensor.DType{'i': tensor.Int64, 'l': tensor.Int32, 's': tensor.Float32, 'c': tensor.Int8, 'u': tensor.Uint8, 'h': tensor.Int16, 'n': tensor.Int4, 'b': tensor.Bool, 'f': p.dtype}[head[0]]
	shape := tensor.Shape{len(x)}
	if len(head) > 1 {
		shape = shapeOf(head[1:])
	}
	out, _ := tensor.FromFloat64s(d, shape, x)
	return out
}

// shapeOf reads a shape such as 2x3; _ is a scalar.
func shapeOf(s string) tensor.Shape {
	shape := tensor.Shape{}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == 'x' || r == '_' }) {
		n, _ := strconv.Atoi(w)
		shape = append(shape, n)
	}
	return shape
}

// model is the node with inputs of the values' types. Given ones are initializers.
func (p *probe) model(symbolic bool) []byte {
	domain, op := p.c.name()
	n := &onnx.Node{OpType: op, Domain: domain, Inputs: p.names, Name: "node"}
	for _, w := range strings.Fields(p.c.attrs) {
		name, value, _ := strings.Cut(w, "=")
		if name != "@outputs" {
			n.Attributes = append(n.Attributes, attributeOf(name, value))
		}
	}
	g := &onnx.Graph{Name: "g", Nodes: []*onnx.Node{n}}
	for _, name := range p.names {
		v := p.values[name]
		switch {
		case name == "":
		case p.fixed[name]:
			w := tensor.NewProto(name, v)
			g.Initializers = append(g.Initializers, w)
		default:
			var dims []onnx.Dim
			for i, d := range v.Shape() {
				if symbolic {
					dims = append(dims, onnx.Dim{Kind: onnx.DimParam, Param: fmt.Sprintf("%s_%d", name, i)})
				} else {
					dims = append(dims, onnx.Dim{Kind: onnx.DimValue, Value: int64(d)})
				}
			}
			g.Inputs = append(g.Inputs, &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(p.dtype, dims...)})
		}
	}
	for i := range max(p.c.outputs, 1) {
		if n.Outputs = append(n.Outputs, ""); !p.c.has(i) {
			continue
		}
		n.Outputs[i] = fmt.Sprintf("y%d", i)
		g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: n.Outputs[i]})
	}
	opsets := []onnx.OpsetID{{Version: int64(p.c.opset)}}
	if domain != "" {
		opsets = []onnx.OpsetID{{Version: 21}, {Domain: domain, Version: int64(p.c.opset)}}
	}
	return onnx.Encode(&onnx.Model{IRVersion: 10, Opsets: opsets, Graph: g})
}

func attributeOf(name, value string) *onnx.Attribute {
	if list, floats := strings.CutPrefix(value, "f:"); floats {
		var out []float32
		for _, s := range strings.Split(list, ",") {
			v, _ := strconv.ParseFloat(s, 32)
			out = append(out, float32(v))
		}
		return onnx.NewFloats(name, out...)
	}
	if strings.Contains(value, ",") && name != "equation" {
		return listOf(name, strings.FieldsFunc(value, func(r rune) bool { return r == ',' }))
	}
	if v, err := strconv.ParseInt(value, 10, 64); err == nil {
		return onnx.NewInt(name, v)
	}
	if v, err := strconv.ParseFloat(value, 32); err == nil {
		return onnx.NewFloat(name, float32(v))
	}
	return onnx.NewString(name, value)
}

// listOf makes an attribute of a list: of integers if all are, else of numbers or of words.
func listOf(name string, words []string) *onnx.Attribute {
	ints, floats := make([]int64, len(words)), make([]float32, len(words))
	var notInt, notFloat error
	for i, s := range words {
		v, err := strconv.ParseInt(s, 10, 64)
		ints[i], notInt = v, errors.Join(notInt, err)
		f, err := strconv.ParseFloat(s, 32)
		floats[i], notFloat = float32(f), errors.Join(notFloat, err)
	}
	switch {
	case notInt == nil:
		return onnx.NewInts(name, ints...)
	case notFloat == nil:
		return onnx.NewFloats(name, floats...)
	}
	return onnx.NewStrings(name, words...)
}

// gradients runs the model with gradients of all differentiated inputs.
func (p *probe) gradients(t *testing.T, symbolic bool, o *runtime.Options) map[string]*tensor.Tensor {
	t.Helper()
	o.Gradients = &runtime.Gradients{Wrt: p.diff}
	s, err := runtime.OpenBytes(p.model(symbolic), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), p.feeds(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// feeds returns values for the inputs of a session. Gradients of outputs are made with the shapes of these.
func (p *probe) feeds(t *testing.T, s *runtime.Session) map[string]*tensor.Tensor {
	t.Helper()
	p.seeds(t)
	in := map[string]*tensor.Tensor{}
	for _, info := range s.Inputs() {
		if y, ok := strings.CutPrefix(info.Name, "dy."); ok {
			in[info.Name] = p.dy[y]
		} else {
			in[info.Name] = p.values[info.Name]
		}
	}
	return in
}

func (p *probe) forward(t *testing.T) (*runtime.Session, map[string]*tensor.Tensor) {
	t.Helper()
	s, err := runtime.OpenBytes(p.model(false), nil)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*tensor.Tensor{}
	for _, info := range s.Inputs() {
		in[info.Name] = p.values[info.Name]
	}
	return s, in
}

func (p *probe) seeds(t *testing.T) {
	if p.dy != nil {
		return
	}
	p.dy = map[string]*tensor.Tensor{}
	s, in := p.forward(t)
	defer s.Close()
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	for _, info := range s.Outputs() {
		y := out[info.Name]
		x := make([]float64, y.Len())
		for i := range x {
			x[i] = r.NormFloat64()
		}
		p.dy[info.Name], _ = tensor.FromFloat64s(y.DType(), y.Shape(), x)
	}
}

// differences returns the central differences of the sum of dy*y.
func (p *probe) differences(t *testing.T) map[string][]float64 {
	t.Helper()
	p.seeds(t)
	s, in := p.forward(t)
	defer s.Close()
	loss := func() float64 {
		out, err := s.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for name, y := range out {
			if !y.DType().IsFloat() {
				continue
			}
			dy := tensor.Float64s(p.dy[name], y.Len())
			for i, v := range tensor.Float64s(y, y.Len()) {
				sum += dy[i] * v
			}
		}
		return sum
	}
	h := 1e-6
	if p.dtype == tensor.Float32 {
		h = 1e-2
	}
	want := map[string][]float64{}
	for _, name := range p.diff {
		v := p.values[name]
		x := tensor.Float64s(v, v.Len())
		g := make([]float64, len(x))
		at := func(i int, by float64) float64 {
			moved := append([]float64(nil), x...)
			moved[i] += by
			in[name], _ = tensor.FromFloat64s(p.dtype, v.Shape(), moved)
			return loss()
		}
		for i := range x {
			g[i] = (at(i, h) - at(i, -h)) / (2 * h)
		}
		in[name], want[name] = v, g
	}
	return want
}

// TestEveryRuleHasACase holds the list of cases to the Grad column.
func TestEveryRuleHasACase(t *testing.T) {
	covered := map[*ops.Op]bool{}
	for _, c := range allCases() {
		domain, op := c.name()
		covered[ops.Default().Find(domain, op, c.opset)] = true
	}
	for _, c := range codeCases { // no difference shows a gradient that goes straight through
		domain, op := ruleCase{op: c.op}.name()
		covered[ops.Default().Find(domain, op, 21)] = true
	}
	for _, c := range flowCases {
		for _, n := range newFlow(t, c).graph("main", c.main).Nodes {
			covered[ops.Default().Find(n.Domain, n.OpType, 21)] = true
		}
	}
	rows := ops.Default().Rows()
	for i := range rows {
		r := &rows[i]
		if r.Grad != nil && !covered[ops.Default().Find(r.Domain, r.Name, r.Since)] && r.Domain != "onnxrun" {
			t.Errorf("%s:%s since %d has a gradient and no case", r.Domain, r.Name, r.Since)
		}
	}
}

// TestMissingGradient wants the operator and the node in the message.
func TestMissingGradient(t *testing.T) {
	for _, c := range []struct {
		name, want string
		model      []byte
	}{
		{"no rule", `unsupported: no gradient of Unique (node "node")`,
			newProbe(t, ruleCase{op: "Unique", opset: 11, inputs: "4"}, tensor.Float32).model(false)},
		{"not with these attributes", `unsupported: no gradient of QuantizeLinear to float8e4m3fn (node "q", QuantizeLinear)`,
			onnx.Encode(codeProgram("2x4", "QuantizeLinear x sx -> q | output_dtype=17; DequantizeLinear q sx -> y"))},
		{"through an optional", `unsupported: no gradient of OptionalGetElement of an optional (node "y", OptionalGetElement)`,
			onnx.Encode(codeProgram("2x4", "Optional x -> s; OptionalGetElement s -> y"))},
	} {
		_, err := runtime.OpenBytes(c.model, &runtime.Options{Gradients: &runtime.Gradients{}})
		var missing *ops.UnsupportedError
		if !errors.As(err, &missing) || err.Error() != c.want {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}
