package ops

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// flexAttention is a bound FlexAttention with bodies that computes in T.
type flexAttention[T float32 | float64] struct {
	flexForm
	calls sync.Pool // of *flexCall[T]
}

// flexCall is the state of one call.
type flexCall[T float32 | float64] struct {
	flexDims
	shape   tensor.Shape // of the scores
	items   []gemm.Item
	in, out tensor.Tensor // of the bodies
	args    [2][]*tensor.Tensor
}

// scratch returns the room for two sets of scores, two of the type that the bodies see, and inputs and output in T.
func (f *flexAttention[T]) scratch(c *Call) int {
	d, err := readFlexDims(c)
	if err != nil {
		return 0 // run says what is wrong
	}
	var zero T
	n := 2 * d.scores()
	for _, t := range append(c.In[:3:3], c.Out[0]) {
		if t.DType() != tensor.DTypeOf[T]() {
			n += t.Len()
		}
	}
	bytes := n * int(unsafe.Sizeof(zero))
	if f.precision != tensor.DTypeOf[T]() {
		bytes += 2 * f.precision.ByteLen(d.scores())
	}
	return bytes
}

func (f *flexAttention[T]) run(c *Call) error {
	d, err := readFlexDims(c)
	if err != nil {
		return err
	}
	if want := d.batch * d.qHeads * d.queries * d.valueSize; c.Out[0].Len() != want {
		return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), want)
	}
	x, _ := f.calls.Get().(*flexCall[T])
	if x == nil {
		x = new(flexCall[T])
		x.args = [2][]*tensor.Tensor{{&x.in}, {&x.out}}
	}
	x.flexDims, x.shape = d, append(x.shape[:0], d.batch, d.qHeads, d.queries, d.keys)
	err = f.compute(x, c)
	x.in.ResetTo(&bodyEmpty)
	x.out.ResetTo(&bodyEmpty)
	f.calls.Put(x)
	return err
}

func (f *flexAttention[T]) compute(x *flexCall[T], c *Call) error {
	room, n := c.Scratch, x.scores()
	scores, room := takeOf[T](room, n)
	other, room := takeOf[T](room, n)
	q, room := flexLoad[T](c.In[0], room)
	k, room := flexLoad[T](c.In[1], room)
	v, room := flexLoad[T](c.In[2], room)
	y, direct := tensor.Of[T](c.Out[0]), c.Out[0].DType() == tensor.DTypeOf[T]()
	if !direct {
		y, room = takeOf[T](room, c.Out[0].Len())
	}
	x.product(gemm.ArgsOf[T]{M: x.queries, N: x.keys, K: x.size, A: q, ARS: x.size, ACS: 1, B: k, BRS: 1, BCS: x.size,
		C: scores, LDC: x.keys, Threads: c.Threads}, T(f.factor(x.size)))
	scores, other, err := f.modify(x, c, f.bodies[0], scores, other, room)
	if err != nil {
		return err
	}
	if s, ok := any(scores).([]float32); ok {
		reduce.Softmax(s, s, n/max(1, x.keys), x.keys, c.Threads)
	} else if s, ok := any(scores).([]float64); ok {
		reduce.SoftmaxOf(s, s, n/max(1, x.keys), x.keys, 1, false)
	}
	if scores, _, err = f.modify(x, c, f.bodies[1], scores, other, room); err != nil {
		return err
	}
	x.product(gemm.ArgsOf[T]{M: x.queries, N: x.valueSize, K: x.keys, A: scores, ARS: x.keys, ACS: 1, B: v, BRS: x.valueSize, BCS: 1,
		C: y, LDC: x.valueSize, Threads: c.Threads}, 1)
	if !direct {
		flexStore(c.Out[0], y)
	}
	return nil
}

// product multiplies the matrices of all heads, those of B shared by groups.
func (x *flexCall[T]) product(a gemm.ArgsOf[T], alpha T) {
	x.items = x.items[:0]
	for i := range x.batch * x.qHeads {
		kv := i/x.qHeads*x.heads + i%x.qHeads/(x.qHeads/x.heads)
		x.items = append(x.items, gemm.Item{A: i * a.M * a.K, B: kv * a.N * a.K, C: i * a.M * a.N})
	}
	if len(x.items) > 0 {
		a.Batch = x.items
		attentionProduct(&a, alpha)
	}
}

// modify passes scores through a body, if there is one, and returns the result and the buffer that is free then. room has
// space for scores of the type that the body sees, twice, unless that is T.
func (f *flexAttention[T]) modify(x *flexCall[T], c *Call, body int, scores, other []T, room []byte) (result, free []T, err error) {
	if body < 0 {
		return scores, other, nil
	}
	same := f.precision == tensor.DTypeOf[T]()
	if same {
		x.in.Reset(f.precision, x.shape, move.Bytes(scores))
		x.out.Reset(f.precision, x.shape, move.Bytes(other))
	} else {
		n := f.precision.ByteLen(len(scores))
		x.in.Reset(f.precision, x.shape, room[:n:n])
		x.out.Reset(f.precision, x.shape, room[n:2*n:2*n])
		flexStore(&x.in, scores)
	}
	if err := c.Bodies[body].Run(c, x.args[0], x.args[1]); err != nil {
		return nil, nil, err
	}
	if x.out.DType() != f.precision || !x.out.Shape().Equal(x.shape) {
		return nil, nil, fmt.Errorf("ops: %s returns %v%v, want %v%v", flexBodies[body], x.out.DType(), x.out.Shape(), f.precision, x.shape)
	}
	if !same {
		flexConvert(scores, &x.out)
		return scores, other, nil
	}
	got := tensor.Of[T](&x.out)
	if bodySame(move.Bytes(got), move.Bytes(scores)) {
		return scores, other, nil
	}
	if !bodySame(move.Bytes(got), move.Bytes(other)) {
		copy(other, got)
	}
	return other, scores, nil
}

// takeOf returns the first n elements of scratch memory and what is behind them.
func takeOf[T float32 | float64](room []byte, n int) ([]T, []byte) {
	x := scratchOf[T](room, n)
	return x, room[len(move.Bytes(x)):]
}

// flexLoad returns the elements of t as T, in room if they are of another type, and the rest of room.
func flexLoad[T float32 | float64](t *tensor.Tensor, room []byte) ([]T, []byte) {
	if t.DType() == tensor.DTypeOf[T]() {
		return tensor.Of[T](t), room
	}
	x, room := takeOf[T](room, t.Len())
	flexConvert(x, t)
	return x, room
}

// flexConvert sets dst to the elements of t, a tensor of floats.
func flexConvert[T float32 | float64](dst []T, t *tensor.Tensor) {
	switch d := any(dst).(type) {
	case []float32:
		loadCodes(d, t, 0)
	case []float64:
		castDecoder(t.DType())(d, t, 0)
	}
}

// flexStore sets the elements of t, a tensor of floats, to src.
func flexStore[T float32 | float64](t *tensor.Tensor, src []T) {
	switch s := any(src).(type) {
	case []float32:
		storeCodes(t, 0, s, false)
	case []float64:
		castEncoder(nil, t.DType())(t, 0, s)
	}
}
