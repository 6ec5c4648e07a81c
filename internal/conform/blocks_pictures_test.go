package conform_test

import (
	"github.com/onnxrun/onnxrun/tensor"
)

// widths are numbers of channels, odd ones among them.
var widths = []int{1, 2, 3, 5, 7, 8, 12, 16, 17, 24, 31, 32, 33, 40, 48, 64, 65, 96, 100, 128, 130, 160, 200, 257, 300}

// width returns a number of channels, larger ones where layers may be large.
func (m *blockModel) width() int {
	if m.work > 1e7 && m.chance(50) {
		return m.one(128, 192, 256, 320, 384, 500, 512, 640, 768, 1024)
	}
	return widths[m.r.IntN(len(widths))]
}

// pictures makes a network of convolutions.
func (m *blockModel) pictures() blockValue {
	rank := m.one(1, 2, 2, 2, 2, 2, 2, 3)
	shape := []int{m.one(1, 1, 1, 2, 3), m.one(1, 2, 3, 4, 8, 16, 32, 65, m.width())}
	for range rank {
		most := []int{60, 30, 10}[rank-1]
		if m.work > 1e7 && m.chance(50) {
			most *= 3
		}
		shape = append(shape, 1+m.r.IntN(most))
	}
	if rank == 2 && m.work > 1e7 && m.chance(4) { // batches whose maps leave the caches
		shape = []int{m.one(3, 8, 9), m.one(3, 8, 16, 24), m.one(64, 90, 112), m.one(64, 90, 112)}
		m.work *= 5
	}
	x := m.input(shape...)
	for range 1 + m.r.IntN(5) {
		x = m.picture(x)
		if m.chance(10) {
			x = m.values[m.r.IntN(len(m.values))]
			if x.rank() < 3 {
				break
			}
		}
	}
	if x.rank() > 2 && m.chance(40) {
		x = m.head(x)
	}
	return x
}

// pictureBlocks are what networks of pictures are made of.
var pictureBlocks []struct {
	name string
	f    func(*blockModel, blockValue) blockValue
	rank int // of the pictures, in dimensions of space; 0: any
}

func init() {
	pictureBlocks = []struct {
		name string
		f    func(*blockModel, blockValue) blockValue
		rank int // of the pictures, in dimensions of space; 0: any
	}{
		{"conv", (*blockModel).convLayer, 0}, {"conv", (*blockModel).convLayer, 0}, {"conv", (*blockModel).convLayer, 0}, {"residual", (*blockModel).residualBlock, 0},
		{"residual", (*blockModel).residualBlock, 0}, {"inverted", (*blockModel).inverted, 0}, {"inverted", (*blockModel).inverted, 0},
		{"branches", (*blockModel).branchBlock, 0}, {"branches", (*blockModel).branchBlock, 0}, {"split", (*blockModel).splitBlock, 0}, {"split", (*blockModel).splitBlock, 0},
		{"gate", (*blockModel).gate, 0}, {"gate", (*blockModel).gate, 0}, {"pool", (*blockModel).poolLayer, 0}, {"transposed", (*blockModel).convTranspose, 0},
		{"resize", (*blockModel).resize, 2}, {"norm", (*blockModel).pictureNorm, 0}, {"focus", (*blockModel).focus, 2}, {"shuffle", (*blockModel).shuffle, 0},
		{"pad", (*blockModel).padLayer, 2}, {"space", (*blockModel).spaceDepth, 2}, {"windows", (*blockModel).rollBlock, 2}, {"spatial", (*blockModel).spatialGate, 2},
		{"through tokens", (*blockModel).throughTokens, 2}, {"dense", (*blockModel).dense, 0}, {"wide", (*blockModel).wide, 0}, {"wide", (*blockModel).wide, 0},
		{"grouped", (*blockModel).grouped, 0}, {"grouped", (*blockModel).grouped, 0},
		{"body", (*blockModel).bodied, 0},
	}
}

func (m *blockModel) picture(x blockValue) blockValue {
	for {
		b := pictureBlocks[m.r.IntN(len(pictureBlocks))]
		if b.rank == 0 || b.rank == x.rank()-2 {
			m.say("%s %v", b.name, x.shape)
			return b.f(m, x)
		}
	}
}

