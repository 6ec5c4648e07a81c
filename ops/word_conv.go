package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// wordConvInfer infers WordConvEmbedding: words [..., characters] become vectors, one element for each filter.
func wordConvInfer(c *InferCtx) error {
	words, w := c.Type(0), c.Type(1)
	if !words.Ranked || !w.Ranked || len(words.Dims) == 0 || len(w.Dims) == 0 {
		c.SetType(0, Unranked(w.DType))
		return nil
	}
	n := len(words.Dims) - 1
	c.Set(0, w.DType, append(append([]Dim(nil), words.Dims[:n]...), w.Dims[0])...)
	return nil
}

// wordConvKernel binds WordConvEmbedding: the embeddings of the characters of a word are convolved, and of the hyperbolic
// tangents along the word the largest counts. A word ends at its first character that is not positive; one shorter than
// the filters goes on with what follows it, and one without characters is zero.
func wordConvKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: wordConv, Scratch: func(c *Call) int {
		if w, s := c.In[1].Shape(), c.In[0].Shape(); len(w) > 0 && len(s) > 0 {
			return 4 * w[len(w)-1] * s[len(s)-1]
		}
		return 0
	}}, nil
}

func wordConv(c *Call) error {
	s, w, chars := c.In[0].Shape(), c.In[1].Shape(), c.In[3].Shape()
	if len(s) == 0 || len(w) != 4 || w[1] != 1 || len(chars) != 2 || chars[1] != w[3] || c.In[2].Len() != w[0] {
		return fmt.Errorf("ops: words %v, filters %v, bias %v and characters %v do not fit", s, w, c.In[2].Shape(), chars)
	}
	ids, filters, bias := tensor.Of[int32](c.In[0]), tensor.Of[float32](c.In[1]), tensor.Of[float32](c.In[2])
	table, y := tensor.Of[float32](c.In[3]), tensor.Of[float32](c.Out[0])
	length, width, size := s[len(s)-1], w[2], w[3]
	if width > length {
		return fmt.Errorf("ops: filters of %d characters for words of %d", width, length)
	}
	word := scratchOf[float32](c.Scratch, size*length)
	for ; len(y) > 0; y, ids = y[w[0]:], ids[length:] {
		n := 0
		for n < length && ids[n] > 0 {
			n++
		}
		clear(y[:w[0]])
		if n == 0 {
			continue
		}
		n = max(n, width)
		for i, id := range ids[:n] {
			if id < 0 || int(id) >= chars[0] {
				return fmt.Errorf("ops: character %d of %d", id, chars[0])
			}
			copy(word[i*size:], table[int(id)*size:][:size])
		}
		for f := range w[0] {
			best := float32(math.Inf(-1))
			for at := 0; at+width <= n; at++ {
				best = max(best, vec.Dot(filters[f*width*size:(f+1)*width*size], word[at*size:])+bias[f])
			}
			y[f] = float32(math.Tanh(float64(best)))
		}
	}
	return nil
}
