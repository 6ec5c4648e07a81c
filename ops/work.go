package ops

import (
	tiled "github.com/onnxrun/onnxrun/internal/kernel/attention"
	"github.com/onnxrun/onnxrun/tensor"
)

// Work is what one call of a kernel has to do: floating-point operations, bytes that it reads and writes at least, and the
// algorithm that was chosen, if there is a choice.
type Work struct {
	Flops, Bytes int64
	Algorithm    string
}

// partly lists operators that read no more of their first input than they write.
var partly = map[string]bool{"Gather": true, "GatherElements": true, "GatherND": true, "Slice": true, "Split": true, "Embedding": true}

// WorkOf returns the work of a call of k, a kernel of this row. Without a word from the kernel it is the bytes of the
// inputs and outputs, and an operation for each element where the operator computes.
func (o *Op) WorkOf(k *Kernel, c *Call) Work {
	var w Work
	if k.Work != nil {
		w = k.Work(c)
	}
	if w.Bytes == 0 {
		w.Bytes = bytesOf(c.Out)
		if partly[o.Name] {
			w.Bytes *= 2
		} else {
			w.Bytes += bytesOf(c.In)
		}
	}
	return w
}

func bytesOf(list []*tensor.Tensor) (n int64) {
	for _, t := range list {
		if t != nil && t.Kind() == tensor.KindTensor {
			n += int64(t.DType().ByteLen(t.Len()))
		}
	}
	return n
}

// work of a matrix product.
func (l *linear) work(c *Call) Work {
	var m matrices
	if m.view(l.a, c.In[0].Shape(), true) != nil {
		return Work{}
	}
	w := Work{Flops: 2 * int64(m.cols) * int64(c.Out[0].Len()), Algorithm: "tiles"}
	if l.weight == nil {
		w.Algorithm = "tiles packed in each run"
	}
	if m.rows == 1 {
		w.Algorithm = "vector times matrix"
	}
	return w
}

// work of a convolution of tensors with the channels second.
func (r *convRun) work(c *Call) Work {
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return Work{}
	}
	g := p.Geom()
	return Work{Flops: 2 * int64(p.outLen) * int64(g.Taps()*(g.InC/max(1, g.Groups))), Algorithm: p.Algorithm()}
}

// work of a convolution with channels last. The operations are those of the definition, whatever the algorithm saves.
func (r *nhwcConvRun) work(c *Call) Work {
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return Work{}
	}
	w := Work{Algorithm: p.Algorithm()}
	if f := c.In[1].Shape(); f[0] > 0 { // each output channel of a convolution, each input channel of a transposed one
		g := p.Geom()
		w.Bytes = 4 * int64(g.Batch*(g.InSize()*g.InC+g.OutSize()*g.OutC)+f.Len())
		if input(c, 3) != nil {
			w.Bytes += 4 * int64(g.Batch*g.OutSize()*g.OutC)
		}
		w.Flops = 2 * int64(f.Len()/f[0]) * int64(g.Batch*g.OutSize()*g.OutC)
		if g.OutC != f[0] {
			w.Flops = 2 * int64(f.Len()/f[0]) * int64(c.In[0].Len())
		}
	}
	return w
}

// work of attention: two products, and the exponentials counted as one operation.
func (f *fusedAttention) work(c *Call) Work {
	a := new(tiled.Args)
	if f.prepare(a, c.In, c.Out[0], true) != nil {
		return Work{}
	}
	scores := int64(a.B) * int64(a.H) * int64(a.Queries) * int64(a.Keys)
	if f.causal {
		scores = (scores + 1) / 2
	}
	return Work{Flops: scores * int64(2*a.Size+2*a.ValueSize+1), Algorithm: "tiles with running maximum"}
}

// work of the gradients of attention: five products.
func (f *attentionBackward) work(c *Call) Work {
	a := new(tiled.Args)
	if f.prepare(a, c.In[1:], c.In[0], true) != nil {
		return Work{}
	}
	scores := int64(a.B) * int64(a.H) * int64(a.Queries) * int64(a.Keys)
	if f.causal {
		scores = (scores + 1) / 2
	}
	return Work{Flops: scores * int64(6*a.Size+4*a.ValueSize), Algorithm: "tiles of queries, scores computed again"}
}

// work of a recurrent layer. The weights of the state are read in every step.
func (r *rnnRun) work(c *Call) Work {
	s, err := rnnShapes(c, r.layers, r.batchFirst)
	if err != nil {
		return Work{}
	}
	dirs, gates := int64(len(r.layers)), int64(r.layers[0].Cell.Gates()*s.hidden)
	w := Work{Flops: 2 * dirs * int64(s.steps*s.batch) * gates * int64(s.inputs+s.hidden), Algorithm: "inputs at once, then steps"}
	w.Bytes = bytesOf(c.In) + bytesOf(c.Out) + 4*dirs*gates*int64(s.hidden)*int64(max(0, s.steps-1))
	return w
}
