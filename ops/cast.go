package ops

import (
	"fmt"
	"strings"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
	small "github.com/onnxrun/onnxrun/tensor/num"
)

// Cast converts to the element type of its attribute, CastLike to that of its second input. Since version 19
// saturate says what becomes of numbers beyond the range of an 8-bit float, since version 24 round_mode
// how float8e8m0 is rounded. BitCast keeps the bits. In version 1 the type is given by name.

func castInfer(c *InferCtx) error { return castInto(c, tensor.DType(c.Int("to"))) }

func castLikeInfer(c *InferCtx) error { return castInto(c, c.Type(1).DType) }

func castNameInfer(c *InferCtx) error {
	d, err := typeNamed(c.Str("to"))
	if err != nil {
		return err
	}
	return castInto(c, d)
}

// typeNamed returns the element type with a name like FLOAT or INT64.
func typeNamed(s string) (tensor.DType, error) {
	switch s = strings.ToLower(s); s {
	case "float":
		return tensor.Float32, nil
	case "double":
		return tensor.Float64, nil
	}
	return tensor.ParseDType(s)
}

func castInto(c *InferCtx, d tensor.DType) error {
	t, err := denseInput(c, 0)
	if err != nil {
		return err
	}
	if !d.Valid() {
		return fmt.Errorf("ops: to=%d is no element type", d)
	}
	t.DType = d
	c.SetType(0, t)
	switch d {
	case tensor.Int64, tensor.Int32:
		follow(c, 1, func(x []Dim) (Dim, bool) { return x[0], true })
	case tensor.Bool:
		follow(c, 1, func(x []Dim) (Dim, bool) {
			if v, ok := x[0].Const(); ok && v == 0 {
				return x[0], true
			}
			low, ok := x[0].Lower()
			return sym.Const(1), ok && low >= 1
		})
	}
	return nil
}

func castKernel(k *KernelCtx) (Kernel, error) {
	from, to := k.DType(0), k.OutType(0).DType
	switch {
	case to == tensor.String:
		return castToString(from)
	case from == tensor.String:
		return castFromString(to, castEncoder(k.Attrs, to))
	case from == to || sameBits(from, to):
		return Kernel{Run: copyBytes}, nil
	case from == tensor.Float32 && to == tensor.Float16:
		return unary(vec.ToFloat16)
	case from == tensor.Float32 && to == tensor.BFloat16:
		return unary(vec.ToBFloat16)
	case from == tensor.Float16 && to == tensor.Float32:
		return unary(vec.FromFloat16)
	case from == tensor.BFloat16 && to == tensor.Float32:
		return unary(vec.FromBFloat16)
	}
	if kernel, ok := castNumbers(from, to); ok {
		return kernel, nil
	}
	if kernel, ok := castHalf(from, to); ok {
		return kernel, nil
	}
	if integer.Has(from) && to.IsInt() {
		return castBlocks(lowBits(from.Size(), to.Bits())), nil
	}
	decode, encode := castDecoder(from), castEncoder(k.Attrs, to)
	if decode == nil || encode == nil {
		return Kernel{}, Unsupported("conversion of %v to %v", from, to)
	}
	return castBlocks(func(dst, src *tensor.Tensor, lo, hi int) {
		buf := castBuffers.Get().(*[castBlock]float64)
		for ; lo < hi; lo += castBlock {
			x := buf[:min(castBlock, hi-lo)]
			decode(x, src, lo)
			encode(dst, lo, x)
		}
		castBuffers.Put(buf)
	}), nil
}

// castGrad casts the gradient back; that of codes is of a type of its own.
var castGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref {
	if !float.Has(g.Of(x).DType) {
		return g.with("Cast", map[string]any{"to": tensor.Float32}, dy)
	}
	return g.op("CastLike", dy, x)
})

// castNumbers binds the conversions between types that Go computes in, and from and to truth values.
func castNumbers(from, to tensor.DType) (Kernel, bool) {
	switch from {
	case tensor.Float32:
		return castFrom[float32](to)
	case tensor.Float64:
		return castFrom[float64](to)
	case tensor.Int8:
		return castFrom[int8](to)
	case tensor.Int16:
		return castFrom[int16](to)
	case tensor.Int32:
		return castFrom[int32](to)
	case tensor.Int64:
		return castFrom[int64](to)
	case tensor.Uint8, tensor.Bool:
		return castFrom[uint8](to)
	case tensor.Uint16:
		return castFrom[uint16](to)
	case tensor.Uint32:
		return castFrom[uint32](to)
	case tensor.Uint64:
		return castFrom[uint64](to)
	}
	return Kernel{}, false
}

func castFrom[S clipNumber](to tensor.DType) (Kernel, bool) {
	var k Kernel
	switch to {
	case tensor.Float32:
		k, _ = unary(vec.Convert[float32, S])
	case tensor.Float64:
		k, _ = unary(vec.Convert[float64, S])
	case tensor.Int8:
		k, _ = unary(vec.Convert[int8, S])
	case tensor.Int16:
		k, _ = unary(vec.Convert[int16, S])
	case tensor.Int32:
		k, _ = unary(vec.Convert[int32, S])
	case tensor.Int64:
		k, _ = unary(vec.Convert[int64, S])
	case tensor.Uint8:
		k, _ = unary(vec.Convert[uint8, S])
	case tensor.Uint16:
		k, _ = unary(vec.Convert[uint16, S])
	case tensor.Uint32:
		k, _ = unary(vec.Convert[uint32, S])
	case tensor.Uint64:
		k, _ = unary(vec.ToUint64[S])
	case tensor.Bool:
		k, _ = unary(vec.ToBool[S])
	default:
		return Kernel{}, false
	}
	return k, true
}

