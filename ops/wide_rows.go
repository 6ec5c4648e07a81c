package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Operators for tensors whose channels are their last axis may read some channels of tensors that have more, and write to some
// channels of one. What stands next to each other in memory is then not a pixel of the node but one of all, a row. Attributes:
//
//   - ranges: for each input of which only some channels are meant, its number, the first channel, and how many.
//   - row: how many channels output 0 has, 0: those that the node makes and no others; at: the first of those that it makes.
//   - into: the number of an input whose storage output 0 takes over, with all other channels as they are; 0: there is none,
//     and the others are of unknown content.

// A ChannelRange says which channels of an input a node reads.
type ChannelRange struct{ Input, From, Count int }

// WideRows is what the attributes above say.
type WideRows struct {
	Ranges        []ChannelRange
	Row, At, Into int
}

// WideRowsOf reads the attributes of a node.
func WideRowsOf(a Attrs) (w WideRows) {
	list := a.IntList("ranges")
	for i := 0; i+3 <= len(list); i += 3 {
		w.Ranges = append(w.Ranges, ChannelRange{int(list[i]), int(list[i+1]), int(list[i+2])})
	}
	w.Row, w.At, w.Into = a.IntOr("row", 0), a.IntOr("at", 0), a.IntOr("into", 0)
	return w
}

// Any reports whether w says anything.
func (w WideRows) Any() bool { return len(w.Ranges) > 0 || w.Row != 0 || w.At != 0 || w.Into != 0 }

// Attrs returns the attributes that say w.
func (w WideRows) Attrs() (out Attrs) {
	if len(w.Ranges) > 0 {
		list := make([]int64, 0, 3*len(w.Ranges))
		for _, r := range w.Ranges {
			list = append(list, int64(r.Input), int64(r.From), int64(r.Count))
		}
		out = append(out, onnx.NewInts("ranges", list...))
	}
	if w.Row > 0 {
		out = append(out, onnx.NewInt("row", int64(w.Row)), onnx.NewInt("at", int64(w.At)))
	}
	if w.Into > 0 {
		out = append(out, onnx.NewInt("into", int64(w.Into)))
	}
	return out
}

// channels returns which channels of input i, whose last axis has the given length, are meant.
func (w *WideRows) channels(i, length int) (from, count int) {
	for _, r := range w.Ranges {
		if r.Input == i {
			return r.From, r.Count
		}
	}
	return 0, length
}

// wideRowsInfer infers a node with such attributes by the function for nodes without them.
func wideRowsInfer(infer func(*InferCtx) error) func(*InferCtx) error {
	return func(c *InferCtx) error {
		w := WideRowsOf(c.Attrs)
		if w.Row == 0 && len(w.Ranges) == 0 {
			return infer(c)
		}
		sub := *c
		sub.In, sub.Out = append([]Value(nil), c.In...), make([]Value, len(c.Out))
		for _, r := range w.Ranges {
			if r.Input < 0 || r.Input >= len(sub.In) {
				return fmt.Errorf("ops: a range of channels for input %d of %d", r.Input, len(sub.In))
			}
			t := &sub.In[r.Input].Type
			if err := narrow(t, r); err != nil {
				return err
			}
		}
		if err := infer(&sub); err != nil {
			return err
		}
		t := sub.Out[0].Type
		if w.Row > 0 && t.Ranked && len(t.Dims) > 0 {
			last := len(t.Dims) - 1
			if n, ok := t.Dims[last].Const(); ok && int64(w.At)+n > int64(w.Row) {
				return fmt.Errorf("ops: %d channels from %d on in rows of %d", n, w.At, w.Row)
			}
			t.Dims = append(append([]Dim(nil), t.Dims[:last]...), mvConst(w.Row))
		}
		c.SetType(0, t)
		return nil
	}
}

// narrow makes t the type of the channels of r.
func narrow(t *Type, r ChannelRange) error {
	if !t.Ranked || len(t.Dims) == 0 {
		return nil
	}
	last := len(t.Dims) - 1
	if n, ok := t.Dims[last].Const(); r.From < 0 || r.Count < 0 || ok && int64(r.From+r.Count) > n {
		return fmt.Errorf("ops: channels %d to %d of an input of shape %v", r.From, r.From+r.Count, *t)
	}
	t.Dims = append(append([]Dim(nil), t.Dims[:last]...), mvConst(r.Count))
	return nil
}

// wideData returns the elements of t from channel at on, and how many channels it has.
func wideData(t *tensor.Tensor, at int) (x []float32, step int) {
	x, step = tensor.Of[float32](t), t.Shape()[t.Rank()-1]
	return x[min(at, len(x)):], step
}

// Place copies channels of X to those from at on of its output.

func placeInfer(c *InferCtx) error {
	c.SetType(0, c.Type(0))
	return nil
}

func placeKernel(k *KernelCtx) (Kernel, error) {
	w := WideRowsOf(k.Attrs)
	work := func(c *Call) Work {
		width := c.In[0].Shape()[c.In[0].Rank()-1]
		_, count := w.channels(0, width)
		return Work{Bytes: 8 * int64(c.In[0].Len()/max(1, width)*count)}
	}
	return Kernel{Work: work, Run: func(c *Call) error {
		x, y := c.In[0], c.Out[0]
		width, row := x.Shape()[x.Rank()-1], y.Shape()[y.Rank()-1]
		from, count := w.channels(0, width)
		if pixels := y.Len() / max(1, row); pixels > 0 {
			if x.Len() != pixels*width || from+count > width || w.At+count > row {
				return fmt.Errorf("ops: channels %d to %d of an input of shape %v do not go to channel %d of shape %v", from, from+count, x.Shape(), w.At, y.Shape())
			}
			blockCopy(mvDataOf(y), mvDataOf(x), pixels, count, row, w.At, width, from, c.Threads)
		}
		return nil
	}}, nil
}
