package conform_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestBlocksOfCodes makes models of layers on codes: operators that take codes, and those of numbers between DequantizeLinear and
// QuantizeLinear. Scales are powers of two and sums stay away from the middle of two codes, so that all results have to be the
// same bits as those of the graph as it is written, however they are computed.
func TestBlocksOfCodes(t *testing.T) {
	count := blockCount(2, 10)
	for seed := *blocksFirst; seed < *blocksFirst+uint64(count); seed++ {
		m := newCodeModel(seed)
		c, err := newBlockRuns(m, seed, t.TempDir())
		if err != nil {
			t.Errorf("seed %d (%v) does not run as it is written: %v\n  %s", seed, m, err, strings.Join(m.log, "; "))
			continue
		}
		m.report(t, seed, c.compare())
	}
}

// A coded value is of codes of type d, which stand for (code - zero) / 2^exp.
type coded struct {
	blockValue
	d         tensor.DType
	exp, zero int
	size      float64 // of codes, about
}

// codeModel is a blockModel whose values are codes.
type codeModel struct {
	*blockModel
	all []coded
}

func newCodeModel(seed uint64) *blockModel {
	g := &onnx.Graph{Name: "codes"}
	b := &blockModel{r: rand.New(rand.NewPCG(seed, 6)), g: g, main: g, only: true, work: 3e6}
	b.opset = []int{10, 11, 12, 13, 13, 14, 17, 19, 21, 21, 23, 24, 25}[b.r.IntN(13)]
	b.dynamic = max(0, b.r.IntN(4)-2)
	b.elem = []tensor.DType{tensor.Uint8, tensor.Int8}[b.r.IntN(2)]
	m := &codeModel{blockModel: b}
	rank := m.one(2, 3, 4, 4, 4, 4, 5)
	shape := []int{m.one(1, 1, 2, 3), m.one(1, 2, 3, 8, 16, 17, 32, 65)}
	for range rank - 2 {
		shape = append(shape, 1+m.r.IntN([]int{0, 0, 0, 40, 20, 8}[rank]))
	}
	x := coded{m.input(shape...), b.elem, m.r.IntN(3) + 2, 0, 5}
	if x.d == tensor.Uint8 || m.chance(40) {
		x.zero = m.r.IntN(9)
	}
	m.all = append(m.all, x)
	for range 2 + m.r.IntN(6) {
		x = m.layer(x)
		if m.all = append(m.all, x); m.chance(15) {
			x = m.all[m.r.IntN(len(m.all))]
		}
	}
	m.out(m.all[len(m.all)-1].name)
	m.out(m.all[m.r.IntN(len(m.all)-1)+1].name)
	if m.chance(50) {
		m.out(m.numbers(x).name)
	}
	return b
}

// out makes a value an output, of whatever type it has.
func (m *codeModel) out(name string) {
	if !slices.ContainsFunc(m.g.Outputs, func(o *onnx.ValueInfo) bool { return o.Name == name }) && name != m.g.Inputs[0].Name {
		m.g.Outputs = append(m.g.Outputs, &onnx.ValueInfo{Name: name})
	}
}

// layer is one of the layers that take a value of this rank.
func (m *codeModel) layer(x coded) coded {
	layers := []func(*codeModel, coded) coded{(*codeModel).again, (*codeModel).numbersLayer, (*codeModel).numbersLayer, (*codeModel).moved, (*codeModel).joined,
		(*codeModel).pairwise, (*codeModel).product, (*codeModel).product}
	if x.rank() > 2 {
		layers = append(layers, (*codeModel).filter, (*codeModel).filter, (*codeModel).filter, (*codeModel).pooled)
	}
	return layers[m.r.IntN(len(layers))](m, x)
}

// single is a number, of rank 1 if it is to be a vector.
func (m *codeModel) single(v float64, vector bool) string {
	if vector {
		return m.constant(tensor.FromSlice([]float32{float32(v)}, 1))
	}
	return m.constant(tensor.Scalar(float32(v)))
}

func (m *codeModel) codesOf(d tensor.DType, v []float64, shape ...int) string {
	x, err := tensor.FromFloat64s(d, shape, v)
	if err != nil {
		panic(err)
	}
	return m.constant(x)
}

// meaning returns the names of scale and zero point.
func (m *codeModel) meaning(d tensor.DType, exp, zero int) []string {
	return []string{m.single(math.Exp2(-float64(exp)), false), m.codesOf(d, []float64{float64(zero)})}
}

// numbers dequantises x.
func (m *codeModel) numbers(x coded) blockValue {
	ins := m.meaning(x.d, x.exp, x.zero)
	if x.zero == 0 && m.chance(50) {
		ins = ins[:1]
	}
	return m.op("DequantizeLinear", "", x.shape, append([]string{x.name}, ins...)...)
}

// target draws what the codes of a result stand for, in steps of 2^-exp, whose size is like that of x.
func (m *codeModel) target(x coded, exp int) coded {
	x = coded{d: tensor.Uint8, exp: exp, zero: 100 + m.r.IntN(57), size: min(100, math.Ldexp(x.size, exp-x.exp))}
	if m.chance(50) {
		x.d, x.zero = tensor.Int8, m.one(0, 0, -3, 17)
	}
	return x
}

