package conform_test

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// inside grows a body by f, which may use what is outside; what it makes cannot be used there.
func (m *blockModel) inside(f func()) *onnx.Graph {
	g, values, weights := m.g, m.values, m.weights
	m.g = &onnx.Graph{Name: m.name("body")}
	f()
	body := m.g
	m.g, m.values, m.weights = g, values[:len(values):len(values)], weights[:len(weights):len(weights)]
	return body
}

// bodied puts a block, or a few, into a branch or a loop.
func (m *blockModel) bodied(x blockValue) blockValue {
	if m.g != m.main || m.opset < 11 {
		return m.after(x)
	}
	block := m.picture
	if x.rank() == 3 {
		block = m.token
	}
	switch m.r.IntN(3) {
	case 0:
		return m.branch(x, block)
	case 1:
		return m.loop(x, block)
	}
	return m.scan(x)
}

// keeps is a block whose result has the shape of x.
func (m *blockModel) keeps(x blockValue, block func(blockValue) blockValue) blockValue {
	y := block(x)
	if !y.shape.Equal(x.shape) {
		y = m.activate(x)
	}
	return m.like("Tanh", "", y)
}

// declare makes a value an output of the body.
func (m *blockModel) declare(v blockValue) {
	typ := &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(m.elem)}
	m.g.Outputs = append(m.g.Outputs, &onnx.ValueInfo{Name: v.name, Type: typ})
}

// branch is an If, of a condition that is constant or depends on data.
func (m *blockModel) branch(x blockValue, block func(blockValue) blockValue) blockValue {
	var bodies [2]*onnx.Graph
	for i := range bodies {
		bodies[i] = m.inside(func() { m.declare(m.keeps(x, block)) })
	}
	var cond string
	if m.chance(30) {
		c := tensor.New(tensor.Bool)
		tensor.Of[bool](c)[0] = m.chance(50)
		cond = m.constant(c)
	} else {
		var axes []int
		for i := range x.rank() {
			axes = append(axes, i)
		}
		s := m.reduce("ReduceMax", x, false, axes...)
		m.values = m.values[:len(m.values)-1]
		cond = m.name("b")
		m.node("Greater", "", []string{cond}, s.name, m.scalar(1))
	}
	v := m.like("Identity", "", x)
	n := m.g.Nodes[len(m.g.Nodes)-1]
	n.OpType, n.Inputs = "If", []string{cond}
	n.Attributes = []*onnx.Attribute{onnx.NewGraph("then_branch", bodies[0]), onnx.NewGraph("else_branch", bodies[1])}
	return v
}

// loop is a Loop whose state is x, and which may gather what each round makes.
func (m *blockModel) loop(x blockValue, block func(blockValue) blockValue) blockValue {
	rounds := m.one(0, 1, 2, 3)
	body := m.inside(func() {
		i, c, s := m.name("i"), m.name("b"), blockValue{m.name("s"), x.shape}
		m.g.Inputs = append(m.g.Inputs, &onnx.ValueInfo{Name: i, Type: onnx.NewTensorType(tensor.Int64)}, &onnx.ValueInfo{Name: c, Type: onnx.NewTensorType(tensor.Bool)})
		m.takes(s)
		m.values = append(m.values, s)
		y := m.keeps(s, block)
		next := m.name("b")
		m.node("Identity", "", []string{next}, c)
		m.g.Outputs = append(m.g.Outputs, &onnx.ValueInfo{Name: next, Type: onnx.NewTensorType(tensor.Bool)})
		m.declare(y)
	})
	v := m.like("Identity", "", x)
	n := m.g.Nodes[len(m.g.Nodes)-1]
	n.OpType, n.Inputs = "Loop", []string{m.constant(scalar64(int64(rounds))), "", x.name}
	n.Attributes = []*onnx.Attribute{onnx.NewGraph("body", body)}
	// constants of the count stand behind the node where they are nodes themselves: in front with them
	if last := m.g.Nodes[len(m.g.Nodes)-1]; last != n {
		m.g.Nodes[len(m.g.Nodes)-2], m.g.Nodes[len(m.g.Nodes)-1] = last, n
	}
	m.say("loop of %d", rounds)
	return v
}

// unknown is a shape of the rank of x.
func unknown(x blockValue) (dims []onnx.Dim) {
	for i := range x.shape {
		dims = append(dims, onnx.NamedDim(fmt.Sprintf("u%d", i)))
	}
	return dims
}
