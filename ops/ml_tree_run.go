package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// treeFold is how the weights of a sample's leaves become one score.
type treeFold uint8

// The aggregate functions, in the numbering of TreeEnsemble.
const (
	foldAverage treeFold = iota
	foldSum
	foldMin
	foldMax
)

// treeBlock is the number of samples that go down a tree before the next tree's turn.
const treeBlock = 32

// treeRun is an ensemble with what its operator does to the sums.
type treeRun[T float32 | float64] struct {
	*treeEnsemble[T]
	fold   treeFold
	single bool // every tree adds one weight to output 0
	base   []T
	finish func(t *treeTask[T], row int, scores []T, has []uint8) // puts the scores of one sample out
	tasks  sync.Pool                                              // of *treeTask[T]
}

// treeTask is one call of an ensemble: a chunk is a block of samples.
type treeTask[T float32 | float64] struct {
	*treeRun[T]
	x      []T
	width  int
	rows   int
	grain  int
	scores []T
	has    []uint8
	out    []float32
	wide   []T // the output of TreeEnsemble
	labels mlLabelSink
}

// scratch is the memory for converted samples, scores and which scores exist.
func (r *treeRun[T]) scratch(c *Call) int {
	rows, _, err := mlRows(c.In[0].Shape())
	if err != nil {
		return 0
	}
	return mlInputBytes[T](c) + carveBytes(rows*r.targets, tensor.DTypeOf[T]().Size()) + carveBytes(rows*r.targets, 1)
}

// run sums up all samples. open prepares the outputs.
func (r *treeRun[T]) run(c *Call, open func(t *treeTask[T], c *Call) error) error {
	rows, width, err := mlRows(c.In[0].Shape())
	if err != nil {
		return err
	}
	if width < r.features {
		return fmt.Errorf("ops: samples have %d features, the ensemble looks at %d", width, r.features)
	}
	t, _ := r.tasks.Get().(*treeTask[T])
	if t == nil {
		t = &treeTask[T]{treeRun: r}
	}
	t.rows, t.width = rows, width
	var rest []byte
	t.x, rest = mlInput[T](c)
	t.scores, rest = carve[T](rest, rows*r.targets)
	t.has, _ = carve[uint8](rest, rows*r.targets)
	if err = open(t, c); err == nil {
		chunks := 0
		chunks, t.grain = par.Split(rows, treeBlock)
		par.Run(c.Threads, chunks, t)
	}
	t.x, t.scores, t.has, t.out, t.wide, t.labels = nil, nil, nil, nil, nil, mlLabelSink{}
	r.tasks.Put(t)
	return err
}

// Chunk scores one chunk of samples, block by block.
func (t *treeTask[T]) Chunk(i int) {
	lo, hi := par.Range(i, t.grain, t.rows)
	for ; lo < hi; lo += treeBlock {
		t.block(lo, min(lo+treeBlock, hi))
	}
}

func (t *treeTask[T]) block(lo, hi int) {
	n := t.targets
	scores, has := t.scores[lo*n:hi*n], t.has[lo*n:hi*n]
	clear(scores)
	clear(has)
	x := t.x[lo*t.width : hi*t.width]
	switch {
	case t.careful || !finite(x):
		for i := range t.roots {
			r := &t.roots[i]
			for row := range hi - lo {
				t.add(t.leafMissing(r, x[row*t.width:][:t.width]), scores[row*n:][:n], has[row*n:][:n])
			}
		}
	case t.single && t.fold <= foldSum:
		t.sum(x, scores)
		for i := range has {
			has[i] = 1
		}
	case t.dense && t.fold <= foldSum:
		for i := range t.roots {
			t.walkDense(&t.roots[i], x, scores)
		}
		for i := range has {
			has[i] = 1
		}
	default:
		for i := range t.roots {
			t.walk(&t.roots[i], x, scores, has)
		}
	}
	if t.fold == foldAverage {
		for i := range scores {
			scores[i] /= T(len(t.roots))
		}
	}
	for row := lo; row < hi; row++ {
		k := (row - lo) * n
		t.finish(t, row, scores[k:k+n], has[k:k+n])
	}
}

