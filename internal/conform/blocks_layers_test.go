package conform_test

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// linear is a Gemm.
func (m *blockModel) linear(x blockValue, out int) blockValue {
	attrs := ""
	shape := []int{x.last(), out}
	if m.chance(60) {
		attrs, shape = "transB=1", []int{out, x.last()}
	}
	if m.chance(15) {
		attrs += " alpha=0.5"
	}
	ins := []string{x.name, m.matrix(x.last(), shape...)}
	if m.chance(70) {
		if m.chance(15) {
			attrs += " beta=0.3"
		}
		bias := [][]int{{out}, {out}, {out}, {1, out}, {1}, {1, 1}}[m.r.IntN(6)]
		ins = append(ins, m.weight(-0.5, 0.5, bias...))
	} else if m.opset < 11 {
		ins = append(ins, m.weight(-0.5, 0.5, out))
	}
	return m.op("Gemm", attrs, tensor.Shape{x.shape[0], out}, ins...)
}

// matmul multiplies the last axis by a matrix, as some exporters write it.
func (m *blockModel) matmul(x blockValue, out int) blockValue {
	d := x.last()
	shape := append(x.shape[:x.rank()-1:x.rank()-1], out)
	var y blockValue
	switch k := m.r.IntN(12); {
	case k == 0 && x.rank() == 3 && m.dynamic < 2: // rows of a matrix
		y = m.reshape(x, x.shape[0]*x.shape[1], d)
		y = m.linear(y, out)
		if m.chance(50) {
			y = m.after(y)
		}
		y = m.reshape(y, shape...)
	case k == 1: // from the left, transposed
		perm := make([]int, x.rank())
		for i := range perm {
			perm[i] = i
		}
		perm[x.rank()-1], perm[x.rank()-2] = x.rank()-2, x.rank()-1
		t := m.transpose(x, perm...)
		y = m.op("MatMul", "", append(append(tensor.Shape{}, t.shape[:t.rank()-2]...), out, t.last()), m.matrix(d, out, d), t.name)
		y = m.transpose(y, perm...)
	case k == 2:
		y = m.op("MatMul", "", shape, x.name, m.matrix(d, append(ones(x.rank()-2), d, out)...))
	default:
		y = m.op("MatMul", "", shape, x.name, m.matrix(d, d, out))
	}
	if m.chance(60) {
		y = m.binary("Add", y, blockValue{m.weight(-0.5, 0.5, out), nil})
	}
	if x.rank() == 3 && m.dynamic < 2 && m.chance(15) { // a normalisation that is for rows
		y = m.batchNorm(m.reshape(y, x.shape[0]*x.shape[1], out))
		y = m.reshape(y, shape...)
	}
	return y
}

// norm normalises the last axis.
func (m *blockModel) norm(x blockValue) blockValue {
	d := x.last()
	switch k := m.r.IntN(6); {
	case k < 2 && m.opset >= 17:
		ins := []string{m.weight(0.5, 1.5, d)}
		if m.chance(80) {
			ins = append(ins, m.weight(-0.5, 0.5, d))
		}
		return m.like("LayerNormalization", "epsilon=0.01 axis=-1", x, ins...)
	case k == 2 && m.opset >= 23:
		return m.like("RMSNormalization", "epsilon=0.01", x, m.weight(0.5, 1.5, d))
	case k == 3 || k == 2: // root mean square
		var q blockValue
		if m.chance(50) {
			q = m.like("Pow", "", x, m.scalar(2))
		} else {
			q = m.like("Mul", "", x, x.name)
		}
		v := m.reduce("ReduceMean", q, true, -1)
		v = m.like("Sqrt", "", m.binary("Add", v, blockValue{m.number(0.01), nil}))
		var y blockValue
		if m.chance(50) {
			y = m.like("Div", "", x, v.name)
		} else {
			y = m.binary("Mul", x, m.like("Reciprocal", "", v))
		}
		return m.binary("Mul", y, blockValue{m.weight(0.5, 1.5, d), nil})
	case k == 4:
		return m.like("Softmax", fmt.Sprintf("axis=%d", x.rank()-1), x)
	}
	mean := m.reduce("ReduceMean", x, true, -1)
	c := m.like("Sub", "", x, mean.name)
	e := c
	if m.chance(40) {
		e = m.like("Sub", "", x, mean.name)
	}
	q := m.like("Pow", "", e, m.scalar(2))
	if m.chance(30) {
		q = m.like("Mul", "", e, e.name)
	}
	v := m.reduce("ReduceMean", q, true, -1)
	s := m.like("Sqrt", "", m.binary("Add", v, blockValue{m.scalar(0.01), nil}))
	y := m.like("Div", "", c, s.name)
	if m.chance(80) {
		y = m.binary("Mul", y, blockValue{m.weight(0.5, 1.5, d), nil})
		if m.chance(80) {
			y = m.binary("Add", y, blockValue{m.weight(-0.5, 0.5, d), nil})
		}
	}
	return y
}

