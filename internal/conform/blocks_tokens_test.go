package conform_test

import (
	"github.com/onnxrun/onnxrun/tensor"
)

// tokens makes a network of sequences: values are batch, time, features.
func (m *blockModel) tokens() blockValue {
	n, t, d := m.one(1, 1, 2, 3, 5), m.one(1, 2, 3, 5, 8, 13, 17, 33, 50), m.one(4, 6, 8, 12, 16, 24, 32, 36, 48, 64, 65, 96, 128)
	if m.work > 1e7 {
		t, d = m.one(1, 2, 3, 8, 17, 50, 100, 130, 530, 1100), m.one(128, 192, 256, 300, 384, 512, 768)
		if t > 200 {
			n, d = 1, m.one(8, 32, 64)
		}
	}
	var x blockValue
	if m.chance(35) {
		rows := m.one(1, 7, 37, 37, 20000)
		ids := m.feed(blockFeed{shape: []int{n, t}, batch: true, ids: rows}, tensor.Int64)
		x = m.op("Gather", "", tensor.Shape{n, t, d}, m.weight(-1, 1, rows, d), ids.name)
		if m.chance(50) && m.dynamic < 2 {
			x = m.binary("Add", x, blockValue{m.weight(-1, 1, 1, t, d), nil})
		}
	} else {
		x = m.input(n, t, d)
	}
	for range 1 + m.r.IntN(5) {
		if x.rank() != 3 {
			break
		}
		x = m.token(x)
	}
	if x.rank() == 3 && m.chance(40) {
		switch m.r.IntN(3) {
		case 0:
			x = m.op("Gather", "axis=1", tensor.Shape{n, x.last()}, x.name, m.constant(scalar64(0)))
		case 1:
			x = m.reduce("ReduceMean", x, false, 1)
		default:
			x = m.reduce("ReduceMax", x, true, -1)
		}
	}
	return x
}

func scalar64(n int64) *tensor.Tensor {
	x := tensor.New(tensor.Int64)
	tensor.Of[int64](x)[0] = n
	return x
}

var tokenBlocks []struct {
	name string
	f    func(*blockModel, blockValue) blockValue
}

func init() {
	tokenBlocks = []struct {
		name string
		f    func(*blockModel, blockValue) blockValue
	}{
		{"product", func(m *blockModel, x blockValue) blockValue {
			return m.after(m.matmul(x, m.one(1, 3, 8, 17, 31, 64, 100)))
		}},
		{"norm", (*blockModel).norm}, {"attention", (*blockModel).attentionBlock}, {"attention", (*blockModel).attentionBlock}, {"attention", (*blockModel).attentionBlock},
		{"feed forward", (*blockModel).feedForward}, {"feed forward", (*blockModel).feedForward}, {"gated", (*blockModel).gatedLinear},
		{"recurrent", (*blockModel).recurrent}, {"along time", (*blockModel).alongTime}, {"mixer", (*blockModel).mixer}, {"pieces", (*blockModel).pieces},
		{"moves", (*blockModel).moves}, {"short rows", (*blockModel).shortRows}, {"placed", (*blockModel).placed}, {"body", (*blockModel).bodied},
	}
}

func (m *blockModel) token(x blockValue) blockValue {
	b := tokenBlocks[m.r.IntN(len(tokenBlocks))]
	m.say("%s %v", b.name, x.shape)
	return b.f(m, x)
}

// feedForward is a layer of transformers, before or behind a normalisation, with or without residual.
func (m *blockModel) feedForward(x blockValue) blockValue {
	y := x
	if m.chance(60) {
		y = m.norm(x)
	}
	y = m.after(m.matmul(y, m.one(3, 33, 2*x.last(), 4*x.last())))
	y = m.matmul(y, x.last())
	if m.chance(30) {
		y = m.perChannel(y)
	}
	if m.chance(80) {
		y = m.binary("Add", y, x)
	}
	if m.chance(30) {
		y = m.norm(y)
	}
	return y
}

