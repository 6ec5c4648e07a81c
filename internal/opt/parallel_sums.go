package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// largest returns the convolution with the most kernel elements, nil if there is none or they differ in groups.
func (l *linear) largest() (main *graph.Node) {
	for _, t := range l.terms {
		switch {
		case t.conv == nil:
		case main == nil:
			main = t.conv
		case t.conv.Attrs.IntOr("group", 1) != main.Attrs.IntOr("group", 1):
			return nil
		case t.conv.In[1].Const.Len() > main.In[1].Const.Len():
			main = t.conv
		}
	}
	return main
}

// place finds the places of all terms in the kernel of main.
func (l *linear) place(main *graph.Node) bool {
	rank := l.out.Rank() - 2
	own := windowOf(main, rank)
	for i := range l.terms {
		t := &l.terms[i]
		if t.taps = windowOf(t.conv, rank).within(own); t.taps == nil {
			return false
		}
	}
	return true
}

// merged returns the convolution that computes the sum.
func (l *linear) merged(main *graph.Node) *graph.Node {
	var from []*graph.Value
	var convs, plain []linearTerm
	for _, t := range l.terms {
		if t.conv == nil {
			plain = append(plain, t)
			continue
		}
		convs, from = append(convs, t), append(from, t.conv.In[1])
		if w := t.conv.In[1]; w.Derived != nil && l.r.only(w) == t.conv {
			w.Derived.Discard()
		}
	}
	shape := main.In[1].Const.Shape()
	w := graph.DeriveSum(main.In[1].Name, from, shape, func(dst, src []float32, i int) {
		convs[i].addTo(dst, src, shape)
		if i == 0 {
			for _, t := range plain {
				t.addSelf(dst, shape)
			}
		}
	})
	c := *main
	c.In = []*graph.Value{l.x, w, vector(main.Path()+"/bias", l.shift())}
	return &c
}

// addTo adds the filter src, scaled, to dst of the given shape.
func (t *linearTerm) addTo(dst, src []float32, shape tensor.Shape) {
	taps := shape[2:].Len()
	own, rows := len(t.taps), shape[1]
	for c := range shape[0] {
		s := scaleAt(t.scale, c)
		to, from := dst[c*rows*taps:][:rows*taps], src[c*rows*own:][:rows*own]
		if own == taps {
			vec.Axpy(to, float32(s), from)
			continue
		}
		for i := range rows {
			for k, at := range t.taps {
				to[i*taps+at] += float32(s) * from[i*own+k]
			}
		}
	}
}

// addSelf adds the filter that hands on every channel, scaled.
func (t *linearTerm) addSelf(dst []float32, shape tensor.Shape) {
	taps, rows := shape[2:].Len(), shape[1]
	for c := range shape[0] {
		dst[(c*rows+c%rows)*taps+t.taps[0]] += float32(scaleAt(t.scale, c))
	}
}

// replaced lists the nodes beside the last that the convolution stands for.
func (l *linear) replaced() []*graph.Node {
	list := l.nodes[1:]
	for _, t := range l.terms {
		if t.conv != nil {
			list = append(list, t.conv)
		}
	}
	return list
}

// windowAxis is an axis of a window: element k of output o reads input o*stride + k*dilation - lo.
type windowAxis struct{ kernel, stride, dilation, lo int64 }

type windowAxes []windowAxis

// windowOf returns the window of a convolution with constant filter and explicit padding, or of single elements.
func windowOf(conv *graph.Node, rank int) windowAxes {
	list := slices.Repeat(windowAxes{{1, 1, 1, 0}}, rank)
	if conv == nil {
		return list
	}
	strides, dilations, pads := conv.Attrs.IntList("strides"), conv.Attrs.IntList("dilations"), conv.Attrs.IntList("pads")
	for i := range list {
		a := &list[i]
		a.kernel = int64(conv.In[1].Const.Shape()[2+i])
		if i < len(strides) {
			a.stride = strides[i]
		}
		if i < len(dilations) {
			a.dilation = dilations[i]
		}
		if i < len(pads) {
			a.lo = pads[i]
		}
	}
	return list
}

// within returns for each element of the window which one of main reads the same input, nil if one has none.
func (w windowAxes) within(main windowAxes) []int {
	places := []int{0}
	for i, a := range w {
		m := main[i]
		if a.stride != m.stride {
			return nil
		}
		var next []int
		for _, p := range places {
			for k := range a.kernel {
				d := k*a.dilation - a.lo + m.lo
				if m.dilation < 1 || d < 0 || d%m.dilation != 0 || d/m.dilation >= m.kernel {
					return nil
				}
				next = append(next, p*int(m.kernel)+int(d/m.dilation))
			}
		}
		places = next
	}
	return places
}
