package conform_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A blockValue is a value of a model made of blocks; its first dimension is the batch.
type blockValue struct {
	name  string
	shape tensor.Shape
}

func (v blockValue) rank() int     { return len(v.shape) }
func (v blockValue) channels() int { return v.shape[1] }
func (v blockValue) last() int     { return v.shape[len(v.shape)-1] }

// A blockModel grows by blocks as they stand in networks, with sizes as they do not.
type blockModel struct {
	r       *rand.Rand
	g       *onnx.Graph // that grows: the model's, or a body of it
	main    *onnx.Graph
	opset   int
	elem    tensor.DType
	only    bool    // elements are of no other type
	work    float64 // bounds the multiplications of a layer
	count   int     // of names
	dynamic int     // 0: sizes are declared; 1: the batch is a symbol; 2: all sizes of inputs are symbols
	values  []blockValue
	feeds   []blockFeed
	weights []blockValue
	log     []string             // the blocks
	codes   map[string]codeRange // of a model that is quantised: what a run before that has shown
}

// A blockFeed describes an input.
type blockFeed struct {
	name  string
	shape tensor.Shape
	batch bool // the first dimension is the batch
	ids   int  // above zero: whole numbers below it
	fixed *tensor.Tensor
}

// newBlockModel makes the model of a seed.
func newBlockModel(seed uint64) *blockModel { return newBlockModelOf(seed, 0) }

// newBlockModelOf makes the model of a seed with elements of a type, if it is not 0.
func newBlockModelOf(seed uint64, elem tensor.DType) *blockModel {
	g := &onnx.Graph{Name: "blocks"}
	m := &blockModel{r: rand.New(rand.NewPCG(seed, 5)), g: g, main: g, elem: tensor.Float32, work: 6e6, only: elem != 0}
	m.opset = []int{9, 11, 12, 13, 14, 16, 17, 18, 20, 21, 22, 23}[m.r.IntN(12)]
	m.dynamic = max(0, m.r.IntN(5)-2)
	if m.chance(15) {
		m.work = 8e7
	}
	switch m.r.IntN(16) {
	case 0:
		m.elem = tensor.Float64
	case 1:
		m.elem = tensor.Float16
	case 2:
		if m.opset >= 22 {
			m.elem = tensor.BFloat16
		}
	}
	if m.only {
		m.elem = elem
	}
	var x blockValue
	switch k := m.r.IntN(100); {
	case k < 50:
		x = m.pictures()
	case k < 80:
		x = m.tokens()
	case k < 85:
		x = m.largePictures()
	default:
		x = m.ranked()
	}
	m.output(x)
	for range m.r.IntN(3) {
		m.output(m.values[m.r.IntN(len(m.values))])
	}
	if len(m.main.Outputs) == 0 { // all that were drawn are inputs
		m.output(m.like("Identity", "", x))
	}
	return m
}

// encode returns the model.
func (m *blockModel) encode() []byte {
	return onnx.Encode(m.model())
}

func (m *blockModel) model() *onnx.Model {
	sets := []onnx.OpsetID{{Version: int64(m.opset)}}
	if slices.ContainsFunc(m.main.Nodes, func(n *onnx.Node) bool { return n.Domain == "com.microsoft" }) {
		sets = append(sets, onnx.OpsetID{Domain: "com.microsoft", Version: 1})
	}
	return &onnx.Model{IRVersion: 10, Opsets: sets, Graph: m.g}
}

func (m *blockModel) chance(percent int) bool { return m.r.IntN(100) < percent }

func (m *blockModel) one(list ...int) int { return list[m.r.IntN(len(list))] }

func (m *blockModel) name(prefix string) string {
	m.count++
	return prefix + strconv.Itoa(m.count)
}

func (m *blockModel) say(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

// output makes a value an output, once.
func (m *blockModel) output(v blockValue) {
	if m.g != m.main || slices.ContainsFunc(m.g.Outputs, func(o *onnx.ValueInfo) bool { return o.Name == v.name }) ||
		slices.ContainsFunc(m.g.Inputs, func(o *onnx.ValueInfo) bool { return o.Name == v.name }) {
		return
	}
	m.g.Outputs = append(m.g.Outputs, &onnx.ValueInfo{Name: v.name, Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(m.elem)}})
}

// input adds an input of the model.
func (m *blockModel) input(shape ...int) blockValue {
	return m.feed(blockFeed{shape: shape, batch: true}, m.elem)
}

