package conform_test

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// attentionBlock is attention with what surrounds it.
func (m *blockModel) attentionBlock(x blockValue) blockValue {
	y := x
	if m.chance(50) {
		y = m.norm(x)
	}
	y = m.attention(y)
	if m.chance(70) && y.shape.Equal(x.shape) {
		y = m.binary("Add", x, y)
	}
	if m.chance(40) {
		y = m.norm(y)
	}
	return y
}

// heads brings the rows of x into heads: [n, heads, t, size].
func (m *blockModel) heads(x blockValue, heads, size int, keys bool) blockValue {
	n, t := x.shape[0], x.shape[1]
	var y blockValue
	if m.dynamic > 0 {
		y = m.op("Reshape", "", tensor.Shape{n, t, heads, size}, x.name, m.ints(0, m.one(0, -1), heads, size))
	} else {
		y = m.reshape(x, n, t, heads, size)
	}
	if keys {
		return m.transpose(y, 0, 2, 3, 1)
	}
	return m.transpose(y, 0, 2, 1, 3)
}

// attention is self-attention, or one to a memory, written out.
func (m *blockModel) attention(x blockValue) blockValue {
	n, t, d := x.shape[0], x.shape[1], x.last()
	heads, size := m.one(1, 2, 3, 4), m.one(1, 2, 4, 5, 8, 16, 17, 32, 64)
	shared := 1
	if m.chance(25) {
		shared = m.one(2, 3)
	}
	if m.chance(12) && n*t*d <= 8000 { // rows of keys that lie a multiple of 4096 bytes apart
		heads, size = 16, 64
		if m.chance(40) {
			heads, size = 8, 128
		}
	}
	hq := heads * shared
	memory := x
	if m.chance(15) && m.dynamic < 2 {
		memory = m.input(n, m.one(1, 4, 9, 20), d)
	}
	var q, k, v blockValue
	switch {
	case m.chance(30) && memory.name == x.name && shared == 1: // one product for all
		y := m.matmul(x, 3*hq*size)
		p := m.split(y, 2, hq*size, hq*size, hq*size)
		q, k, v = p[0], p[1], p[2]
	default:
		q, k, v = m.matmul(x, hq*size), m.matmul(memory, heads*size), m.matmul(memory, heads*size)
	}
	scale := 1 / math.Sqrt(float64(size))
	where := m.r.IntN(6)
	if where == 0 {
		q = m.binary("Mul", q, blockValue{m.scalar(scale), nil})
	}
	qh, vh := m.heads(q, hq, size, false), m.heads(v, heads, size, false)
	var kt blockValue
	rotate := size%2 == 0 && m.chance(30) && memory.name == x.name && m.dynamic < 2
	direct := !rotate && shared == 1 && m.chance(50)
	s := memory.shape[1]
	if direct {
		kt = m.heads(k, heads, size, true)
	} else {
		kh := m.heads(k, heads, size, false)
		if rotate {
			cos, sin := m.weight(-1, 1, 1, 1, t, size), m.weight(-1, 1, 1, 1, t, size)
			qh, kh = m.rotate(qh, cos, sin), m.rotate(kh, cos, sin)
		}
		if memory.name == x.name && m.chance(20) && m.dynamic < 2 { // what came before
			past := m.one(1, 3, 10)
			kh = m.concat(2, m.input(n, heads, past, size), kh)
			vh = m.concat(2, m.input(n, heads, past, size), vh)
			s += past
		}
		if m.chance(30) {
			m.output(kh)
		}
		if shared > 1 {
			kh, vh = m.repeatHeads(kh, shared), m.repeatHeads(vh, shared)
		}
		if where == 1 {
			kh = m.binary("Mul", kh, blockValue{m.scalar(scale), nil})
		}
		kt = m.transpose(kh, 0, 1, 3, 2)
	}
	if where == 2 {
		r := m.scalar(math.Sqrt(scale))
		qh, kt = m.op("Mul", "", qh.shape, qh.name, r), m.op("Mul", "", kt.shape, kt.name, r)
	}
	scores := m.op("MatMul", "", tensor.Shape{n, hq, t, s}, qh.name, kt.name)
	switch where {
	case 3:
		scores = m.binary("Mul", scores, blockValue{m.number(scale), nil})
	case 4:
		scores = m.op("Div", "", scores.shape, scores.name, m.number(1/scale))
	}
	scores = m.mask(scores)
	p := m.like("Softmax", []string{"axis=-1", "axis=3"}[m.r.IntN(2)], scores)
	if m.chance(10) {
		m.output(p)
	}
	y := m.op("MatMul", "", tensor.Shape{n, hq, t, size}, p.name, vh.name)
	y = m.transpose(y, 0, 2, 1, 3)
	if m.dynamic > 0 {
		y = m.op("Reshape", "", tensor.Shape{n, t, hq * size}, y.name, m.ints(0, m.one(0, -1), hq*size))
	} else {
		y = m.reshape(y, n, t, hq*size)
	}
	m.say(" attention %d/%d heads of %d, %d to %d, scale at %d, rotate %v", hq, heads, size, t, s, where, rotate)
	return m.matmul(y, d)
}

