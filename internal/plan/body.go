package plan

import (
	"unsafe"

	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// body is a subgraph with a frame of its own, which belongs to the frame around it. It implements ops.Lodger.
type body struct {
	frame    *Frame
	captured []*tensor.Tensor // headers in the frame around
	in       []*tensor.Tensor // formal inputs, then captured values
}

// Run implements ops.Body.
func (b *body) Run(c *ops.Call, in, out []*tensor.Tensor) error {
	b.take(in)
	return b.frame.run(c.Ctx, b.in, out)
}

// take sets the inputs and the symbols of the frame around.
func (b *body) take(in []*tensor.Tensor) {
	f := b.frame
	b.in = append(append(b.in[:0], in...), b.captured...)
	for _, o := range f.p.outer {
		f.env[o.symbol] = f.up.env[o.from]
	}
}

// Room implements ops.Lodger.
func (b *body) Room(in []*tensor.Tensor) (int, error) {
	b.frame.lodges = true
	b.take(in)
	err := b.frame.bind(b.in)
	return b.frame.total, err
}

// Lodge implements ops.Lodger.
func (b *body) Lodge(room []byte) {
	if f := b.frame; unsafe.SliceData(room) != unsafe.SliceData(f.arena) || len(room) != len(f.arena) {
		f.arena, f.stale = room, true
	}
}
