package conform_test

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// codeWeights are codes of a filter or matrix, at most 15 from their zero point; scales and zero points are of all, or of each element of an axis.
type codeWeights struct {
	d      tensor.DType
	codes  string
	scales []float64 // exponents
	zeros  []float64
	shape  tensor.Shape
	axis   int
}

func (m *codeModel) weights(axis int, shape ...int) codeWeights {
	w := codeWeights{d: tensor.Int8, scales: []float64{5}, zeros: []float64{0}, shape: shape, axis: -1}
	if m.chance(40) {
		w.d, w.zeros = tensor.Uint8, []float64{float64(m.one(0, 100, 128))}
	} else if m.chance(20) {
		w.zeros[0] = 3
	}
	if axis >= 0 && m.opset >= 13 && m.chance(50) {
		w.axis = axis
		w.scales, w.zeros = make([]float64, shape[axis]), slices.Repeat(w.zeros, shape[axis])
		for i := range w.scales {
			w.scales[i] = float64(4 + m.r.IntN(3))
		}
	}
	codes := make([]float64, w.shape.Len())
	for i := range codes {
		codes[i] = w.zeros[0] + float64(m.r.IntN(31)-15)
		if w.d == tensor.Uint8 {
			codes[i] = max(codes[i], 0)
		}
	}
	w.codes = m.codesOf(w.d, codes, shape...)
	return w
}

// meaning returns the names of scale and zero point.
func (w *codeWeights) meaning(m *codeModel) []string {
	shape := []int{}
	if w.axis >= 0 {
		shape = []int{len(w.scales)}
	}
	s := make([]float32, len(w.scales))
	for i, e := range w.scales {
		s[i] = float32(math.Exp2(-e))
	}
	return []string{m.constant(tensor.FromSlice(s, shape...)), m.codesOf(w.d, w.zeros, shape...)}
}

func (w *codeWeights) numbers(m *codeModel) string {
	attrs := ""
	if w.axis >= 0 {
		attrs = fmt.Sprintf("axis=%d", w.axis)
	}
	return m.op("DequantizeLinear", attrs, w.shape, append([]string{w.codes}, w.meaning(m)...)...).name
}

// halves is a bias of odd multiples of half of what products are multiples of, so that no sum lies in the middle of two codes.
func (m *codeModel) halves(exp, n int) string {
	b := make([]float32, n)
	for i := range b {
		b[i] = float32(2*m.r.IntN(200)-201) * float32(math.Exp2(-float64(exp+1)))
	}
	return m.constant(tensor.FromSlice(b, n))
}

// sumsTo is what codes of sums of n products stand for: steps are no finer than the products.
func (m *codeModel) sumsTo(x coded, n int) coded {
	size := 8 * max(x.size, 1) * math.Sqrt(float64(n))
	up := int(math.Log2(size/30)) + m.one(-1, 0, 0, 1)
	to := m.target(x, x.exp+5-max(up, 0))
	to.size = min(100, math.Ldexp(size, -max(up, 0)))
	return to
}

// filter is a convolution: of numbers, of codes, or to whole numbers.
func (m *codeModel) filter(x coded) coded {
	c, rank := x.channels(), x.rank()-2
	group, out := 1, m.one(1, 3, 8, 16, 17, 32, 40)
	if m.chance(30) {
		group, out = c, c*m.one(1, 1, 2)
	}
	k, stride, dil := m.one(1, 1, 2, 3, 3, 3, 5), m.one(1, 1, 1, 2), m.one(1, 1, 1, 2)
	pad := m.one(0, k/2, dil*(k-1)/2)
	shape, taps := tensor.Shape{x.shape[0], out}, c/group
	for i := range rank {
		n := x.shape[2+i] + 2*pad - dil*(k-1) - 1
		if n < 0 {
			return m.again(x)
		}
		shape, taps = append(shape, n/stride+1), taps*k
	}
	attrs := fmt.Sprintf("group=%d strides=%s dilations=%s pads=%s", group, list(times(stride, rank)...), list(times(dil, rank)...), list(times(pad, 2*rank)...))
	kind := m.r.IntN(4)
	axis := 0
	if kind == 3 {
		axis = -1
	}
	w := m.weights(axis, append([]int{out, c / group}, times(k, rank)...)...)
	to := m.sumsTo(x, taps)
	m.say("filter %d %v to %v %s", kind, x.shape, shape, attrs)
	switch kind {
	case 2:
		ins := slices.Concat([]string{x.name}, m.meaning(x.d, x.exp, x.zero), []string{w.codes}, w.meaning(m), m.meaning(to.d, to.exp, to.zero))
		if m.chance(60) {
			b := make([]float64, out)
			for i := range b {
				b[i] = float64(m.r.IntN(2000) - 1000)
			}
			ins = append(ins, m.codesOf(tensor.Int32, b, out))
		}
		to.blockValue = m.op("QLinearConv", attrs, shape, ins...)
		return to
	case 3:
		v := m.op("ConvInteger", attrs, shape, x.name, w.codes, m.meaning(x.d, x.exp, x.zero)[1], w.meaning(m)[1])
		v = m.like("Cast", "to=1", v)
		v = m.like("Mul", "", v, m.single(math.Exp2(-float64(x.exp)-w.scales[0]), m.chance(50)))
		b := tensor.FromSlice([]float32{float32(math.Ldexp(1, -x.exp-6))}, ones(rank+1)...)
		return m.codesLike(m.like("Add", "", v, m.constant(b)), to)
	}
	v := m.op("Conv", attrs, shape, m.numbers(x).name, w.numbers(m), m.halves(x.exp+6, out))
	if m.chance(40) {
		v = m.like("Relu", "", v)
	}
	return m.codesLike(v, to)
}

