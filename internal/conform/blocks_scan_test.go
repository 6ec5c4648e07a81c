package conform_test

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
)

// scan is a Scan along an axis of x, but the batch: its body joins each slice with a state of the shape of a slice, and its
// results are stacked to the shape of x. The last state may be added to all of them.
func (m *blockModel) scan(x blockValue) blockValue {
	axis := 1 + m.r.IntN(x.rank()-1)
	first := m.reduce([]string{"ReduceMean", "ReduceMax"}[m.r.IntN(2)], x, false, axis)
	var second blockValue
	both := m.chance(30)
	if both {
		second = m.activate(x)
	}
	body := m.inside(func() {
		state, slice := blockValue{m.name("s"), first.shape}, blockValue{m.name("x"), first.shape}
		m.takes(state)
		m.takes(slice)
		m.values = append(m.values, state, slice)
		v := m.activate(slice)
		if both {
			other := blockValue{m.name("x"), first.shape}
			m.takes(other)
			m.values = append(m.values, other)
			v = m.binary("Mul", v, other)
		}
		if v.rank() == 3 {
			v = m.keeps(v, m.token)
		}
		next := m.like("Tanh", "", m.binary([]string{"Add", "Sub", "Mul"}[m.r.IntN(3)], state, v))
		m.declare(next)
		if m.chance(30) {
			m.declare(m.activate(v))
		} else {
			m.declare(m.like("Identity", "", next))
		}
	})
	ins, attrs := []string{first.name, x.name}, "num_scan_inputs=1"
	axes, ways := m.axis(axis, x.rank()), fmt.Sprint(m.r.IntN(2))
	if both {
		ins, attrs = append(ins, second.name), "num_scan_inputs=2"
		axes, ways = fmt.Sprint(axes, ",", m.axis(axis, x.rank())), fmt.Sprint(ways, ",", m.r.IntN(2))
	}
	attrs += fmt.Sprintf(" scan_input_axes=%s, scan_input_directions=%s, scan_output_axes=%s, scan_output_directions=%d,", axes, ways, m.axis(axis, x.rank()), m.r.IntN(2))
	last, all := blockValue{m.name("v"), first.shape}, blockValue{m.name("v"), x.shape}
	m.node("Scan", attrs, []string{last.name, all.name}, ins...)
	n := m.g.Nodes[len(m.g.Nodes)-1]
	n.Attributes = append(n.Attributes, onnx.NewGraph("body", body))
	m.values = append(m.values, last, all)
	m.say("scan of axis %d: %s", axis, attrs)
	if m.chance(50) {
		return m.op("Add", "", x.shape, all.name, m.unsqueeze(last, axis).name)
	}
	return all
}

// axis writes an axis of a rank from the front or from the back.
func (m *blockModel) axis(axis, rank int) string {
	if m.chance(50) {
		axis -= rank
	}
	return fmt.Sprint(axis)
}

// takes makes a value an input of the body, whose sizes may not be declared.
func (m *blockModel) takes(v blockValue) {
	typ := onnx.NewTensorType(m.elem)
	typ.HasShape = false
	if m.chance(50) {
		typ = onnx.NewTensorType(m.elem, unknown(v)...)
	}
	m.g.Inputs = append(m.g.Inputs, &onnx.ValueInfo{Name: v.name, Type: typ})
}
