package finetune

import (
	"slices"
	"sort"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/kernel/optim"
	"github.com/onnxrun/onnxrun/tensor"
)

// A gradient is that of a parameter: of all elements, or of some rows where all others have none.
type gradient struct {
	dense []float32
	ids   []int64   // of the rows, rising, where dense is nil
	rows  []float32 // [at least len(ids), width]
	width int
}

// rowLists emits lists of rows in place of the gradients of tables of which a batch reads few rows: of those that come from one
// gather alone. ids has the indices, nil for gradients that stay dense.
func rowLists(e *autodiff.Emitter, dx []*graph.Value) (ids []*graph.Value, err error) {
	ids = make([]*graph.Value, len(dx))
	for k, v := range dx {
		n := v.From
		if n == nil || n.Domain != "onnxrun" || n.Type != "GatherGrad" || n.Attrs.Int("axis") != 0 || !sparse(v, n.In[1]) {
			continue
		}
		if slices.ContainsFunc(e.Nodes, func(user *graph.Node) bool { return slices.Contains(user.In, v) }) {
			continue
		}
		out, err := e.Node(2, "onnxrun", "GatherGradRows", nil, n.In...)
		if err != nil {
			return nil, err
		}
		ids[k], dx[k] = out[0], out[1]
		e.Nodes = slices.DeleteFunc(e.Nodes, func(o *graph.Node) bool { return o == n })
	}
	return ids, nil
}

// sparse reports whether less than half of a gradient's rows have an index, so that a list of rows is smaller.
func sparse(v, index *graph.Value) bool {
	shape, ok := v.Static()
	count, known := index.Static()
	return ok && known && v.DType == tensor.Float32 && len(shape) > 0 && shape.Len() > 0 && shape.Len()/shape[0] <= blockLength &&
		2*count.Len() < shape[0]
}

// gradientOf returns the gradient of parameter k that a run of p has made.
func (p *program) gradientOf(k int, w *Param) gradient {
	x := tensor.Of[float32](p.suffix.outs[1+k])
	if !p.byRows(k) {
		return gradient{dense: x}
	}
	return gradientFrom(x, tensor.Of[int64](p.suffix.outs[p.ids[k]]), w)
}

// gradientFrom returns the gradient of a parameter: x are its elements, or the rows of the given indices, behind which negative
// ones may follow.
func gradientFrom(x []float32, ids []int64, w *Param) gradient {
	if ids == nil {
		return gradient{dense: x}
	}
	n := sort.Search(len(ids), func(i int) bool { return ids[i] < 0 })
	return gradient{ids: ids[:n], rows: x, width: w.width()}
}

// gather makes the gradient of a batch, whose share in the mean loss of the step is given, part of that of the step.
func (p *Param) gather(g gradient, share float32, first bool) {
	if share == 1 {
		p.sum = g
		return
	}
	if first {
		p.sum = gradient{}
	}
	p.sum = p.parts.add(p.sum, g, share, p.W.Len())
}

// within returns the rows, from lo on and without hi, of elements lo to hi, which are whole rows.
func (g *gradient) within(lo, hi int) (from, to int) {
	from = sort.Search(len(g.ids), func(i int) bool { return int(g.ids[i])*g.width >= lo })
	return from, from + sort.Search(len(g.ids)-from, func(i int) bool { return int(g.ids[from+i])*g.width >= hi })
}

// squares is the sum of the squares of elements lo to hi.
func (g *gradient) squares(lo, hi int) float64 {
	if g.dense != nil {
		return optim.SumSquares(g.dense[lo:hi])
	}
	from, to := g.within(lo, hi)
	return optim.SumSquares(g.rows[from*g.width : to*g.width])
}

// spread writes elements lo to hi, which are whole rows of a list, to dst. It reports whether any row is not zero.
func (g *gradient) spread(dst []float32, lo, hi int) bool {
	if g.dense != nil {
		copy(dst, g.dense[lo:hi])
		return true
	}
	from, to := g.within(lo, hi)
	if from == to {
		return false
	}
	clear(dst)
	for i := from; i < to; i++ {
		copy(dst[int(g.ids[i])*g.width-lo:], g.rows[i*g.width:][:g.width])
	}
	return true
}

// addTo adds the gradient times a factor to a dense one.
func (g *gradient) addTo(sum []float32, factor float32) {
	if g.dense != nil {
		optim.AddScaled(sum, g.dense, factor)
		return
	}
	for i, id := range g.ids {
		optim.AddScaled(sum[int(id)*g.width:][:g.width], g.rows[i*g.width:][:g.width], factor)
	}
}

// A gradientSum is the storage of a sum over the batches of a step.
type gradientSum struct {
	all  []float32
	list [2]rowList // taken in turns
	turn int
}

type rowList struct {
	ids  []int64
	rows []float32
}

// add returns sum + factor*g for a parameter of n elements; sum is zero or what add returned before.
func (s *gradientSum) add(sum, g gradient, factor float32, n int) gradient {
	if sum.dense == nil && g.dense == nil {
		return s.merge(sum, g, factor)
	}
	if sum.dense == nil {
		sum.addTo(s.none(n).dense, 1)
	}
	g.addTo(s.all, factor)
	return gradient{dense: s.all}
}

// none returns the sum of no gradients of n elements.
func (s *gradientSum) none(n int) gradient {
	if s.all == nil {
		s.all = make([]float32, n)
	}
	clear(s.all)
	return gradient{dense: s.all}
}

// merge is add for two lists of rows.
func (s *gradientSum) merge(a, b gradient, factor float32) gradient {
	to := &s.list[s.turn]
	s.turn = 1 - s.turn
	room := len(a.ids) + len(b.ids)
	to.ids, to.rows = slices.Grow(to.ids[:0], room), slices.Grow(to.rows[:0], room*b.width)
	for i, k := 0, 0; i < len(a.ids) || k < len(b.ids); {
		switch {
		case k == len(b.ids) || i < len(a.ids) && a.ids[i] < b.ids[k]:
			to.push(a.ids[i], a.rows[i*b.width:][:b.width])
			i++
			continue
		case i < len(a.ids) && a.ids[i] == b.ids[k]:
			to.push(a.ids[i], a.rows[i*b.width:][:b.width])
			i++
		default:
			to.push(b.ids[k], zeros[:b.width])
		}
		optim.AddScaled(to.rows[len(to.rows)-b.width:], b.rows[k*b.width:][:b.width], factor)
		k++
	}
	return gradient{ids: to.ids, rows: to.rows, width: b.width}
}

func (l *rowList) push(id int64, row []float32) {
	l.ids, l.rows = append(l.ids, id), append(l.rows, row...)
}

// blockLength bounds the elements of a gradient by rows that are spread out at once. They stay in the first cache.
const blockLength = 1 << 12

// zeros are read where a block of a gradient has no rows.
var zeros [blockLength]float32