// residualBlock is one or two convolutions, and x added.
func (m *blockModel) residualBlock(x blockValue) blockValue {
	y := x
	c := x.channels()
	inner := m.one(c, max(1, c/2), 2*c)
	if m.chance(60) {
		y = m.after(m.same(y, inner, m.one(1, 3, 3)))
	}
	y = m.same(y, c, m.one(1, 3, 3))
	if y.channels() != c {
		return y
	}
	if m.chance(50) {
		y = m.batchNorm(y)
	}
	if m.chance(20) {
		y = m.binary("Mul", y, blockValue{m.number(0.3), nil})
	}
	if m.chance(20) {
		y = m.perChannel(y)
	}
	y = m.binary("Add", y, x)
	return m.after(y)
}

// inverted is an expansion, a depthwise convolution, a gate and a projection.
func (m *blockModel) inverted(x blockValue) blockValue {
	c, rank := x.channels(), x.rank()-2
	y := m.after(m.same(x, min(c*m.one(1, 2, 4, 6), 300), 1))
	k := m.one(3, 3, 5, 7)
	y = m.after(m.conv(y, convSpec{out: y.channels(), group: y.channels(), kernel: times(k, rank), stride: m.one(1, 1, 2), dil: 1, pads: times(k/2, 2*rank)}))
	if m.chance(40) {
		y = m.gate(y)
	}
	z := m.same(y, m.one(c, c, 24, 40), 1)
	if m.chance(60) {
		z = m.batchNorm(z)
	}
	if z.shape.Equal(x.shape) {
		z = m.binary("Add", z, x)
	}
	return m.after(z)
}

// branchBlock joins what several branches make of x.
func (m *blockModel) branchBlock(x blockValue) blockValue {
	var parts []blockValue
	for range 2 + m.r.IntN(3) {
		y := x
		switch m.r.IntN(6) {
		case 0:
		case 1:
			y = m.pool(x, "MaxPool", times(3, x.rank()-2), 1, 1)
		case 2:
			y = m.pool(x, "AveragePool", times(3, x.rank()-2), 1, 1)
		default:
			y = m.after(m.same(x, widths[m.r.IntN(16)], m.one(1, 1, 3)))
			if m.chance(40) {
				y = m.after(m.same(y, widths[m.r.IntN(16)], 3))
			}
		}
		parts = append(parts, y)
	}
	if m.chance(30) {
		c := parts[0].channels()
		y := parts[0]
		for _, p := range parts[1:] {
			if p.channels() == c && p.shape.Equal(y.shape) {
				y = m.binary("Add", y, p)
			}
		}
		return m.after(y)
	}
	return m.after(m.concat(1, parts...))
}

// dense gathers the results of layer after layer.
func (m *blockModel) dense(x blockValue) blockValue {
	for range 2 + m.r.IntN(3) {
		y := x
		if m.chance(60) {
			y = m.activate(m.batchNorm(x))
		}
		x = m.concat(1, x, m.after(m.same(y, m.one(1, 3, 8, 12, 16), m.one(1, 3))))
	}
	return x
}

// splitBlock treats parts of the channels apart.
func (m *blockModel) splitBlock(x blockValue) blockValue {
	c := x.channels()
	if c < 2 {
		return m.convLayer(x)
	}
	a := 1 + m.r.IntN(c-1)
	if m.chance(60) {
		a = c / 2
	}
	var parts []blockValue
	if m.chance(60) {
		parts = m.split(x, 1, a, c-a)
	} else {
		parts = []blockValue{m.slice(x, 1, 0, a, 1), m.slice(x, 1, a, c, 1)}
	}
	for i := range parts {
		switch m.r.IntN(4) {
		case 0:
			parts[i] = m.residualBlock(parts[i])
		case 1:
			parts[i] = m.after(m.same(parts[i], parts[i].channels(), 3))
		case 2:
			parts[i] = m.activate(parts[i])
		}
	}
	if parts[0].shape.Equal(parts[1].shape) && m.chance(25) { // gated linear units, maxout
		return m.binary([]string{"Mul", "Max", "Add"}[m.r.IntN(3)], parts[0], m.activate(parts[1]))
	}
	if !parts[0].shape[2:].Equal(parts[1].shape[2:]) {
		return parts[0]
	}
	if m.chance(30) {
		parts = append(parts, x)
		if !x.shape[2:].Equal(parts[0].shape[2:]) {
			parts = parts[:2]
		}
	}
	y := m.concat(1, parts...)
	if m.chance(40) {
		return m.shuffle(y)
	}
	return m.after(y)
}