// gatedLinear multiplies two products, or halves of one.
func (m *blockModel) gatedLinear(x blockValue) blockValue {
	n := m.one(5, 16, 33, 2*x.last())
	var a, b blockValue
	if m.chance(50) {
		a, b = m.matmul(x, n), m.matmul(x, n)
	} else {
		y := m.matmul(x, 2*n)
		parts := m.split(y, y.rank()-1, n, n)
		a, b = parts[0], parts[1]
	}
	y := m.matmul(m.binary("Mul", m.activate(a), b), x.last())
	if m.chance(70) {
		y = m.binary("Add", x, y)
	}
	return y
}

// mixer goes along time with a product of its own.
func (m *blockModel) mixer(x blockValue) blockValue {
	if m.dynamic == 2 {
		return m.feedForward(x)
	}
	t := m.transpose(x, 0, 2, 1)
	t = m.after(m.matmul(t, m.one(4, 17, 2*t.last())))
	t = m.matmul(t, x.shape[1])
	y := m.transpose(t, 0, 2, 1)
	return m.binary("Add", y, x)
}

// alongTime is a convolution along time, depthwise and with gates as in speech.
func (m *blockModel) alongTime(x blockValue) blockValue {
	t := m.transpose(x, 0, 2, 1)
	k := m.one(1, 3, 3, 5, 7)
	c := t.channels()
	switch m.r.IntN(3) {
	case 0:
		t = m.conv(t, convSpec{out: c, group: c, kernel: []int{k}, stride: 1, dil: 1, pads: times(k/2, 2)})
	case 1: // causal
		t = m.conv(t, convSpec{out: c, group: c, kernel: []int{k}, stride: 1, dil: 1, pads: []int{k - 1, 0}})
	default:
		y := m.same(t, 2*c, 1)
		if y.channels() == 2*c {
			p := m.split(y, 1, c, c)
			t = m.binary("Mul", p[0], m.like("Sigmoid", "", p[1]))
		}
	}
	y := m.transpose(m.after(t), 0, 2, 1)
	if y.shape.Equal(x.shape) && m.chance(60) {
		y = m.binary("Add", y, x)
	}
	return y
}

// pieces cuts, joins and adds parts of a sequence.
func (m *blockModel) pieces(x blockValue) blockValue {
	d := x.last()
	if d < 2 {
		return m.after(x)
	}
	a := 1 + m.r.IntN(d-1)
	p := m.split(x, 2, a, d-a)
	p[0] = m.activate(p[0])
	if m.chance(50) {
		p[1] = m.after(m.matmul(p[1], m.one(1, d-a, 16)))
	}
	if m.chance(30) {
		p[0], p[1] = p[1], p[0]
	}
	return m.after(m.concat(2, p...))
}

// moves reorders and reduces.
func (m *blockModel) moves(x blockValue) blockValue {
	switch m.r.IntN(5) {
	case 0: // a class in front
		if m.dynamic > 0 {
			break
		}
		c := blockValue{m.weight(-1, 1, x.shape[0], 1, x.last()), tensor.Shape{x.shape[0], 1, x.last()}}
		return m.concat(1, c, x)
	case 1:
		s := m.reduce([]string{"ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2"}[m.r.IntN(4)], x, true, m.one(1, 2, -1))
		return m.op("Sub", "", x.shape, x.name, s.name)
	case 2:
		if m.dynamic == 2 {
			break
		}
		s := m.reduce("ReduceMean", x, true, 1)
		y := m.op("Expand", "", x.shape, s.name, m.expandTo(x))
		return m.concat(2, x, y)
	case 3:
		if m.opset < 11 {
			break
		}
		return m.like("CumSum", "", m.like("Tanh", "", x), m.constant(scalar64(1)))
	case 4:
		if x.shape[1] > 1 && m.dynamic < 2 {
			return m.after(m.slice(x, 1, 1, x.shape[1], 1))
		}
	}
	return m.after(x)
}

// expandTo is the shape of x: written, or asked for.
func (m *blockModel) expandTo(x blockValue) string {
	if m.dynamic == 0 && m.chance(50) {
		return m.ints(x.shape...)
	}
	s := m.name("s")
	m.node("Shape", "", []string{s}, x.name)
	return s
}
