package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
)

// heads says where the vectors of heads are: base is [batch, heads, length, size] without a view, else [batch, length,
// anything...] with heads, size, offset and distance as the fused node takes them.
type heads struct {
	base *graph.Value
	view []int64
}

// count returns the number of heads.
func (h heads) count() ops.Dim {
	if h.view == nil {
		return h.base.Dims[1]
	}
	return sym.Const(h.view[0])
}

// scaledView finds the heads of v behind factors, which it multiplies. v is [batch, heads, length, size], with the last two
// axes swapped if transposed is set; base is nil where nothing fits.
func (r *rewriter) scaledView(v *graph.Value, transposed bool) (heads, float64) {
	f := 1.0
	scales := func() {
		for v.From != nil && v.From.Domain == "" && (v.From.Type == "Mul" || v.From.Type == "Div") && r.live(v.From) {
			x, c := factor(v.From)
			if x == nil {
				return
			}
			v, f = x, f*c
		}
	}
	scales()
	if transposed {
		u, seqFirst := r.untransposed(v)
		switch {
		case u == nil:
			return heads{}, 0
		case seqFirst:
			h := r.lengthFirst(u)
			return h, f
		}
		v = u
		scales()
	}
	h := r.headsOf(v)
	if t := r.by(h.base, "Mul"); t != nil && h.view != nil {
		if x, c := factor(t); x != nil { // scaled before the heads were split
			p := r.part(x, h.view)
			return p, f * c
		}
	}
	return h, f
}

// untransposed returns what v [batch, heads, size, length] is a transposition of: [batch, heads, length, size], or with
// lengthFirst [batch, length, heads, size].
func (r *rewriter) untransposed(v *graph.Value) (u *graph.Value, lengthFirst bool) {
	if t := r.by(v, "Transpose"); t != nil {
		switch perm := t.Attrs.IntList("perm"); {
		case slices.Equal(perm, []int64{0, 1, 3, 2}):
			return t.In[0], false
		case slices.Equal(perm, []int64{0, 2, 3, 1}):
			return t.In[0], true
		}
		return nil, false
	}
	// [batch, heads, length, size] -> [batch*heads, length, size] -> [batch*heads, size, length] -> v
	split := r.by(v, "Reshape")
	if split == nil {
		return nil, false
	}
	t := r.by(split.In[0], "Transpose")
	if t == nil || !slices.Equal(t.Attrs.IntList("perm"), []int64{0, 2, 1}) {
		return nil, false
	}
	merge := r.by(t.In[0], "Reshape")
	if merge == nil {
		return nil, false
	}
	if x := r.repeats(merge, v.Dims[0], v.Dims[3], v.Dims[2]); x != nil && slices.EqualFunc(merge.Out[0].Dims[1:], x.Dims[2:], ops.Dim.Equal) {
		return x, false
	}
	if merge.In[0].Rank() != 4 {
		return nil, false
	}
	for i, axis := range [4]int{0, 1, 3, 2} {
		if !merge.In[0].Dims[i].Equal(v.Dims[axis]) {
			return nil, false
		}
	}
	return merge.In[0], false
}

// headsOf finds the heads of v, [batch, heads, length, size].
func (r *rewriter) headsOf(v *graph.Value) heads {
	plain := heads{base: v}
	if v.Rank() != 4 {
		return heads{}
	}
	if t := r.by(v, "Transpose"); t != nil && slices.Equal(t.Attrs.IntList("perm"), []int64{0, 2, 1, 3}) {
		return r.lengthFirst(t.In[0])
	}
	if x := r.repeated(v); x != nil {
		return r.headsOf(x)
	}
	// One of the parts of [parts, batch, heads, length, size].
	whole, i := r.picked(v, 0)
	t := r.by(whole, "Transpose")
	if t == nil || t.In[0].Rank() != 5 {
		return plain
	}
	h, ok1 := v.Dims[1].Const()
	d, ok2 := v.Dims[3].Const()
	n, ok3 := whole.Dims[0].Const()
	if !ok1 || !ok2 || !ok3 {
		return plain
	}
	switch perm := t.Attrs.IntList("perm"); {
	case slices.Equal(perm, []int64{2, 0, 3, 1, 4}):
		return heads{t.In[0], []int64{h, d, i * h * d, d}}
	case slices.Equal(perm, []int64{3, 0, 2, 1, 4}):
		return heads{t.In[0], []int64{h, d, i * d, n * d}}
	}
	return plain
}

// repeated returns the value whose heads v has each several times, [batch, fewer heads, length, size], nil if v is not
// written so.
func (r *rewriter) repeated(v *graph.Value) *graph.Value {
	merge := r.by(v, "Reshape")
	if merge == nil {
		return nil
	}
	return r.repeats(merge, v.Dims[0], v.Dims[2], v.Dims[3])
}