func finite[T float32 | float64](x []T) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// sum adds the weights of all trees for finite samples, where all of them go to the only output.
func (t *treeTask[T]) sum(x, scores []T) {
	nodes, w := t.nodes, t.width
	fours := len(scores) &^ 3
	for i := range t.roots {
		r := &t.roots[i]
		for row := 0; row < fours; row += 4 {
			var a, b, c, d int32
			if r.depth <= fixedDepth {
				a, b, c, d = t.leaf4(r, x[row*w:], w)
			} else {
				a, b = t.leaf(r, x[row*w:][:w]), t.leaf(r, x[(row+1)*w:][:w])
				c, d = t.leaf(r, x[(row+2)*w:][:w]), t.leaf(r, x[(row+3)*w:][:w])
			}
			scores[row] += nodes[a].split
			scores[row+1] += nodes[b].split
			scores[row+2] += nodes[c].split
			scores[row+3] += nodes[d].split
		}
	}
	for row := fours; row < len(scores); row++ {
		scores[row] = t.sumOne(x[row*w:][:w])
	}
}

// sumOne is sum for a single sample: four trees at a time, added in the same order.
func (t *treeTask[T]) sumOne(x []T) (sum T) {
	nodes, r := t.nodes, t.roots
	for ; len(r) >= 4; r = r[4:] {
		depth := max(r[0].depth, r[1].depth, r[2].depth, r[3].depth)
		var a, b, c, d int32
		if depth <= fixedDepth {
			a, b, c, d = t.trees4(r, x, depth)
		} else {
			a, b, c, d = t.leaf(&r[0], x), t.leaf(&r[1], x), t.leaf(&r[2], x), t.leaf(&r[3], x)
		}
		sum += nodes[a].split
		sum += nodes[b].split
		sum += nodes[c].split
		sum += nodes[d].split
	}
	for i := range r {
		sum += nodes[t.leaf(&r[i], x)].split
	}
	return sum
}

// walk is one tree for a block of finite samples.
func (t *treeTask[T]) walk(r *treeRoot, x, scores []T, has []uint8) {
	n, w := t.targets, t.width
	rows := len(scores) / n
	row := 0
	if r.depth <= fixedDepth {
		for ; row+4 <= rows; row += 4 {
			a, b, c, d := t.leaf4(r, x[row*w:], w)
			t.add(a, scores[row*n:][:n], has[row*n:][:n])
			t.add(b, scores[(row+1)*n:][:n], has[(row+1)*n:][:n])
			t.add(c, scores[(row+2)*n:][:n], has[(row+2)*n:][:n])
			t.add(d, scores[(row+3)*n:][:n], has[(row+3)*n:][:n])
		}
		if row+2 <= rows {
			a, b := t.leaf2(r, x[row*w:], w)
			t.add(a, scores[row*n:][:n], has[row*n:][:n])
			t.add(b, scores[(row+1)*n:][:n], has[(row+1)*n:][:n])
			row += 2
		}
	}
	for ; row < rows; row++ {
		t.add(t.leaf(r, x[row*w:][:w]), scores[row*n:][:n], has[row*n:][:n])
	}
}

// walkDense is walk for leaves with one weight for each output, which are summed.
func (t *treeTask[T]) walkDense(r *treeRoot, x, scores []T) {
	n, w := t.targets, t.width
	rows := len(scores) / n
	row := 0
	if r.depth <= fixedDepth {
		for ; row+4 <= rows; row += 4 {
			a, b, c, d := t.leaf4(r, x[row*w:], w)
			s := scores[row*n : (row+4)*n]
			t.addDense(a, s[:n])
			t.addDense(b, s[n:2*n])
			t.addDense(c, s[2*n:3*n])
			t.addDense(d, s[3*n:])
		}
		if row+2 <= rows {
			a, b := t.leaf2(r, x[row*w:], w)
			s := scores[row*n : (row+2)*n]
			t.addDense(a, s[:n])
			t.addDense(b, s[n:])
			row += 2
		}
	}
	for ; row < rows; row++ {
		t.addDense(t.leaf(r, x[row*w:][:w]), scores[row*n:][:n])
	}
}

func (t *treeTask[T]) addDense(leaf int32, s []T) {
	w := t.weights[t.first[leaf]:]
	for k := range s {
		s[k] += w[k].value
	}
}

// add folds the weights of a leaf into the scores of a sample.
func (t *treeTask[T]) add(leaf int32, scores []T, has []uint8) {
	for _, w := range t.weights[t.first[leaf]:t.first[leaf+1]] {
		s := &scores[w.target]
		switch {
		case t.fold <= foldSum:
			*s += w.value
		case has[w.target] == 0, t.fold == foldMin && w.value < *s, t.fold == foldMax && w.value > *s:
			*s = w.value
		}
		has[w.target] = 1
	}
}
