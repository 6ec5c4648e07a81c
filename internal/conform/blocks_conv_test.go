package conform_test

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// A convSpec is a convolution of some kind.
type convSpec struct {
	out, group  int
	kernel      []int
	stride, dil int
	pads        []int
	auto        string
}

func (m *blockModel) convLayer(x blockValue) blockValue { return m.after(m.conv(x, m.convSpec(x))) }

func (m *blockModel) convSpec(x blockValue) convSpec {
	c, rank := x.channels(), x.rank()-2
	s := convSpec{out: m.width(), group: 1, stride: m.one(1, 1, 1, 1, 2, 2, 3), dil: m.one(1, 1, 1, 1, 1, 2, 3)}
	switch m.r.IntN(8) {
	case 0, 1:
		s.group, s.out = c, c
	case 2:
		s.group, s.out = c, 2*c
	case 3:
		for _, g := range []int{2, 3, 4, 5, 8} {
			if c%g == 0 {
				s.group, s.out = g, g*m.one(1, 3, 8, 12)
			}
		}
	case 4:
		s.out = c
	}
	same := m.one(1, 1, 2, 3, 3, 3, 3, 4, 5, 5, 7)
	for range rank {
		if m.chance(85) {
			s.kernel = append(s.kernel, same)
		} else {
			s.kernel = append(s.kernel, m.one(1, 2, 3, 5, 9))
		}
	}
	switch m.r.IntN(8) {
	case 0:
		s.auto = []string{"SAME_UPPER", "SAME_LOWER", "VALID"}[m.r.IntN(3)]
	case 1:
		for i := range 2 * rank {
			s.pads = append(s.pads, m.r.IntN(s.kernel[i%rank]+1))
		}
	case 2:
		s.pads = make([]int, 2*rank)
	default:
		for i := range 2 * rank {
			s.pads = append(s.pads, (s.kernel[i%rank]-1)*s.dil/2)
		}
	}
	if s.auto != "" {
		s.dil = 1 // other runtimes take no more
	}
	return s
}

// conv adds a convolution, with smaller attributes where the map is too small or the work too much.
func (m *blockModel) conv(x blockValue, s convSpec) blockValue {
	c, rank := x.channels(), x.rank()-2
	shape := tensor.Shape{x.shape[0], s.out}
	ops := float64(x.shape[0]*s.out) * float64(c/s.group)
	for i := range rank {
		n, k := x.shape[2+i], s.dil*(s.kernel[i]-1)+1
		switch {
		case s.auto == "VALID" || s.pads == nil && s.auto == "":
		case s.auto != "":
			shape = append(shape, (n+s.stride-1)/s.stride)
			ops *= float64(shape[2+i] * s.kernel[i])
			continue
		default:
			n += s.pads[i] + s.pads[rank+i]
		}
		if n < k {
			return m.conv(x, convSpec{out: s.out, group: s.group, kernel: ones(rank), stride: 1, dil: 1})
		}
		shape = append(shape, (n-k)/s.stride+1)
		ops *= float64(shape[2+i] * s.kernel[i])
	}
	if ops > m.work && s.out > s.group {
		s.out = max(1, s.out/s.group/2) * s.group
		return m.conv(x, s)
	}
	attrs := ""
	if s.group > 1 || m.chance(20) {
		attrs += fmt.Sprintf(" group=%d", s.group)
	}
	if s.stride > 1 || m.chance(20) {
		attrs += " strides=" + list(times(s.stride, rank)...)
	}
	if s.dil > 1 || m.chance(20) {
		attrs += " dilations=" + list(times(s.dil, rank)...)
	}
	if s.auto != "" {
		attrs += " auto_pad=" + s.auto
	} else if s.pads != nil {
		attrs += " pads=" + list(s.pads...)
	}
	if m.chance(50) {
		attrs += " kernel_shape=" + list(s.kernel...)
	}
	taps := c / s.group
	for _, k := range s.kernel {
		taps *= k
	}
	ins := []string{x.name, m.matrix(taps, append([]int{s.out, c / s.group}, s.kernel...)...)}
	if m.chance(50) {
		ins = append(ins, m.weight(-0.5, 0.5, s.out))
	}
	m.say(" conv %v g%d k%v s%d d%d p%v%s", shape, s.group, s.kernel, s.stride, s.dil, s.pads, s.auto)
	return m.op("Conv", attrs, shape, ins...)
}

