package conform_test

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// resize enlarges or reduces pictures.
func (m *blockModel) resize(x blockValue) blockValue {
	h, w := x.shape[2], x.shape[3]
	fh, fw := m.one(1, 2, 2, 2, 3), m.one(1, 2, 2, 2, 3)
	if m.chance(70) {
		fw = fh
	}
	if h*fh*w*fw*x.channels() > 200000 {
		return m.convLayer(x)
	}
	to := x.shape[:2:2].Clone()
	to = append(to, h*fh, w*fw)
	scales := func() string { return m.constant(tensor.FromSlice([]float32{1, 1, float32(fh), float32(fw)}, 4)) }
	mode := []string{"nearest", "nearest", "linear", "cubic"}[m.r.IntN(4)]
	if m.opset < 11 {
		if mode == "cubic" {
			mode = "nearest"
		}
		return m.after(m.op("Upsample", "mode="+mode, to, x.name, scales()))
	}
	attrs := "mode=" + mode
	how := []string{"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"}[m.r.IntN(4)]
	attrs += " coordinate_transformation_mode=" + how
	if mode == "nearest" {
		attrs += " nearest_mode=" + []string{"floor", "round_prefer_floor", "ceil"}[m.r.IntN(3)]
	}
	none := ""
	if m.opset < 13 {
		none = m.constant(tensor.New(tensor.Float32, 0))
	}
	if m.dynamic == 0 && m.chance(40) { // sizes, of any ratio
		to[2], to[3] = max(1, to[2]-m.r.IntN(h)), max(1, to[3]-m.r.IntN(w))
		empty := ""
		if m.opset < 13 {
			empty = m.constant(tensor.New(tensor.Float32, 0))
		}
		return m.after(m.op("Resize", attrs, to, x.name, none, empty, m.ints(to...)))
	}
	return m.after(m.op("Resize", attrs, to, x.name, none, scales()))
}

// pictureNorm normalises by the statistics of the picture.
func (m *blockModel) pictureNorm(x blockValue) blockValue {
	c, rank := x.channels(), x.rank()
	switch k := m.r.IntN(5); {
	case k == 0:
		return m.after(m.like("InstanceNormalization", "epsilon=0.01", x, m.weight(0.5, 1.5, c), m.weight(-0.5, 0.5, c)))
	case k == 1 && m.opset >= 21:
		g := 1
		if c%2 == 0 {
			g = 2
		}
		return m.after(m.like("GroupNormalization", fmt.Sprintf("num_groups=%d epsilon=0.01", g), x, m.weight(0.5, 1.5, c), m.weight(-0.5, 0.5, c)))
	case k == 2 && m.dynamic < 2: // group normalisation as exporters write it
		g := 1
		if c%4 == 0 {
			g = 4
		}
		y := m.reshape(x, x.shape[0], g, c/g*tensor.Shape(x.shape[2:]).Len())
		y = m.like("InstanceNormalization", "epsilon=0.01", y, m.constant(m.as(tensor.FromSlice(filled(g, 1), g))), m.constant(m.as(tensor.FromSlice(filled(g, 0), g))))
		y = m.reshape(y, x.shape...)
		shape := append([]int{c}, ones(rank-2)...)
		y = m.binary("Mul", y, blockValue{m.weight(0.5, 1.5, shape...), nil})
		return m.after(m.binary("Add", y, blockValue{m.weight(-0.5, 0.5, shape...), nil}))
	case k == 3:
		return m.after(m.like("LRN", "size=3 alpha=0.1", x))
	}
	// over the channels, which go last for it
	to, back := []int{0}, []int{0, rank - 1}
	for i := 2; i < rank; i++ {
		to, back = append(to, i), append(back, i-1)
	}
	y := m.norm(m.transpose(x, append(to, 1)...))
	if m.chance(40) {
		y = m.after(m.matmul(y, m.one(c, 2*c, 33)))
		if m.chance(60) {
			y = m.after(m.matmul(y, c))
		}
	}
	z := m.transpose(y, back...)
	if z.shape.Equal(x.shape) && m.chance(50) {
		z = m.binary("Add", z, x)
	}
	return m.after(z)
}

func filled(n int, x float32) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// focus joins every second pixel's neighbours.
func (m *blockModel) focus(x blockValue) blockValue {
	h, w := x.shape[2], x.shape[3]
	if h%2 != 0 || w%2 != 0 || m.opset < 10 || m.dynamic == 2 {
		return m.convLayer(x)
	}
	var parts []blockValue
	for i := range 4 {
		y := m.slice(x, 2, i%2, h, 2)
		parts = append(parts, m.slice(y, 3, i/2, w, 2))
	}
	if m.chance(20) {
		parts[1], parts[2] = parts[2], parts[1]
	}
	y := m.concat(1, parts...)
	return m.after(m.conv(y, convSpec{out: m.one(8, 17, 32), group: 1, kernel: times(m.one(1, 3, 3), 2), stride: m.one(1, 1, 2), dil: 1, pads: times(1, 4)}))
}

