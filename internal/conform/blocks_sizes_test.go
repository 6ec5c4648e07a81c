package conform_test

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// wide are convolutions of many channels on few pixels, whose filters are cut into parts, with what is merged into them in several orders.
func (m *blockModel) wide(x blockValue) blockValue {
	for tensor.Shape(x.shape[2:]).Len() > 36 {
		y := m.pool(x, "AveragePool", times(2, x.rank()-2), 2, 0)
		if y.name == x.name {
			return m.convLayer(x)
		}
		x = y
	}
	if x.channels() < 100 {
		x = m.activate(m.same(x, m.one(128, 130, 192), 1))
	}
	for range m.one(1, 1, 2) {
		x = m.same(x, m.one(128, 200, 256, 300), m.one(1, 3, 3))
		for range m.one(1, 2, 2, 3) {
			switch m.r.IntN(4) {
			case 0:
				x = m.activate(x)
			case 1:
				x = m.like("Relu", "", x)
			case 2:
				x = m.perChannel(x)
			}
			x = m.batchNorm(x)
		}
	}
	return m.after(x)
}

// grouped is a convolution in groups of a vector of channels, or of a part of one, whose windows have three taps along the last axis.
func (m *blockModel) grouped(x blockValue) blockValue {
	width, rank := m.one(2, 3, 4, 4, 8, 8, 16, 16), x.rank()-2
	c := width * m.one(1, 2, 3, 4, 5, 8, 9)
	if x.channels()%width != 0 || m.chance(50) {
		x = m.after(m.same(x, c, 1))
	}
	c = x.channels()
	if c%width != 0 {
		return x
	}
	s := convSpec{out: c, group: c / width, kernel: times(3, rank), stride: m.one(1, 1, 2, 2, 3), dil: m.one(1, 1, 1, 1, 2)}
	if rank > 1 && m.chance(30) {
		s.kernel[0] = m.one(1, 2, 5)
	}
	for i := range 2 * rank {
		s.pads = append(s.pads, s.kernel[i%rank]/2)
		if m.chance(15) {
			s.pads[i] = m.r.IntN(4)
		}
	}
	return m.after(m.conv(x, s))
}

// shortRows reduces, or normalises, pieces of up to 32 elements of the last axis.
func (m *blockModel) shortRows(x blockValue) blockValue {
	var sizes []int
	for k := 1; k <= 32; k++ {
		if x.last()%k == 0 {
			sizes = append(sizes, k)
		}
	}
	k := m.one(sizes...)
	y := m.op("Reshape", "", tensor.Shape{x.shape[0], x.shape[1], x.last() / k, k}, x.name, m.ints(0, 0, -1, k))
	switch m.r.IntN(5) {
	case 0:
		y = m.norm(y)
	case 1:
		y = m.like([]string{"Softmax", "LogSoftmax"}[m.r.IntN(2)], "axis=3", y)
	default:
		op := []string{"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceSumSquare", "ReduceLogSumExp"}[m.r.IntN(7)]
		s := m.reduce(op, y, true, m.one(3, 3, -1, 2))
		y = m.binary([]string{"Sub", "Mul", "Add"}[m.r.IntN(3)], m.like("Tanh", "", y), m.like("Tanh", "", s))
	}
	return m.after(m.op("Reshape", "", x.shape, y.name, m.ints(0, 0, m.one(-1, x.last()))))
}

// placed moves and adds elements by places that are constants, or multiplies by formulas.
func (m *blockModel) placed(x blockValue) blockValue {
	n, t, d := x.shape[0], x.shape[1], x.last()
	switch k := m.r.IntN(6); {
	case k == 0 && m.dynamic == 0: // each place once, or sums
		if m.opset < 16 || m.chance(50) {
			return m.after(m.like("ScatterElements", "axis=2", x, m.places(n, t, d, true), m.like("Tanh", "", x).name))
		}
		return m.after(m.like("ScatterElements", "axis=2 reduction=add", x, m.places(n, t, d, false), m.like("Tanh", "", x).name))
	case k == 1 && m.dynamic == 0 && m.opset >= 11:
		return m.after(m.like("GatherElements", "axis=2", x, m.places(n, t, d, false)))
	case k == 2 && m.opset >= 12:
		return m.after(m.like("Einsum", "equation=btd,de->bte", x, m.matrix(d, d, d)))
	case k == 3 && m.opset >= 12:
		s := m.op("Einsum", "equation=btd,bsd->bts", tensor.Shape{n, t, t}, x.name, x.name)
		s = m.like("Softmax", "axis=2", s)
		return m.after(m.op("Einsum", "equation=bts,bsd->btd", x.shape, s.name, x.name))
	case k == 4:
		c := m.name("b")
		m.node("Greater", "", []string{c}, x.name, m.scalar(0))
		return m.after(m.binary("Mul", m.op("Cast", fmt.Sprintf("to=%d", m.elem), x.shape, c), x))
	}
	return m.shortRows(x)
}

// places are numbers below d for n*t rows of d, each once in a row or any.
func (m *blockModel) places(n, t, d int, once bool) string {
	x := tensor.New(tensor.Int64, n, t, d)
	rows := tensor.Of[int64](x)
	for i := range rows {
		rows[i] = m.r.Int64N(int64(d))
		if i%d == d-1 && once {
			for j, p := range m.r.Perm(d) {
				rows[i-d+1+j] = int64(p)
			}
		}
	}
	return m.constant(x)
}
