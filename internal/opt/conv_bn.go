package opt

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// convBN folds a BatchNormalization in inference form into the constant weights and bias of the convolution
// before it.
func convBN(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if !is(n, "Conv") && !is(n, "ConvTranspose") || r.gone(n) {
				continue
			}
			bn := r.only(n.Out[0])
			if !is(bn, "BatchNormalization") || bn.In[0] != n.Out[0] || len(bn.Out) != 1 || bn.Attrs.Bool("training_mode") {
				continue
			}
			if w, b, ok := foldBN(n, bn); ok {
				c := *n
				c.In = []*graph.Value{n.In[0], w, b}
				r.replace(&c, bn, n)
			}
		}
		return nil
	})
}

func foldBN(n, bn *graph.Node) (w, b *graph.Value, ok bool) {
	weight := constFloats(n.In[1])
	factor, shift := normFactors(bn)
	channels := len(factor)
	if weight == nil || channels == 0 {
		return nil, nil, false
	}
	bias, scale := make([]float32, channels), make([]float32, channels)
	if len(n.In) > 2 && n.In[2] != nil {
		old := constFloats(n.In[2])
		if len(old) != channels {
			return nil, nil, false
		}
		copy(bias, old)
	}
	for i, f := range factor {
		scale[i], bias[i] = float32(f), float32(float64(bias[i])*f+shift[i])
	}
	shape := n.In[1].Const.Shape()
	transposed, group := is(n, "ConvTranspose"), n.Attrs.IntOr("group", 1)
	if !channelsFit(shape, len(scale), transposed, group) {
		return nil, nil, false
	}
	w = graph.Derive(n.In[1].Name, n.In[1], func(dst, src []float32, first int) {
		if transposed {
			scaleColumns(dst, src, scale, shape, group, first)
		} else {
			scaleRows(dst, src, scale[first:], shape[1:].Len())
		}
	})
	b = &graph.Value{Name: bn.In[2].Name, Value: ops.ConstValue(tensor.FromSlice(bias))}
	return w, b, true
}

// normFactors returns what a BatchNormalization in inference form multiplies each channel by and then adds, nil if its
// parameters are not constant.
func normFactors(bn *graph.Node) (scale, shift []float64) {
	var p [4][]float32
	for i := range p {
		if p[i] = constFloats(bn.In[i+1]); p[i] == nil || len(p[i]) != len(p[0]) {
			return nil, nil
		}
	}
	scale, shift = make([]float64, len(p[0])), make([]float64, len(p[0]))
	eps := float64(bn.Attrs.Float("epsilon"))
	for i := range scale {
		scale[i] = float64(p[0][i]) / math.Sqrt(float64(p[3][i])+eps)
		shift[i] = float64(p[1][i]) - float64(p[2][i])*scale[i]
	}
	return scale, shift
}

// channelsFit reports whether weights have the given number of output channels. Conv has these first;
// ConvTranspose has [in, out/group, ...].
func channelsFit(shape tensor.Shape, channels int, transposed bool, group int) bool {
	if len(shape) < 3 || group < 1 {
		return false
	}
	if transposed {
		return shape[1]*group == channels && shape[0]%group == 0
	}
	return shape[0] == channels
}

// scaleRows multiplies rows of so many elements by a factor each.
func scaleRows(dst, src, scale []float32, each int) {
	for i, at := 0, 0; at < len(src); at += each {
		vec.Mul(dst[at:at+each], src[at:at+each], scale[i:i+1])
		i++
	}
}

// scaleColumns multiplies weights [in, out/group, kernel...], from the input channel first on, by a factor for each output channel.
func scaleColumns(dst, src, scale []float32, shape tensor.Shape, group, first int) {
	kernel, perGroup := shape[2:].Len(), shape[0]/group
	row := make([]float32, shape[1]*kernel) // the factors of an input channel's weights
	for at := 0; at < len(src); at += len(row) {
		in := first + at/len(row)
		if at == 0 || in%perGroup == 0 {
			for i, f := range scale[in/perGroup*shape[1]:][:shape[1]] {
				vec.Fill(row[i*kernel:][:kernel], f)
			}
		}
		vec.Mul(dst[at:at+len(row)], src[at:at+len(row)], row)
	}
}

// constFloats returns the elements of a float32 constant, nil if v is none.
func constFloats(v *graph.Value) []float32 {
	if v == nil || v.Const == nil || v.Const.DType() != tensor.Float32 {
		return nil
	}
	return tensor.Of[float32](v.Const)
}
