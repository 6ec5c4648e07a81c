package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// tfidfWidth is the number of columns: one more than the greatest index.
func tfidfWidth(a Attrs) (int, error) {
	width := int64(0)
	for _, i := range a.IntList("ngram_indexes") {
		if i < 0 || i >= math.MaxInt32 {
			return 0, fmt.Errorf("ops: ngram_indexes hold %d", i)
		}
		width = max(width, i+1)
	}
	return int(width), nil
}

func tfidfInfer(c *InferCtx) error {
	n, err := tfidfWidth(c.Attrs)
	if err != nil {
		return err
	}
	x, w := c.Type(0), sym.Const(int64(n))
	switch {
	case !x.Ranked:
		c.SetType(0, Unranked(tensor.Float32))
	case len(x.Dims) == 1:
		c.Set(0, tensor.Float32, w)
	case len(x.Dims) == 2:
		c.Set(0, tensor.Float32, x.Dims[0], w)
	default:
		return fmt.Errorf("ops: input has shape %v, want [C] or [N, C]", x)
	}
	return nil
}

// tfidf counts n-grams. They stand in a tree of tokens: an edge leads from a node, by the number of a token, to the
// next; column is that of the n-gram that ends in a node, -1 for none.
type tfidf struct {
	strs        map[string]int64
	ints        map[int64]int64
	edges       map[[2]int64]int64
	column      []int64
	width       int
	least, most int // lengths of n-grams that count
	skip        int
	weights     []float32 // by column
	tf, idf     bool
}

func tfidfKernel(k *KernelCtx) (Kernel, error) {
	width, err := tfidfWidth(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	t := &tfidf{strs: map[string]int64{}, ints: map[int64]int64{}, edges: map[[2]int64]int64{}, column: []int64{-1},
		width: width, least: k.Int("min_gram_length"), most: k.Int("max_gram_length"), skip: k.Int("max_skip_count")}
	switch s := k.Str("mode"); s {
	case "TF":
		t.tf = true
	case "IDF":
		t.idf = true
	case "TFIDF":
		t.tf, t.idf = true, true
	default:
		return Kernel{}, fmt.Errorf("ops: mode is %q", s)
	}
	if t.least < 1 || t.most < t.least || t.skip < 0 {
		return Kernel{}, fmt.Errorf("ops: n-grams of %d to %d tokens with skips up to %d", t.least, t.most, t.skip)
	}
	if err := t.load(k.Attrs); err != nil {
		return Kernel{}, err
	}
	if weights := k.FloatList("weights"); len(weights) == 0 {
		t.idf = false
	} else if err := t.weigh(weights, k.IntList("ngram_indexes")); err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: t.run, Scratch: func(c *Call) int { return carveBytes(c.In[0].Len(), 8) }}, nil
}

// weigh gives every column the weight of its n-gram.
func (t *tfidf) weigh(weights []float32, columns []int64) error {
	if len(weights) < len(columns) {
		return fmt.Errorf("ops: %d weights for %d n-grams", len(weights), len(columns))
	}
	t.weights = make([]float32, t.width)
	for i, col := range columns {
		t.weights[col] = weights[i]
	}
	return nil
}

// load builds the tree from the pool, which lists all n-grams of length 1, then of 2 and so on; ngram_counts says
// where each length begins.
func (t *tfidf) load(a Attrs) error {
	strs, ints := a.StrList("pool_strings"), a.IntList("pool_int64s")
	var pool []int64
	for _, s := range strs {
		if _, ok := t.strs[s]; !ok {
			t.strs[s] = int64(len(t.strs))
		}
		pool = append(pool, t.strs[s])
	}
	for _, v := range ints {
		if len(strs) > 0 {
			break
		}
		if _, ok := t.ints[v]; !ok {
			t.ints[v] = int64(len(t.ints))
		}
		pool = append(pool, t.ints[v])
	}
	starts, columns := a.IntList("ngram_counts"), a.IntList("ngram_indexes")
	gram := 0
	for i, lo := range starts {
		n, hi := int64(i+1), int64(len(pool))
		if i+1 < len(starts) {
			hi = starts[i+1]
		}
		if lo < 0 || hi < lo || hi > int64(len(pool)) || (hi-lo)%n != 0 {
			return fmt.Errorf("ops: ngram_counts are %v for a pool of %d tokens", starts, len(pool))
		}
		for ; lo < hi; lo += n {
			if gram >= len(columns) {
				return fmt.Errorf("ops: more n-grams than the %d ngram_indexes", len(columns))
			}
			if int(n) >= t.least && int(n) <= t.most {
				t.insert(pool[lo:lo+n], columns[gram])
			}
			gram++
		}
	}
	return nil
}

func (t *tfidf) insert(gram []int64, column int64) {
	node := int64(0)
	for _, token := range gram {
		key := [2]int64{node, token}
		next, ok := t.edges[key]
		if !ok {
			next = int64(len(t.column))
			t.column = append(t.column, -1)
			t.edges[key] = next
		}
		node = next
	}
	t.column[node] = column
}

func (t *tfidf) run(c *Call) error {
	s := c.In[0].Shape()
	if len(s) < 1 || len(s) > 2 {
		return fmt.Errorf("ops: input has shape %v, want [C] or [N, C]", []int(s))
	}
	rows, n := s[:len(s)-1].Len(), s[len(s)-1]
	y := tensor.Of[float32](c.Out[0])
	if len(y) != rows*t.width {
		return fmt.Errorf("ops: output has %d elements for %d rows of %d", len(y), rows, t.width)
	}
	tokens, _ := carve[int64](c.Scratch, rows*n)
	switch c.In[0].DType() {
	case tensor.String:
		tokenNumbers(tokens, c.In[0].Strings(), t.strs)
	case tensor.Int64:
		tokenNumbers(tokens, tensor.Of[int64](c.In[0]), t.ints)
	case tensor.Int32:
		for i, v := range tensor.Of[int32](c.In[0]) {
			tokens[i] = -1
			if k, ok := t.ints[int64(v)]; ok {
				tokens[i] = k
			}
		}
	default:
		return Unsupported("element type %v", c.In[0].DType())
	}
	clear(y)
	for r := range rows {
		out := y[r*t.width:][:t.width]
		t.count(out, tokens[r*n:][:n])
		for i, v := range out {
			if v > 0 && !t.tf {
				out[i] = 1
			}
			if t.idf {
				out[i] *= t.weights[i]
			}
		}
	}
	return nil
}

func tokenNumbers[K comparable](dst []int64, src []K, numbers map[K]int64) {
	for i, v := range src {
		dst[i] = -1
		if k, ok := numbers[v]; ok {
			dst[i] = k
		}
	}
}

// count counts the n-grams of a row at every distance between tokens; single tokens have no distance.
func (t *tfidf) count(out []float32, tokens []int64) {
	least := t.least
	for step := 1; step <= min(t.skip, len(tokens))+1; step++ {
		for start := range tokens {
			node := int64(0)
			for i, n := start, 1; i < len(tokens) && n <= t.most; i, n = i+step, n+1 {
				next, ok := t.edges[[2]int64{node, tokens[i]}]
				if !ok {
					break
				}
				node = next
				if col := t.column[node]; n >= least && col >= 0 {
					out[col]++
				}
			}
		}
		if least = max(least, 2); least > t.most {
			return
		}
	}
}