// recurrent is a layer of LSTM, GRU or RNN.
func (m *blockModel) recurrent(x blockValue) blockValue {
	n, t, d := x.shape[0], x.shape[1], x.last()
	op, gates := "LSTM", 4
	if k := m.r.IntN(3); k == 1 {
		op, gates = "GRU", 3
	} else if k == 2 {
		op, gates = "RNN", 1
	}
	h, dirs := m.one(1, 3, 7, 8, 16, 20, 33), 1
	attrs := fmt.Sprintf("hidden_size=%d", h)
	switch m.r.IntN(3) {
	case 0:
		dirs, attrs = 2, attrs+" direction=bidirectional"
	case 1:
		attrs += " direction=reverse"
	}
	if op == "GRU" && m.chance(60) {
		attrs += " linear_before_reset=1"
	}
	if m.chance(10) {
		attrs += " clip=0.8"
	}
	a := 1 / math.Sqrt(float64(h))
	y := m.transpose(x, 1, 0, 2)
	ins := []string{y.name, m.weight(-a, a, dirs, gates*h, d), m.weight(-a, a, dirs, gates*h, h), "", "", "", "", ""}
	if m.chance(70) {
		ins[3] = m.weight(-a, a, dirs, 2*gates*h)
	}
	if m.dynamic == 0 && m.chance(30) {
		lens := tensor.New(tensor.Int32, n)
		for i := range tensor.Of[int32](lens) {
			tensor.Of[int32](lens)[i] = int32(1 + m.r.IntN(t))
		}
		ins[4] = m.constant(lens)
	}
	if m.dynamic == 0 && m.chance(40) {
		ins[5] = m.weight(-1, 1, dirs, n, h)
	}
	outs := []string{m.name("y"), "", ""}
	if op == "LSTM" {
		if m.dynamic == 0 && m.chance(40) {
			ins[6] = m.weight(-1, 1, dirs, n, h)
		}
		if m.chance(20) {
			ins[7] = m.weight(-a, a, dirs, 3*h)
		}
	} else {
		ins = ins[:6]
	}
	if m.chance(50) {
		outs[1] = m.name("h")
		m.values = append(m.values, blockValue{outs[1], tensor.Shape{dirs, n, h}})
	}
	if op != "LSTM" {
		outs = outs[:2]
	} else if m.chance(50) {
		outs[2] = m.name("z")
		m.values = append(m.values, blockValue{outs[2], tensor.Shape{dirs, n, h}})
	}
	m.node(op, attrs, outs, ins...)
	all := blockValue{outs[0], tensor.Shape{t, dirs, n, h}}
	if dirs == 1 && m.chance(60) {
		return m.transpose(m.squeeze(all, 1), 1, 0, 2)
	}
	z := m.transpose(all, 2, 0, 1, 3)
	if m.dynamic == 2 {
		return m.op("Reshape", "", tensor.Shape{n, t, dirs * h}, z.name, m.ints(0, 0, -1))
	}
	return m.reshape(z, n, t, dirs*h)
}