// repeats returns the value, [batch, fewer heads, length, size], whose heads are each there several times in what merge makes.
func (r *rewriter) repeats(merge *graph.Node, batch, length, size ops.Dim) *graph.Value {
	expand := r.by(merge.In[0], "Expand")
	if expand == nil || expand.Out[0].Rank() != 5 {
		return nil
	}
	split := expand.In[0].From
	if split == nil || !r.live(split) || !is(split, "Unsqueeze") && !is(split, "Reshape") {
		return nil
	}
	x, e, one := split.In[0], expand.Out[0], expand.In[0]
	if x.Rank() != 4 || one.Rank() != 5 {
		return nil
	}
	if d, ok := one.Dims[2].Const(); !ok || d != 1 {
		return nil
	}
	for i, axis := range [4]int{0, 1, 3, 4} {
		if !x.Dims[i].Equal(one.Dims[axis]) || !e.Dims[axis].Equal(one.Dims[axis]) {
			return nil
		}
	}
	if !batch.Equal(x.Dims[0]) || !length.Equal(x.Dims[2]) || !size.Equal(x.Dims[3]) {
		return nil
	}
	return x
}

// lengthFirst finds the heads of u, [batch, length, heads, size].
func (r *rewriter) lengthFirst(u *graph.Value) heads {
	if u.Rank() != 4 {
		return heads{}
	}
	h, ok1 := u.Dims[2].Const()
	d, ok2 := u.Dims[3].Const()
	if !ok1 || !ok2 {
		return heads{}
	}
	view := []int64{h, d, 0, d}
	if whole, i := r.picked(u, 2); whole != nil { // of [batch, length, parts, heads, size]
		view[2] = i * h * d
		return heads{whole, view}
	}
	s := r.by(u, "Reshape")
	if s == nil || s.In[0].Rank() != 3 || !s.In[0].Dims[0].Equal(u.Dims[0]) || !s.In[0].Dims[1].Equal(u.Dims[1]) {
		return heads{u, view}
	}
	return r.part(s.In[0], view)
}

// part moves a view of w, [batch, length, width], to what w is a range of, if it is.
func (r *rewriter) part(w *graph.Value, view []int64) heads {
	n := w.From
	if n == nil || n.Domain != "" || !r.live(n) || n.In[0] == nil || n.In[0].Rank() != 3 {
		return heads{w, view}
	}
	if start, ok := r.rangeOf(w, 2); ok {
		view = slices.Clone(view)
		view[2] += start
		return heads{n.In[0], view}
	}
	return heads{w, view}
}

// rangeOf returns where v starts along the axis of the input of the Split or Slice that makes it.
func (r *rewriter) rangeOf(v *graph.Value, axis int) (start int64, ok bool) {
	switch n := v.From; {
	case is(n, "Split"):
		if a := n.Attrs.IntOr("axis", 0); a != axis && a != axis-n.In[0].Rank() {
			return 0, false
		}
		for _, o := range n.Out[:v.Index] {
			if o == nil || !o.Ranked {
				return 0, false
			}
			d, ok := o.Dims[axis].Const()
			if !ok {
				return 0, false
			}
			start += d
		}
		return start, true
	case is(n, "Slice"):
		return sliceStart(n, axis)
	}
	return 0, false
}

// sliceStart returns where a Slice along just one axis starts.
func sliceStart(n *graph.Node, axis int) (int64, bool) {
	list := func(i int, name string) []int64 {
		if i < len(n.In) && n.In[i] != nil {
			v, _ := n.In[i].Ints()
			return v
		}
		return n.Attrs.IntList(name)
	}
	starts, axes, steps := list(1, "starts"), list(3, "axes"), list(4, "")
	if len(axes) == 0 {
		axes = []int64{0}
	}
	rank := int64(n.In[0].Rank())
	if len(starts) != 1 || len(axes) != 1 || axes[0] != int64(axis) && axes[0] != int64(axis)-rank || len(steps) > 0 && steps[0] != 1 {
		return 0, false
	}
	d, ok := n.In[0].Dims[axis].Const()
	start := starts[0]
	if start < 0 {
		start += d
	}
	return start, ok && start >= 0 && start < d
}

// picked returns the value that has one axis more than v, of which v is position i.
func (r *rewriter) picked(v *graph.Value, axis int) (whole *graph.Value, i int64) {
	n := v.From
	if n == nil || n.Domain != "" || !r.live(n) {
		return nil, 0
	}
	rank := v.Rank() + 1
	switch n.Type {
	case "Gather":
		list, ok := n.In[1].Ints()
		a := n.Attrs.IntOr("axis", 0)
		if !ok || n.In[1].Rank() != 0 || n.In[0].Rank() != rank || a != axis && a != axis-rank {
			return nil, 0
		}
		d, ok := n.In[0].Dims[axis].Const()
		at := list[0]
		if at < 0 {
			at += d
		}
		if !ok || at < 0 || at >= d {
			return nil, 0
		}
		return n.In[0], at
	case "Squeeze", "Reshape":
		one := n.In[0]
		if one.Rank() != rank || one.From == nil || !r.live(one.From) {
			return nil, 0
		}
		for j, d := range one.Dims {
			if c, ok := d.Const(); j == axis && (!ok || c != 1) {
				return nil, 0
			}
			if j != axis && !d.Equal(v.Dims[j-int(flag(j > axis))]) {
				return nil, 0
			}
		}
		if start, ok := r.rangeOf(one, axis); ok {
			return one.From.In[0], start
		}
	}
	return nil, 0
}