// shuffle mixes groups of channels.
func (m *blockModel) shuffle(x blockValue) blockValue {
	c := x.channels()
	for _, g := range []int{2, 3, 4} {
		if c%g != 0 || m.dynamic == 2 {
			continue
		}
		rest := x.shape[2:]
		y := m.reshape(x, append([]int{x.shape[0], g, c / g}, rest...)...)
		perm := []int{0, 2, 1}
		for i := range rest {
			perm = append(perm, 3+i)
		}
		y = m.transpose(y, perm...)
		return m.after(m.reshape(y, x.shape...))
	}
	return m.after(x)
}

// mean takes the mean over space, to maps of one element.
func (m *blockModel) mean(x blockValue) blockValue {
	if m.chance(60) {
		op := []string{"GlobalAveragePool", "GlobalAveragePool", "GlobalMaxPool"}[m.r.IntN(3)]
		return m.op(op, "", append(x.shape[:2:2], ones(x.rank()-2)...), x.name)
	}
	var axes []int
	for i := 2; i < x.rank(); i++ {
		axes = append(axes, i)
	}
	return m.reduce([]string{"ReduceMean", "ReduceMean", "ReduceSum", "ReduceMax"}[m.r.IntN(4)], x, true, axes...)
}

// gate multiplies channels by what becomes of their means.
func (m *blockModel) gate(x blockValue) blockValue {
	c := x.channels()
	s := m.mean(x)
	squeezed := max(1, c/m.one(2, 4, 8))
	if m.chance(25) { // as rows of a matrix
		y := m.reshape(s, s.shape[0], c)
		if m.chance(50) {
			y = m.op("Flatten", "", tensor.Shape{s.shape[0], c}, s.name)
		}
		y = m.activate(m.linear(y, squeezed))
		y = m.activateGate(m.linear(y, c))
		var axes []int
		for i := 2; i < x.rank(); i++ {
			axes = append(axes, i)
		}
		s = m.unsqueeze(y, axes...)
	} else if m.chance(20) && x.rank() == 4 { // a convolution along the channels
		y := m.transpose(m.squeeze(s, 3), 0, 2, 1)
		s = m.unsqueeze(m.transpose(m.activateGate(m.same(y, 1, 3)), 0, 2, 1), 3)
	} else {
		if m.chance(80) {
			s = m.activate(m.same(s, squeezed, 1))
		}
		s = m.same(s, c, 1)
		if s.channels() != c {
			return x
		}
		s = m.activateGate(s)
	}
	y := m.op("Mul", "", x.shape, x.name, s.name)
	if m.chance(20) {
		y = m.binary("Add", y, x)
	}
	return m.after(y)
}

func (m *blockModel) activateGate(x blockValue) blockValue {
	switch m.r.IntN(5) {
	case 0:
		return m.like("HardSigmoid", "", x)
	case 1:
		return m.writtenOut(x, "Add x 3. a; Clip06 a c; Div c 6. y")
	case 2:
		return m.like("Softmax", "axis=1", x)
	}
	return m.like("Sigmoid", "", x)
}

// spatialGate multiplies pixels by what a convolution makes of mean and maximum over the channels.
func (m *blockModel) spatialGate(x blockValue) blockValue {
	y := m.concat(1, m.reduce("ReduceMean", x, true, 1), m.reduce("ReduceMax", x, true, 1))
	s := m.activateGate(m.same(y, 1, m.one(3, 7)))
	return m.after(m.op("Mul", "", x.shape, x.name, s.name))
}