func (m *blockModel) feed(f blockFeed, d tensor.DType) blockValue {
	f.name = m.name("in")
	if f.fixed != nil {
		f.shape = f.fixed.Shape()
	}
	var dims []onnx.Dim
	for i, n := range f.shape {
		switch {
		case f.batch && i == 0 && m.dynamic > 0:
			dims = append(dims, onnx.NamedDim("batch"))
		case f.batch && m.dynamic == 2 && i > 0 && (i != 1 || f.ids > 0) && (len(f.shape) != 3 || i < 2):
			dims = append(dims, onnx.NamedDim(fmt.Sprintf("%s_%d", f.name, i)))
		default:
			dims = append(dims, onnx.FixedDim(int64(n)))
		}
	}
	m.main.Inputs = append(m.main.Inputs, &onnx.ValueInfo{Name: f.name, Type: onnx.NewTensorType(d, dims...)})
	m.feeds = append(m.feeds, f)
	v := blockValue{f.name, f.shape}
	if d == m.elem && f.batch {
		m.values = append(m.values, v)
	}
	return v
}

// fill returns inputs for a batch, or with the declared sizes where it is below zero.
func (m *blockModel) fill(batch int, seed uint64) map[string]*tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 7))
	out := map[string]*tensor.Tensor{}
	for _, f := range m.feeds {
		shape := f.shape.Clone()
		if f.batch && batch >= 0 && m.dynamic > 0 && len(shape) > 0 {
			shape[0] = batch
		}
		switch {
		case f.fixed != nil:
			out[f.name] = f.fixed
		case f.ids > 0:
			x := tensor.New(tensor.Int64, shape...)
			for i := range tensor.Of[int64](x) {
				tensor.Of[int64](x)[i] = r.Int64N(int64(f.ids))
			}
			out[f.name] = x
		default:
			lo, hi := -2.0, 2.0
			if m.whole() {
				lo, hi = -9.5, 9.5
			}
			if m.whole() && !m.signed() {
				lo = 0
			}
			out[f.name] = m.as(randomFloats(r, shape, lo, hi))
		}
	}
	return out
}

func randomFloats(r *rand.Rand, shape tensor.Shape, lo, hi float64) *tensor.Tensor {
	x := tensor.New(tensor.Float32, shape...)
	for i := range tensor.Of[float32](x) {
		tensor.Of[float32](x)[i] = float32(lo + r.Float64()*(hi-lo))
	}
	return x
}

// node adds a node; attributes are written "group=2 strides=2,2 alpha=0.1": a comma makes a list, a point a number with
// a fraction, letters a string.
func (m *blockModel) node(op, attrs string, outs []string, ins ...string) {
	n := &onnx.Node{OpType: op, Inputs: ins, Outputs: outs}
	for _, word := range strings.Fields(attrs) {
		name, text, _ := strings.Cut(word, "=")
		n.Attributes = append(n.Attributes, blockAttribute(name, text))
	}
	m.g.Nodes = append(m.g.Nodes, n)
}

func blockAttribute(name, text string) *onnx.Attribute {
	if f, err := strconv.ParseFloat(text, 32); err == nil {
		if strings.Contains(text, ".") {
			return onnx.NewFloat(name, float32(f))
		}
		return onnx.NewInt(name, int64(f))
	}
	if text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return onnx.NewString(name, text)
	}
	var list []int64
	for _, s := range strings.Split(strings.TrimSuffix(text, ","), ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(name + "=" + text)
		}
		list = append(list, int64(n))
	}
	return onnx.NewInts(name, list...)
}

// op adds a node with one output.
func (m *blockModel) op(op, attrs string, shape tensor.Shape, ins ...string) blockValue {
	v := blockValue{m.name("v"), shape}
	m.node(op, attrs, []string{v.name}, ins...)
	m.values = append(m.values, v)
	return v
}

// like adds a node whose output has the shape of x, its first input.
func (m *blockModel) like(op, attrs string, x blockValue, ins ...string) blockValue {
	return m.op(op, attrs, x.shape, append([]string{x.name}, ins...)...)
}

// list writes integers as an attribute.
func list(n ...int) string {
	var b strings.Builder
	for _, k := range n {
		fmt.Fprintf(&b, "%d,", k)
	}
	return b.String()
}

// peer returns another value of the same shape, if there is one.
func (m *blockModel) peer(x blockValue) (blockValue, bool) {
	for range 8 {
		v := m.values[m.r.IntN(len(m.values))]
		if v.shape.Equal(x.shape) && v.name != x.name {
			return v, true
		}
	}
	return x, false
}
