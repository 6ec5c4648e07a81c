package ops

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// einsumPlanner knows the sizes of the labels.
type einsumPlanner struct {
	sizes map[int]int
	in    [][]int
	out   []int
}

// einsumOperand is a tensor whose labels are all different, with the stride of each. The strides of a label that occurs
// twice in an input add up, which reads its diagonal; that of a repeated dimension is 0.
type einsumOperand struct{ labels, step []int }

func (p *einsumPlanner) size(labels []int) int {
	n := 1
	for _, l := range labels {
		n *= p.sizes[l]
	}
	return n
}

func (p *einsumPlanner) operand(labels []int, shape tensor.Shape) (einsumOperand, error) {
	if _, err := shape.Count(); err != nil {
		return einsumOperand{}, err
	}
	var o einsumOperand
	for i, step := range shape.Strides() {
		if shape[i] == 1 {
			step = 0
		}
		if at := slices.Index(o.labels, labels[i]); at >= 0 {
			o.step[at] += step
		} else {
			o.labels, o.step = append(o.labels, labels[i]), append(o.step, step)
		}
	}
	return o, nil
}

// needed reports whether a label is in the result or in an input from number from on.
func (p *einsumPlanner) needed(l, from int) bool {
	return slices.Contains(p.out, l) || slices.ContainsFunc(p.in[from:], func(t []int) bool { return slices.Contains(t, l) })
}

// walk reads the operand in the order of the given labels and sums over its others.
func (o *einsumOperand) walk(p *einsumPlanner, labels []int) walk {
	w := walk{length: p.size(labels), sumCount: 1, plain: true}
	for _, l := range labels {
		step := 0
		if at := slices.Index(o.labels, l); at >= 0 {
			step = o.step[at]
		}
		w.dims, w.step = append(w.dims, p.sizes[l]), append(w.step, step)
	}
	for i, l := range o.labels {
		if !slices.Contains(labels, l) {
			w.sums, w.sumStep = append(w.sums, p.sizes[l]), append(w.sumStep, o.step[i])
			w.sumCount *= p.sizes[l]
		}
	}
	want := 1
	w.dst = make([]int, len(w.dims))
	for i := len(w.dims) - 1; i >= 0; i-- {
		w.dst[i] = want
		if w.dims[i] != 1 && w.step[i] != want {
			w.plain = false
		}
		want *= w.dims[i]
	}
	w.plain = w.plain && w.sumCount == 1
	return w
}

// join plans the product of left and right, which is input number i: how left has to lie, the step, and what results.
func (p *einsumPlanner) join(left, right einsumOperand, i int) (s einsumStep, form walk, result einsumOperand) {
	var batch, rows, inner, cols []int
	for _, l := range left.labels {
		shared, kept := slices.Contains(right.labels, l), p.needed(l, i+1)
		switch {
		case shared && kept:
			batch = append(batch, l)
		case shared:
			inner = append(inner, l)
		case kept:
			rows = append(rows, l)
		}
	}
	for _, l := range right.labels {
		if !slices.Contains(left.labels, l) && p.needed(l, i+1) {
			cols = append(cols, l)
		}
	}
	form = left.walk(p, slices.Concat(batch, rows, inner))
	s.right = right.walk(p, slices.Concat(batch, inner, cols))
	s.m, s.k, s.n = p.size(rows), p.size(inner), p.size(cols)
	count := p.size(batch)
	for b := range count {
		s.batch = append(s.batch, gemm.Item{A: b * s.m * s.k, B: b * s.k * s.n, C: b * s.m * s.n})
	}
	s.leftLen, s.rightLen, s.productSize = form.length, s.right.length, count*s.m*s.n
	result.labels = slices.Concat(batch, rows, cols)
	step := 1
	result.step = make([]int, len(result.labels))
	for j := len(result.labels) - 1; j >= 0; j-- {
		if n := p.sizes[result.labels[j]]; n != 1 {
			result.step[j] = step
			step *= n
		}
	}
	return s, form, result
}

// read sets dst to what w reads of src.
func read[T einsumElem](dst, src []T, w *walk, threads int) {
	switch {
	case w.plain:
		copy(dst, src)
		return
	case w.sumCount == 0:
		clear(dst)
		return
	case len(w.sums) == 0:
		box := move.Copy{Dims: w.dims, DstStride: w.dst, SrcStride: w.step, Width: elemSize[T]()}
		move.Strided(move.Bytes(dst), move.Bytes(src), box, threads)
		return
	}
	inner, step := 1, 0
	dims := w.dims
	if n := len(dims); n > 0 {
		inner, step, dims = dims[n-1], w.step[n-1], dims[:n-1]
	}
	for lo := 0; lo < len(dst); lo += inner {
		at, rest := 0, lo/inner
		for i := len(dims) - 1; i >= 0; i-- {
			at += rest % dims[i] * w.step[i]
			rest /= dims[i]
		}
		row := dst[lo : lo+inner]
		if step == 1 && inner > 1 {
			readSums(row, src[at:], w)
			continue
		}
		for j := range row {
			row[j] = readSum(src, at+j*step, w)
		}
	}
}

// readSums adds rows of src, each as long as dst, over the summed dimensions.
func readSums[T einsumElem](dst, src []T, w *walk) {
	clear(dst)
	for lo := range w.sumCount {
		from, rest := 0, lo
		for i := len(w.sums) - 1; i >= 0; i-- {
			from += rest % w.sums[i] * w.sumStep[i]
			rest /= w.sums[i]
		}
		addRow(dst, src[from:from+len(dst)])
	}
}

// addRow adds x to dst, element by element.
func addRow[T vec.Number](dst, x []T) {
	if f, ok := any(x).([]float32); ok {
		y := any(dst).([]float32)
		vec.Add(y, y, f)
		return
	}
	vec.AddOf(dst, dst, x)
}

// readSum adds the elements of src over the summed dimensions, from element at on.
func readSum[T einsumElem](src []T, at int, w *walk) T {
	var sum T
	last := len(w.sums) - 1
	n, step := w.sums[last], w.sumStep[last]
	for lo := range w.sumCount / n {
		from, rest := at, lo
		for i := last - 1; i >= 0; i-- {
			from += rest % w.sums[i] * w.sumStep[i]
			rest /= w.sums[i]
		}
		for j := range n {
			sum += src[from+j*step]
		}
	}
	return sum
}