// product multiplies the last axis by a matrix.
func (m *codeModel) product(x coded) coded {
	n := m.one(1, 3, 8, 17, 31, 64)
	shape := x.shape.Clone()
	shape[x.rank()-1] = n
	kind := m.r.IntN(6)
	axis := 1
	if kind == 3 {
		axis = -1
	}
	w := m.weights(axis, x.last(), n)
	to := m.sumsTo(x, x.last())
	m.say("product %d %v to %v", kind, x.shape, shape)
	all := slices.Concat([]string{x.name}, m.meaning(x.d, x.exp, x.zero), []string{w.codes}, w.meaning(m))
	switch kind {
	case 2:
		to.blockValue = m.op("QLinearMatMul", "", shape, append(all, m.meaning(to.d, to.exp, to.zero)...)...)
		return to
	case 3:
		v := m.like("Cast", "to=1", m.op("MatMulInteger", "", shape, x.name, w.codes, all[2], w.meaning(m)[1]))
		v = m.like("Mul", "", v, m.single(math.Exp2(-float64(x.exp)-w.scales[0]), m.chance(50)))
		return m.codesLike(m.like("Add", "", v, m.single(math.Ldexp(1, -x.exp-6), false)), to)
	case 4:
		return m.codesLike(m.micro("MatMulIntegerToFloat", "", shape, x.name, w.codes, all[1], all[4], all[2], all[5], m.halves(x.exp+6, n)), to)
	case 5:
		if x.rank() == 2 {
			v := m.op("Gemm", "", shape, m.numbers(x).name, w.numbers(m), m.halves(x.exp+6, n))
			return m.codesLike(v, to)
		}
		return m.dynamicProduct(x, w, shape)
	}
	v := m.op("MatMul", "", shape, m.numbers(x).name, w.numbers(m))
	return m.codesLike(m.like("Add", "", v, m.halves(x.exp+6, n)), to)
}

// dynamicProduct finds the range of x, which is a power of two less a step, and multiplies codes.
func (m *codeModel) dynamicProduct(x coded, w codeWeights, shape tensor.Shape) coded {
	if m.opset < 11 || w.axis >= 0 {
		return m.again(x)
	}
	v := m.like("Clip", "", m.numbers(x), m.single(-127./8, false), m.single(128./8, false))
	names := []string{m.name("q"), m.name("s"), m.name("z")}
	m.node("DynamicQuantizeLinear", "", names, v.name)
	sums := m.like("Cast", "to=1", m.op("MatMulInteger", "", shape, names[0], w.codes, names[2], w.meaning(m)[1]))
	scale := m.op("Mul", "", nil, names[1], w.meaning(m)[0])
	y := m.like("Mul", "", sums, scale.name)
	m.out(y.name)
	return m.again(x)
}

// pooled takes the largest of a window, of codes or numbers, or the mean of as many elements as a power of two.
func (m *codeModel) pooled(x coded) coded {
	rank, k := x.rank()-2, m.one(1, 2, 2, 4)
	shape := x.shape[:2:2].Clone()
	stride := m.one(1, 2)
	for _, n := range x.shape[2:] {
		if n < k {
			return m.moved(x)
		}
		shape = append(shape, (n-k)/stride+1)
	}
	attrs := fmt.Sprintf("kernel_shape=%s strides=%s", list(times(k, rank)...), list(times(stride, rank)...))
	m.say("pooled %v %s", x.shape, strings.Fields(attrs)[0])
	if m.chance(30) && m.opset >= 12 {
		x.blockValue = m.op("MaxPool", attrs, shape, x.name)
		return x
	}
	to := m.target(x, x.exp)
	if m.chance(30) {
		to.d, to.zero = x.d, 11
		ins := slices.Concat([]string{x.name}, m.meaning(x.d, x.exp, x.zero), m.meaning(to.d, to.exp, to.zero))
		to.blockValue = m.micro("QLinearAveragePool", attrs, shape, ins...)
		return to
	}
	return m.codesLike(m.op([]string{"AveragePool", "MaxPool"}[m.r.IntN(2)], attrs, shape, m.numbers(x).name), to)
}