// sameBits reports whether a number keeps its bits: integers of one size wrap, truth values are bytes of 0 and 1.
func sameBits(from, to tensor.DType) bool {
	return from.Size() == to.Size() && (from == tensor.Bool || integer.Has(from)) && integer.Has(to)
}

// castHalf binds conversions of integers and truth values to half precision by way of float32, which holds those of 16 bits
// exactly, and of others all that is not infinite as a float16.
func castHalf(from, to tensor.DType) (Kernel, bool) {
	switch {
	case to != tensor.Float16 && (to != tensor.BFloat16 || from.Size() > 2):
		return Kernel{}, false
	case from == tensor.Bool, from == tensor.Uint8:
		return halfFrom[uint8](to), true
	case from == tensor.Int8:
		return halfFrom[int8](to), true
	case from == tensor.Int16:
		return halfFrom[int16](to), true
	case from == tensor.Uint16:
		return halfFrom[uint16](to), true
	case from == tensor.Int32:
		return halfFrom[int32](to), true
	case from == tensor.Int64:
		return halfFrom[int64](to), true
	}
	return Kernel{}, false
}

func halfFrom[S clipNumber](to tensor.DType) Kernel {
	if to == tensor.Float16 {
		return castBlocks(throughFloat32[tensor.Float16Bits, S])
	}
	return castBlocks(throughFloat32[tensor.BFloat16Bits, S])
}

func throughFloat32[D halfNumber, S clipNumber](dst, src *tensor.Tensor, lo, hi int) {
	y, x := tensor.Raw[D](dst)[lo:hi], tensor.Raw[S](src)[lo:hi]
	buf := floatBlocks.Get().(*[floatBlock]float32)
	defer floatBlocks.Put(buf)
	for len(x) > 0 {
		n := min(floatBlock, len(x))
		vec.Convert(buf[:n], x[:n])
		vec.Narrow(y[:n], buf[:n])
		x, y = x[n:], y[n:]
	}
}

// copyBytes copies the storage of input 0, unless the output has the same.
func copyBytes(c *Call) error {
	dst, src := c.Out[0].Bytes(), c.In[0].Bytes()
	if len(dst) != len(src) {
		return errBroadcast(c)
	}
	if len(dst) > 0 && &dst[0] != &src[0] {
		vec.Map(dst, src, vec.CopyOf[byte], c.Threads)
	}
	return nil
}

// lowBits converts whole-byte integers of the given size to narrow ones by keeping the low bits.
func lowBits(size, bits int) castFn {
	return func(dst, src *tensor.Tensor, lo, hi int) {
		var codes [castBlock]byte
		for ; lo < hi; lo += castBlock {
			n := min(castBlock, hi-lo)
			for i := range n {
				codes[i] = src.Bytes()[(lo+i)*size]
			}
			small.Pack(dst.Bytes()[lo*bits/8:], codes[:n], bits)
		}
	}
}

// castBuffers holds the blocks between two conversions: *[castBlock]float64.
var castBuffers = sync.Pool{New: func() any { return new([castBlock]float64) }}

// A castFn converts the elements [lo, hi). lo is a multiple of castGrain.
type castFn func(dst, src *tensor.Tensor, lo, hi int)

const (
	castBlock = 256     // elements converted at a time: packed elements of a block start at a byte
	castGrain = 1 << 14 // elements in one chunk of parallel work
)

// castBlocks binds a conversion that works on ranges of tensors.
func castBlocks(f castFn) Kernel {
	r := &castRun{f: f}
	r.tasks.New = func() any { return new(castTask) }
	return Kernel{Run: r.run}
}

type castRun struct {
	f     castFn
	tasks sync.Pool // of *castTask
}

type castTask struct {
	dst, src *tensor.Tensor
	f        castFn
	n        int
}

// Chunk converts one chunk.
func (t *castTask) Chunk(i int) { t.f(t.dst, t.src, i*castGrain, min(t.n, (i+1)*castGrain)) }

func (r *castRun) run(c *Call) error {
	n := c.In[0].Len()
	if c.Out[0].Len() != n {
		return errBroadcast(c)
	}
	t := r.tasks.Get().(*castTask)
	*t = castTask{c.Out[0], c.In[0], r.f, n}
	par.Run(c.Threads, (n+castGrain-1)/castGrain, t)
	*t = castTask{}
	r.tasks.Put(t)
	return nil
}

func bitCastInfer(c *InferCtx) error {
	t, err := denseInput(c, 0)
	if err != nil {
		return err
	}
	d := tensor.DType(c.Int("to"))
	if !d.Valid() || d.Bits() != t.DType.Bits() || d.Bits() == 0 {
		return fmt.Errorf("ops: to=%v has not the width of %v", d, t.DType)
	}
	t.DType = d
	c.SetType(0, t)
	return nil
}

func bitCastKernel(k *KernelCtx) (Kernel, error) {
	if k.OutType(0).DType != tensor.Bool {
		return Kernel{Run: copyBytes}, nil
	}
	return Kernel{Run: func(c *Call) error { // all bits but 0 are true: no other byte may stand for it
		x, y := c.In[0].Bytes(), tensor.Of[bool](c.Out[0])
		for i, b := range x[:len(y)] {
			y[i] = b != 0
		}
		return nil
	}}, nil
}
