package plan

import (
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// body is a subgraph with a frame of its own, which belongs to the frame around it. It implements ops.Body.
type body struct {
	frame    *Frame
	captured []*tensor.Tensor // headers in the frame around
	in       []*tensor.Tensor // formal inputs, then captured values
}

// Run implements ops.Body.
func (b *body) Run(c *ops.Call, in, out []*tensor.Tensor) error {
	f := b.frame
	b.in = append(append(b.in[:0], in...), b.captured...)
	for _, o := range f.p.outer {
		f.env[o.symbol] = f.up.env[o.from]
	}
	return f.run(c.Ctx, b.in, out)
}