// codesLike quantises numbers as to says.
func (m *codeModel) codesLike(v blockValue, to coded) coded {
	ins := m.meaning(to.d, to.exp, to.zero)
	if to.d == tensor.Uint8 && to.zero == 0 {
		ins = ins[:1]
	}
	to.blockValue = m.op("QuantizeLinear", "", v.shape, append([]string{v.name}, ins...)...)
	return to
}

// micro adds a node of com.microsoft.
func (m *codeModel) micro(op, attrs string, shape tensor.Shape, ins ...string) blockValue {
	v := m.op(op, attrs, shape, ins...)
	m.g.Nodes[len(m.g.Nodes)-1].Domain = "com.microsoft"
	return v
}

// again gives x other steps, between numbers or through codes of 16 bits.
func (m *codeModel) again(x coded) coded {
	v := m.numbers(x)
	if m.opset >= 21 && m.chance(30) {
		v = m.numbers(m.codesLike(v, coded{d: tensor.Int16, exp: x.exp + 2, zero: 5, size: x.size * 4}))
	}
	m.say("again %v", x.shape)
	return m.codesLike(v, m.target(x, x.exp+m.one(-1, 0, 1)))
}

// numbersLayer is an operator of numbers that is exact.
func (m *codeModel) numbersLayer(x coded) coded {
	v := m.numbers(x)
	num := func(f float64) string { return m.single(math.Ldexp(f, -x.exp), false) }
	switch k := m.r.IntN(6); {
	case k == 0:
		v = m.like("Relu", "", v)
	case k == 1 && m.opset >= 11:
		v = m.like("Clip", "", v, num(-20), num(60))
	case k == 2:
		v = m.like("LeakyRelu", "alpha=0.25", v)
	case k == 3:
		v = m.like("Mul", "", v, m.single(0.5, false))
	case k == 4:
		v = m.like("Add", "", v, num(5.5))
	default:
		v = m.like("Max", "", v, m.numbers(x).name)
	}
	m.say("numbers %v", x.shape)
	return m.codesLike(v, m.target(x, x.exp+m.one(-1, 0, 0)))
}

// pairwise adds or multiplies two values, or x and a constant of its last axis.
func (m *codeModel) pairwise(x coded) coded {
	y, ok := x, false
	for _, v := range m.all {
		if v.shape.Equal(x.shape) && v.name != x.name {
			y, ok = v, true
		}
	}
	if !ok && m.chance(60) {
		var codes []float64
		for range x.last() {
			codes = append(codes, float64(m.r.IntN(120)))
		}
		y = coded{blockValue{m.codesOf(tensor.Uint8, codes, x.last()), tensor.Shape{x.last()}}, tensor.Uint8, 3, 60, 30}
	}
	op, to := "Add", m.target(x, min(x.exp, y.exp)-1)
	if m.chance(40) {
		op, to = "Mul", m.target(x, x.exp+y.exp-5)
		to.size = min(100, x.size*y.size/32)
	}
	m.say("%s %v", op, x.shape)
	if x.d == y.d && m.chance(40) {
		to.d, to.zero = x.d, 20
		ins := slices.Concat([]string{x.name}, m.meaning(x.d, x.exp, x.zero), []string{y.name}, m.meaning(y.d, y.exp, y.zero), m.meaning(to.d, to.exp, to.zero))
		to.blockValue = m.micro("QLinear"+op, "", x.shape, ins...)
		return to
	}
	return m.codesLike(m.like(op, "", m.numbers(x), m.numbers(y).name), to)
}

// joined puts x beside a value of its shape, each with steps of its own, and cuts a part off again.
func (m *codeModel) joined(x coded) coded {
	y := m.again(x)
	to := m.target(x, x.exp)
	shape := x.shape.Clone()
	shape[1] *= 2
	m.say("joined %v", x.shape)
	if m.chance(40) {
		to.d, to.zero = x.d, 30
		if y.d != x.d {
			y = x
		}
		ins := slices.Concat(m.meaning(to.d, to.exp, to.zero), []string{x.name}, m.meaning(x.d, x.exp, x.zero), []string{y.name}, m.meaning(y.d, y.exp, y.zero))
		to.blockValue = m.micro("QLinearConcat", "axis=1", shape, ins...)
	} else {
		to = m.codesLike(m.op("Concat", "axis=1", shape, m.numbers(x).name, m.numbers(y).name), to)
	}
	if m.chance(50) {
		from := m.r.IntN(shape[1])
		shape[1] -= from
		to.blockValue = m.op("Slice", "", shape, to.name, m.ints(from), m.ints(1<<30), m.ints(1))
	}
	return to
}

// moved changes the order of codes, or of the numbers between.
func (m *codeModel) moved(x coded) coded {
	perm := append([]int{0}, m.r.Perm(x.rank()-1)...)
	shape := tensor.Shape{x.shape[0]}
	for i := range perm[1:] {
		perm[i+1]++
		shape = append(shape, x.shape[perm[i+1]])
	}
	m.say("moved %v", x.shape)
	if m.chance(50) {
		x.blockValue = m.op("Transpose", "perm="+list(perm...), shape, x.name)
		return x
	}
	return m.codesLike(m.op("Transpose", "perm="+list(perm...), shape, m.numbers(x).name), m.target(x, x.exp))
}