// repeatHeads gives each head of keys or values to several heads of queries.
func (m *blockModel) repeatHeads(x blockValue, times int) blockValue {
	n, h, s, d := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	y := m.unsqueeze(x, 2)
	to := tensor.Shape{n, h, times, s, d}
	if m.dynamic == 0 {
		y = m.op("Expand", "", to, y.name, m.ints(m.one(1, n), m.one(1, h), times, m.one(1, s), d))
	} else {
		y = m.op("Expand", "", to, y.name, m.ints(1, 1, times, 1, 1))
	}
	if m.dynamic == 2 {
		return m.op("Reshape", "", tensor.Shape{n, h * times, s, d}, y.name, m.ints(0, h*times, -1, d))
	}
	return m.reshape(y, n, h*times, s, d)
}

// mask adds to scores, or takes some of them away.
func (m *blockModel) mask(x blockValue) blockValue {
	n, h, t, s := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	if m.dynamic == 2 {
		return x
	}
	shapes := [][]int{{t, s}, {1, 1, t, s}, {1, h, t, s}, {1, 1, 1, s}, {s}, {h, 1, 1}, {h, t, s}}
	if m.dynamic == 0 {
		shapes = append(shapes, []int{n, 1, 1, s}, []int{n, h, t, s}, []int{n, 1, t, s})
	}
	shape := shapes[m.r.IntN(len(shapes))]
	switch m.r.IntN(6) {
	case 0, 1:
		return m.binary("Add", x, blockValue{m.weight(-3, 3, shape...), nil})
	case 2: // an input
		if m.dynamic == 0 {
			y := m.feed(blockFeed{fixed: m.as(randomFloats(m.r, shape, -3, 3))}, m.elem)
			return m.binary("Add", x, y)
		}
	case 3, 4: // of what is allowed; the first key always is
		allowed := tensor.New(tensor.Bool, shape...)
		last := shape[len(shape)-1]
		for i := range tensor.Of[bool](allowed) {
			tensor.Of[bool](allowed)[i] = i%last == 0 || i%last <= i/last%max(t, 1) || m.chance(20)
		}
		low := []float64{-1e9, -3.4028235e38, math.Inf(-1), -10000}[m.r.IntN(4)]
		if m.elem == tensor.Float16 {
			low = -10000
		}
		c := m.constant(allowed)
		if m.chance(50) {
			return m.op("Where", "", x.shape, c, x.name, m.scalar(low))
		}
		not := m.name("b")
		m.node("Not", "", []string{not}, c)
		return m.op("Where", "", x.shape, not, m.scalar(low), x.name)
	}
	return x
}

// rotate applies rotary positions.
func (m *blockModel) rotate(x blockValue, cos, sin string) blockValue {
	d := x.last()
	var a, b blockValue
	if m.chance(50) {
		p := m.split(x, 3, d/2, d/2)
		a, b = p[0], p[1]
	} else {
		a, b = m.slice(x, 3, 0, d/2, 1), m.slice(x, 3, d/2, d, 1)
	}
	h := m.concat(3, m.like("Neg", "", b), a)
	return m.binary("Add", m.op("Mul", "", x.shape, x.name, cos), m.op("Mul", "", x.shape, h.name, sin))
}

func (m *blockModel) String() string {
	return fmt.Sprintf("%v, opset %d, dynamic %d, %d nodes", m.elem, m.opset, m.dynamic, len(m.g.Nodes))
}
