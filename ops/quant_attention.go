package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/tensor"
)

// QAttention of com.microsoft is its Attention with input and weights of bytes: their product is made as that of
// MatMulIntegerToFloat, the rest in float32.

// qattentionOrder lists its inputs as Attention has them, an absent product, and input scale, weight scale, input zero
// point and weight zero point; -1 for none.
var qattentionOrder = [...]int{0, 1, 2, 5, 8, -1, -1, -1, 3, 4, 6, 7}

func qattentionInfer(c *InferCtx) error {
	sub := *c
	sub.In = nil
	for _, i := range qattentionOrder[:projectedProduct] {
		var v Value
		if i >= 0 && i < len(c.In) {
			v = c.In[i]
		}
		sub.In = append(sub.In, v)
	}
	for i := range 2 {
		sub.In[i].DType = c.Type(2).DType
	}
	return projectedInfer(&sub)
}

// qattention is a bound QAttention.
type qattention struct {
	attention *projected
	product   Kernel
	calls     sync.Pool // of *qattentionCall
}

// qattentionCall holds the calls of the product and of the attention, and the tensor between them.
type qattentionCall struct {
	product, attention Call
	in                 [len(qattentionOrder)]*tensor.Tensor
	out                [1]*tensor.Tensor
	y                  tensor.Tensor
}

var qattentionKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.OutType(0).DType != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.OutType(0).DType)
	}
	p, err := projectedAttrs(k)
	if err != nil {
		return Kernel{}, err
	}
	sub := *k
	sub.In = nil
	for _, i := range qattentionOrder {
		var v Value
		if i >= 0 && k.Has(i) {
			v = k.In[i]
		}
		sub.In = append(sub.In, v)
	}
	product, err := bindByteMatMul(&sub, &byteMatMul{a: 0, b: 1, bias: 2, aScale: 8, bScale: 9, aZero: 10, bZero: 11, yScale: -1, yZero: -1, alpha: 1})
	q := &qattention{attention: p, product: product}
	return Kernel{Run: q.run, Scratch: q.scratch}, err
})

// prepare sets up both calls and returns how much of the scratch memory their common tensor takes.
func (q *qattention) prepare(x *qattentionCall, c *Call) (int, error) {
	s, w := c.In[0].Shape(), c.In[1].Shape()
	if len(s) != 3 || len(w) != 2 {
		return 0, fmt.Errorf("ops: input has shape %v and weights %v, want 3 and 2 axes", s, w)
	}
	shape := [3]int{s[0], s[1], w[1]}
	n := 4 * s[0] * s[1] * w[1]
	var mine, rest []byte
	if len(c.Scratch) >= align64(n) {
		mine, rest = c.Scratch[:n], c.Scratch[align64(n):]
	}
	x.y.Reset(tensor.Float32, shape[:], mine)
	for i, from := range qattentionOrder {
		x.in[i] = part(c.In, from)
	}
	x.out[0] = &x.y
	x.product, x.attention = *c, *c
	x.product.In, x.product.Out, x.product.Scratch = x.in[:], x.out[:], rest
	x.attention.In, x.attention.Scratch = x.in[:], rest
	return align64(n), nil
}

func (q *qattention) scratch(c *Call) int {
	var x qattentionCall
	n, err := q.prepare(&x, c)
	if err != nil {
		return 0
	}
	return n + max(q.product.Scratch(&x.product), q.attention.scratch(&x.attention))
}

func (q *qattention) run(c *Call) error {
	x, _ := q.calls.Get().(*qattentionCall)
	if x == nil {
		x = new(qattentionCall)
	}
	_, err := q.prepare(x, c)
	if err == nil {
		err = q.product.Run(&x.product)
	}
	if err == nil {
		x.in[projectedProduct] = &x.y
		err = q.attention.run(&x.attention)
	}
	x.product, x.attention = Call{}, Call{}
	clear(x.in[:])
	q.calls.Put(x)
	return err
}
