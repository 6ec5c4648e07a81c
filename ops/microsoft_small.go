package ops

import (
	little "encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// cdistInfer infers CDist: distances of the rows of [m, n] from those of [k, n].
func cdistInfer(c *InferCtx) error {
	a, b := c.Type(0), c.Type(1)
	if err := sameElements(c, 0, 1); err != nil {
		return err
	}
	if a.Ranked && len(a.Dims) != 2 || b.Ranked && len(b.Dims) != 2 {
		return fmt.Errorf("ops: inputs are %v and %v, want 2 axes each", a, b)
	}
	dims := c.FreshDims(2)
	if a.Ranked {
		dims[0] = a.Dims[0]
	}
	if b.Ranked {
		dims[1] = b.Dims[0]
	}
	c.Set(0, a.DType, dims...)
	return nil
}

func cdistKernel(k *KernelCtx) (Kernel, error) {
	root := false
	switch metric := k.Str("metric"); metric {
	case "sqeuclidean", "":
	case "euclidean":
		root = true
	default:
		return Kernel{}, Unsupported("metric=%q", metric)
	}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return cdist[float64](c, root) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return cdist[float32](c, root) }}, nil
}

func cdist[T float32 | float64](c *Call, root bool) error {
	s, t := c.In[0].Shape(), c.In[1].Shape()
	a, b, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.In[1]), tensor.Of[T](c.Out[0])
	if len(s) != 2 || len(t) != 2 || s[1] != t[1] || len(y) != s[0]*t[0] {
		return fmt.Errorf("ops: distances of rows of %v and %v", s, t)
	}
	n := s[1]
	for i := range y {
		p, q, sum := a[i/t[0]*n:][:n], b[i%t[0]*n:][:n], T(0)
		for j, v := range p {
			sum += (v - q[j]) * (v - q[j])
		}
		if y[i] = sum; root {
			y[i] = T(math.Sqrt(float64(sum)))
		}
	}
	return nil
}

// murmurInfer infers MurmurHash3, an integer of 32 bits for each element.
func murmurInfer(c *InferCtx) error {
	x := c.Type(0)
	if x.DType = tensor.Uint32; c.IntOr("positive", 1) == 0 {
		x.DType = tensor.Int32
	}
	c.SetType(0, x)
	return nil
}

func murmurKernel(k *KernelCtx) (Kernel, error) {
	seed, size := uint32(k.Int("seed")), k.DType(0).Size()
	return Kernel{Run: func(c *Call) error {
		y := tensor.Raw[uint32](c.Out[0])
		if c.In[0].DType() == tensor.String {
			for i, s := range c.In[0].Strings() {
				y[i] = murmur3([]byte(s), seed)
			}
			return nil
		}
		for i := range y {
			y[i] = murmur3(c.In[0].Bytes()[i*size:(i+1)*size], seed)
		}
		return nil
	}}, nil
}

// murmur3 is MurmurHash3_x86_32 by Austin Appleby, who placed it in the public domain.
func murmur3(data []byte, seed uint32) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*c1, 15) * c2 }
	h, n := seed, uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		h = bits.RotateLeft32(h^mix(little.LittleEndian.Uint32(data)), 13)*5 + 0xe6546b64
	}
	var tail [4]byte
	if copy(tail[:], data) > 0 {
		h ^= mix(little.LittleEndian.Uint32(tail[:]))
	}
	h ^= n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// ngramInfer infers NGramRepeatBlock, which changes scores.
func ngramInfer(c *InferCtx) error {
	c.SetType(0, c.Type(1))
	return nil
}

// ngramKernel binds NGramRepeatBlock: a token that would end a run of tokens that is there already gets a score of minus
// infinity.
func ngramKernel(k *KernelCtx) (Kernel, error) {
	size := k.Int("ngram_size")
	if size < 1 {
		return Kernel{}, fmt.Errorf("ops: ngram_size is %d, want at least 1", size)
	}
	return Kernel{Run: func(c *Call) error {
		s, t := c.In[0].Shape(), c.In[1].Shape()
		if len(s) != 2 || len(t) != 2 || s[0] != t[0] {
			return fmt.Errorf("ops: tokens %v and scores %v, want [batch, length] and [batch, vocabulary]", s, t)
		}
		ids, y := tensor.Of[int64](c.In[0]), tensor.Of[float32](c.Out[0])
		vec.CopyOf(y, tensor.Of[float32](c.In[1]))
		for b := range s[0] {
			row, scores := ids[b*s[1]:(b+1)*s[1]], y[b*t[1]:(b+1)*t[1]]
			for i := 0; i+size <= len(row); i++ {
				if !slices.Equal(row[i:i+size-1], row[len(row)-size+1:]) {
					continue
				}
				id := row[i+size-1]
				if id < 0 || id >= int64(t[1]) {
					return fmt.Errorf("ops: token %d of %d", id, t[1])
				}
				scores[id] = float32(math.Inf(-1))
			}
		}
		return nil
	}}, nil
}
