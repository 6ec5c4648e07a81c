package autodiff

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// formal returns a value that the body of the scan takes.
func (b *backward) formal(name string, t ops.Type) *graph.Value {
	return &graph.Value{Name: b.name(name), Value: ops.Value{Type: t}}
}

// gradients emits, into the copy of the body, the gradients of what the round takes from those of what it returns.
func (b *backward) gradients() error {
	l, g := b.l, b.graph
	ask := Request{Stop: b.captures}
	var ins []*graph.Value
	for _, k := range b.active {
		in := b.formal("carried", l.out(g, k).Type)
		ins = append(ins, in)
		ask.X, ask.Y, ask.Dy = append(ask.X, l.in(g, k)), append(ask.Y, l.out(g, k)), append(ask.Dy, in)
	}
	for j := range l.outAxes {
		if dy := b.dy[l.carried+j]; dy != nil {
			y := l.out(g, l.carried+j)
			slice := b.formal("slice", y.Type)
			b.scan.walk(dy, slice, l.outAxes[j], 1-l.outBack[j])
			ask.Y, ask.Dy = append(ask.Y, y), append(ask.Dy, slice)
		}
	}
	for _, i := range b.slices {
		ask.X = append(ask.X, l.slice(g, i))
	}
	ask.X = append(ask.X, b.around...)
	dx, err := b.partial(ask)
	if err != nil {
		return err
	}
	for i, k := range b.active {
		if dx[i] == nil {
			if dx[i], err = b.zeros(ask.X[i]); err != nil {
				return err
			}
		}
		b.scan.carry(ins[i], dx[i])
		b.to = append(b.to, l.n.In[l.first+k])
	}
	return b.collect(dx[len(b.active):])
}

// collect adds up the gradients of captured values, and stacks those of scan inputs: dx holds the latter first.
func (b *backward) collect(dx []*graph.Value) error {
	l := b.l
	for i, x := range b.around {
		d := dx[len(b.slices)+i]
		if d == nil {
			continue
		}
		sum := b.formal("sum", gradientType(x))
		next, err := b.sum(sum, d)
		if err != nil {
			return err
		}
		b.scan.carry(sum, next)
		b.to = append(b.to, x)
	}
	for k, i := range b.slices {
		if dx[k] != nil {
			b.scan.stack(dx[k], l.inAxes[i], 1-l.inBack[i])
			b.to = append(b.to, l.scanned(i))
		}
	}
	return nil
}

// begin sets what the carried gradients begin with: those of the last values, and zeros.
func (b *backward) begin() error {
	for i := range b.scan.in {
		var first *graph.Value
		like := b.to[i]
		if i < len(b.active) {
			k := b.active[i]
			first, like = b.dy[k], b.output(k)
		}
		if first == nil {
			var err error
			if first, err = b.zeros(like); err != nil {
				return err
			}
		}
		b.scan.first = append(b.scan.first, first)
	}
	return nil
}

// output returns output i of the forward node, which it gets if it lacks it.
func (b *backward) output(i int) *graph.Value {
	n := b.l.n
	if n.Out[i] == nil {
		v := b.l.out(b.l.body, i)
		n.Out[i] = &graph.Value{Name: b.name(n.Type), Value: ops.Value{Type: v.Type}, From: n, Index: i}
	}
	return n.Out[i]
}