func times(n, count int) []int {
	out := make([]int, count)
	for i := range out {
		out[i] = n
	}
	return out
}

func ones(n int) []int { return times(1, n) }

// same is a convolution that keeps the map, to a number of channels.
func (m *blockModel) same(x blockValue, out, k int) blockValue {
	rank := x.rank() - 2
	s := convSpec{out: out, group: 1, kernel: times(k, rank), stride: 1, dil: 1}
	if k > 1 {
		s.pads = times(k/2, 2*rank)
	}
	return m.conv(x, s)
}

func (m *blockModel) poolLayer(x blockValue) blockValue {
	op := []string{"MaxPool", "MaxPool", "AveragePool", "AveragePool", "LpPool"}[m.r.IntN(5)]
	rank := x.rank() - 2
	k := m.one(1, 2, 2, 3, 3, 5)
	return m.after(m.pool(x, op, times(k, rank), m.one(1, 2, 2, 3), m.one(0, k/2)))
}

// pool adds a pool; where the window is larger than the map the result is x.
func (m *blockModel) pool(x blockValue, op string, kernel []int, stride, pad int) blockValue {
	shape := x.shape[:2:2].Clone()
	ceil := m.chance(20) && m.opset >= 10 && op != "LpPool"
	for i, k := range kernel {
		n := x.shape[2+i] + 2*pad - k
		if n < 0 || pad >= k || m.dynamic == 2 && ceil {
			return x
		}
		if ceil {
			n += stride - 1
		}
		out := n/stride + 1
		if ceil && (out-1)*stride >= x.shape[2+i]+pad {
			out--
		}
		shape = append(shape, out)
	}
	attrs := fmt.Sprintf("kernel_shape=%s strides=%s", list(kernel...), list(times(stride, len(kernel))...))
	if pad > 0 || m.chance(20) {
		attrs += " pads=" + list(times(pad, 2*len(kernel))...)
	}
	if ceil {
		attrs += " ceil_mode=1"
	}
	if op == "AveragePool" && m.chance(40) {
		attrs += " count_include_pad=1"
	}
	return m.op(op, attrs, shape, x.name)
}

func (m *blockModel) convTranspose(x blockValue) blockValue {
	c, rank := x.channels(), x.rank()-2
	out, group, stride, k := m.width(), 1, m.one(1, 2, 2, 2, 3), m.one(1, 2, 2, 3, 4, 4, 5)
	pad, dil, more := m.r.IntN(k), m.one(1, 1, 1, 2), 0
	if m.chance(20) {
		group, out = c, c*m.one(1, 1, 2)
	} else if c%2 == 0 && m.chance(20) {
		group, out = 2, 2*out
	}
	if m.chance(30) {
		more = m.r.IntN(max(stride, dil))
	}
	ops := float64(x.shape[0]) * float64(c) * float64(out/group)
	shape := tensor.Shape{x.shape[0], out}
	for i := range rank {
		n := stride*(x.shape[2+i]-1) + more + dil*(k-1) + 1 - 2*pad
		if n < 1 {
			return m.convLayer(x)
		}
		shape = append(shape, n)
		ops *= float64(x.shape[2+i] * k)
	}
	if ops > m.work {
		return m.convLayer(x)
	}
	attrs := fmt.Sprintf("group=%d strides=%s pads=%s", group, list(times(stride, rank)...), list(times(pad, 2*rank)...))
	if dil > 1 {
		attrs += " dilations=" + list(times(dil, rank)...)
	}
	if more > 0 {
		attrs += " output_padding=" + list(times(more, rank)...)
	}
	taps := int(float64(c/group) * math.Pow(float64(k)/float64(stride), float64(rank)))
	ins := []string{x.name, m.matrix(taps, append([]int{c, out / group}, times(k, rank)...)...)}
	if m.chance(50) {
		ins = append(ins, m.weight(-0.5, 0.5, out))
	}
	m.say(" transposed %v %s", shape, attrs)
	return m.after(m.op("ConvTranspose", attrs, shape, ins...))
}