// padLayer pads in front of a convolution or pool.
func (m *blockModel) padLayer(x blockValue) blockValue {
	var p [4]int
	for i := range p {
		p[i] = m.r.IntN(3)
	}
	mode := []string{"constant", "constant", "reflect", "edge"}[m.r.IntN(4)]
	if mode == "reflect" && (x.shape[2] < 3 || x.shape[3] < 3) {
		mode = "edge"
	}
	shape := tensor.Shape{x.shape[0], x.channels(), x.shape[2] + p[0] + p[2], x.shape[3] + p[1] + p[3]}
	pads := []int{0, 0, p[0], p[1], 0, 0, p[2], p[3]}
	var y blockValue
	switch {
	case m.opset < 11:
		y = m.op("Pad", fmt.Sprintf("mode=%s pads=%s", mode, list(pads...)), shape, x.name)
	case m.chance(30):
		y = m.op("Pad", "mode="+mode, shape, x.name, m.ints(pads...), m.scalar(float64(m.one(0, 0, 1))))
	default:
		y = m.op("Pad", "mode="+mode, shape, x.name, m.ints(pads...))
	}
	if m.chance(25) {
		return m.poolLayer(y)
	}
	return m.convLayer(y)
}

// spaceDepth moves pixels to channels, or back.
func (m *blockModel) spaceDepth(x blockValue) blockValue {
	n, c, h, w := x.shape[0], x.channels(), x.shape[2], x.shape[3]
	switch {
	case c%4 == 0:
		mode := []string{"DCR", "CRD"}[m.r.IntN(2)]
		attrs := "blocksize=2"
		if m.opset >= 11 {
			attrs += " mode=" + mode
		}
		return m.after(m.op("DepthToSpace", attrs, tensor.Shape{n, c / 4, 2 * h, 2 * w}, x.name))
	case h%2 == 0 && w%2 == 0 && m.dynamic < 2:
		return m.after(m.op("SpaceToDepth", "blocksize=2", tensor.Shape{n, 4 * c, h / 2, w / 2}, x.name))
	}
	return m.convLayer(x)
}

// rollBlock rolls a picture, treats windows of it, and rolls it back.
func (m *blockModel) rollBlock(x blockValue) blockValue {
	n, c, h, w := x.shape[0], x.channels(), x.shape[2], x.shape[3]
	if m.dynamic == 2 || h < 2 || w < 2 || h*w*c > 30000 {
		return m.convLayer(x)
	}
	y := m.transpose(x, 0, 2, 3, 1)
	if m.chance(50) {
		y = m.norm(y)
	}
	shift := 1 + m.r.IntN(min(h, w)-1)
	roll := m.chance(60)
	if roll {
		y = m.roll(m.roll(y, 1, shift), 2, shift)
	}
	size := m.one(2, 3, 4, 7)
	if h%size != 0 || w%size != 0 {
		size = 1
	}
	y = m.reshape(y, n, h/size, size, w/size, size, c)
	y = m.transpose(y, 0, 1, 3, 2, 4, 5)
	rows := n * h * w / size / size
	if m.dynamic == 0 {
		t := m.reshape(y, rows, size*size, c)
		t = m.attention(t)
		y = m.reshape(t, n, h/size, w/size, size, size, c)
	}
	y = m.transpose(y, 0, 1, 3, 2, 4, 5)
	y = m.reshape(y, n, h, w, c)
	if roll {
		y = m.roll(m.roll(y, 1, h-shift), 2, w-shift)
	}
	return m.after(m.transpose(y, 0, 3, 1, 2))
}

// roll moves an axis by some places.
func (m *blockModel) roll(x blockValue, axis, by int) blockValue {
	return m.concat(axis, m.slice(x, axis, by, x.shape[axis], 1), m.slice(x, axis, 0, by, 1))
}

// throughTokens treats pixels as a sequence.
func (m *blockModel) throughTokens(x blockValue) blockValue {
	n, c, h, w := x.shape[0], x.channels(), x.shape[2], x.shape[3]
	if m.dynamic == 2 || h*w > 400 {
		return m.convLayer(x)
	}
	t := m.transpose(m.reshape(x, n, c, h*w), 0, 2, 1)
	for range 1 + m.r.IntN(2) {
		t = m.token(t)
	}
	if t.rank() != 3 || t.shape[1] != h*w {
		return t
	}
	return m.after(m.reshape(m.transpose(t, 0, 2, 1), n, t.last(), h, w))
}

// head classifies.
func (m *blockModel) head(x blockValue) blockValue {
	y := m.mean(x)
	if m.chance(50) {
		y = m.reshape(y, y.shape[0], y.channels())
	} else {
		y = m.op("Flatten", "axis=1", tensor.Shape{y.shape[0], y.channels()}, y.name)
	}
	for range 1 + m.r.IntN(2) {
		y = m.after(m.linear(y, m.one(1, 3, 10, 33, 100)))
	}
	if m.chance(40) {
		y = m.like([]string{"Softmax", "LogSoftmax"}[m.r.IntN(2)], "axis=1", y)
	}
	return y
}
