package convert

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// attention writes an Attention out. It holds for all versions; those before the first have no other way, the
// others come here for what they lack.
func attention(s *site) error {
	a := &attentionParts{site: s}
	for _, step := range []func() error{a.heads, a.past, a.scores, a.mask, a.finish} {
		if err := step(); err != nil {
			return err
		}
	}
	s.node = nil
	return nil
}

// attentionLengths is attention for nodes that say how long keys are, which version 23 does not know.
func attentionLengths(s *site) error {
	if s.in(6) == "" {
		return nil
	}
	return attention(s)
}

// attentionWindow is attention for nodes with a window, which version 24 does not know.
func attentionWindow(s *site) error {
	for _, name := range []string{"left_window_size", "right_window_size"} {
		n, err := s.int(name, -1)
		if err != nil {
			return err
		}
		if n >= 0 {
			return attention(s)
		}
	}
	return nil
}

// attentionParts holds the names of what has been written so far.
type attentionParts struct {
	*site
	dtype         tensor.DType
	flat          bool   // inputs of rank 3
	q, k, v       string // [batch, heads, length, size]
	queries, keys string // lengths, scalars
	offset        string // of the first query among the keys; per batch where lengths are given
	raw, capped   string // scores
	biased        string
	bias          string // "" for none
}

// heads brings the inputs into four dimensions.
func (a *attentionParts) heads() (err error) {
	if a.dtype, err = a.site.dtype(0); err != nil {
		return err
	}
	rank, err := a.rank(0)
	if err != nil {
		return err
	}
	a.flat = rank == 3
	names := [3]string{a.in(0), a.in(1), a.in(2)}
	for i := range names {
		attr := "kv_num_heads"
		if i == 0 {
			attr = "q_num_heads"
		}
		n, err := a.int(attr, 0)
		if err != nil {
			return err
		}
		if a.flat {
			if n < 1 {
				return fmt.Errorf("%s=%d", attr, n)
			}
			names[i] = a.emit("Transpose", []string{a.reshape(names[i], 0, 0, n, -1)}, onnx.NewInts("perm", 0, 2, 1, 3))
		}
	}
	a.q, a.k, a.v = names[0], names[1], names[2]
	return nil
}

// past puts what is known from before in front of keys and values, and repeats them for groups of queries.
func (a *attentionParts) past() error {
	for i, p := range []*string{&a.k, &a.v} {
		out := a.outputOr(1 + i)
		if before := a.in(4 + i); before != "" {
			a.emitTo(out, "Concat", []string{before, *p}, onnx.NewInt("axis", 2))
		} else {
			a.emitTo(out, "Identity", []string{*p})
		}
		*p = out
	}
	a.queries, a.keys = a.size(a.q, 2), a.size(a.k, 2)
	switch {
	case a.in(4) != "":
		a.offset = a.size(a.in(4), 2)
	case a.in(6) != "":
		lengths := a.cast(a.in(6), tensor.Int64)
		a.offset = a.unsqueeze(a.emit("Sub", []string{lengths, a.queries}), 1, 2)
	default:
		a.offset = a.tensor(tensor.Scalar(int64(0)))
	}
	q, err := a.headCount(0, "q_num_heads")
	if err != nil {
		return err
	}
	kv, err := a.headCount(1, "kv_num_heads")
	if err != nil || q == kv {
		return err
	}
	if q%kv != 0 {
		return fmt.Errorf("%d heads of queries and %d of keys", q, kv)
	}
	for _, p := range []*string{&a.k, &a.v} {
		shape := a.emit("Shape", []string{*p})
		batch := a.emit("Slice", []string{shape, a.vector(0), a.vector(1)})
		rest := a.emit("Slice", []string{shape, a.vector(2), a.vector(4)})
		wide := a.emit("Expand", []string{a.unsqueeze(*p, 2), a.vector(1, 1, q/kv, 1, 1)})
		*p = a.emit("Reshape", []string{wide, a.emit("Concat", []string{batch, a.vector(q), rest}, onnx.NewInt("axis", 0))})
	}
	return nil
}

// headCount returns the number of heads of input i.
func (a *attentionParts) headCount(i int, attr string) (int64, error) {
	if a.flat {
		return a.int(attr, 0)
	}
	if v := a.value(a.in(i)); len(v.Dims) == 4 {
		if n, ok := v.Dims[1].Const(); ok && n > 0 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("the number of heads of input %d (%s) is not known", i, a.in(i))
}

// size emits a dimension of a value, as a scalar.
func (a *attentionParts) size(x string, axis int64) string {
	return a.emit("Gather", []string{a.emit("Shape", []string{x}), a.tensor(tensor.Scalar(axis))}, onnx.NewInt("axis", 0))
}

// factor emits the root of the scale, by which queries and keys are multiplied.
func (a *attentionParts) factor() (string, error) {
	scale, err := a.given("scale")
	if err != nil {
		return "", err
	}
	if scale != nil {
		return a.scalar(a.dtype, math.Sqrt(float64(scale.F)))
	}
	wide := a.cast(a.size(a.q, 3), tensor.Float32)
	root := a.emit("Sqrt", []string{a.emit("Sqrt", []string{wide})})
	return a.cast(a.emit("Reciprocal", []string{root}), a.dtype), nil
}

// scores multiplies queries and keys.
func (a *attentionParts) scores() error {
	f, err := a.factor()
	if err != nil {
		return err
	}
	keys := a.emit("Transpose", []string{a.k}, onnx.NewInts("perm", 0, 1, 3, 2))
	a.raw = a.emit("MatMul", []string{a.emit("Mul", []string{a.q, f}), a.emit("Mul", []string{keys, f})})
	a.capped = a.raw
	softcap, err := a.attr("softcap")
	if err != nil || softcap == nil || softcap.F <= 0 {
		return err
	}
	limit, err := a.scalar(a.dtype, float64(softcap.F))
	if err != nil {
		return err
	}
	a.capped = a.emit("Mul", []string{a.emit("Tanh", []string{a.emit("Div", []string{a.raw, limit})}), limit})
	return nil
}

// mask adds up what keeps queries from keys: zero where they may meet, minus infinity where not.
func (a *attentionParts) mask() error {
	zero, err := a.scalar(a.dtype, 0)
	if err != nil {
		return err
	}
	never, err := a.scalar(a.dtype, math.Inf(-1))
	if err != nil {
		return err
	}
	add := func(x string) {
		if a.bias != "" {
			x = a.emit("Add", []string{a.bias, x})
		}
		a.bias = x
	}
	if a.in(3) != "" {
		m, err := a.padded(zero, never)
		if err != nil {
			return err
		}
		add(m)
	}
	allowed, err := a.reachable()
	if err != nil {
		return err
	}
	for _, x := range allowed {
		add(a.emit("Where", []string{x, zero, never}))
	}
	a.biased = a.capped
	if a.bias != "" {
		a.biased = a.emit("Add", []string{a.capped, a.bias})
	}
	return nil
}

// padded returns the mask as numbers to add, with as many columns as there are keys.
func (a *attentionParts) padded(zero, never string) (string, error) {
	m, v := a.in(3), a.value(a.in(3))
	if !v.Ranked || len(v.Dims) == 0 {
		return "", fmt.Errorf("the rank of input 3 (%s) is not known", m)
	}
	last := int64(len(v.Dims) - 1)
	more := a.emit("Sub", []string{a.keys, a.size(m, last)})
	pads := a.emit("Concat", []string{a.vector(make([]int64, 2*last+1)...), a.unsqueeze(more, 0)}, onnx.NewInt("axis", 0))
	if v.DType == tensor.Bool {
		m = a.emit("Where", []string{m, zero, never})
	}
	return a.emit("Pad", []string{m, pads, never}), nil
}

// reachable returns tables of which keys are in reach of which queries: causally, in the window, and at all.
func (a *attentionParts) reachable() ([]string, error) {
	zero, one := a.tensor(tensor.Scalar(int64(0))), a.tensor(tensor.Scalar(int64(1)))
	key := a.emit("Range", []string{zero, a.keys, one})
	query := a.unsqueeze(a.emit("Range", []string{zero, a.queries, one}), 1)
	ahead := a.emit("Sub", []string{a.emit("Add", []string{query, a.offset}), key}) // of the query before the key
	var tables []string
	within := func(x string, limit int64) {
		t := a.emit("Not", []string{a.emit("Greater", []string{x, a.tensor(tensor.Scalar(limit))})})
		if a.in(4) == "" && a.in(6) != "" {
			t = a.unsqueeze(t, 1) // one table for all heads of a batch
		}
		tables = append(tables, t)
	}
	causal, err := a.int("is_causal", 0)
	if err != nil {
		return nil, err
	}
	left, err := a.int("left_window_size", -1)
	if err != nil {
		return nil, err
	}
	right, err := a.int("right_window_size", -1)
	if err != nil {
		return nil, err
	}
	if causal != 0 {
		within(a.emit("Neg", []string{ahead}), 0)
	}
	if left >= 0 {
		within(ahead, left)
	}
	if right >= 0 {
		within(a.emit("Neg", []string{ahead}), right)
	}
	if a.in(6) != "" {
		lengths := a.unsqueeze(a.cast(a.in(6), tensor.Int64), 1, 2, 3)
		tables = append(tables, a.emit("Less", []string{key, lengths}))
	}
	return tables, nil
}

// finish normalises the scores and adds up values. A query that no key is in reach of gets nothing.
func (a *attentionParts) finish() error {
	precision, err := a.int("softmax_precision", int64(a.dtype))
	if err != nil {
		return err
	}
	x := a.biased
	if tensor.DType(precision) != a.dtype {
		x = a.cast(x, tensor.DType(precision))
	}
	p := a.emit("Softmax", []string{x}, onnx.NewInt("axis", -1))
	if tensor.DType(precision) != a.dtype {
		p = a.cast(p, a.dtype)
	}
	if a.bias != "" {
		zero, err := a.scalar(a.dtype, 0)
		if err != nil {
			return err
		}
		never, err := a.scalar(a.dtype, math.Inf(-1))
		if err != nil {
			return err
		}
		most := a.withAxes("ReduceMax", 18, a.bias, []int64{-1}, onnx.NewInt("keepdims", 1))
		p = a.emit("Where", []string{a.emit("Equal", []string{most, never}), zero, p})
	}
	if err := a.inner(p); err != nil {
		return err
	}
	out := a.outputOr(0)
	y := []string{p, a.v}
	if !a.flat {
		a.emitTo(out, "MatMul", y)
		return nil
	}
	rows := a.emit("Transpose", []string{a.emit("MatMul", y)}, onnx.NewInts("perm", 0, 2, 1, 3))
	a.emitTo(out, "Reshape", []string{rows, a.vector(0, 0, -1)})
	return nil
}

// inner makes the output that shows the scores at some stage.
func (a *attentionParts) inner(p string) error {
	if len(a.node.Outputs) < 4 || a.node.Outputs[3] == "" {
		return nil
	}
	mode, err := a.int("qk_matmul_output_mode", 0)
	if err != nil {
		return err
	}
	stages := []string{a.raw, a.capped, a.biased, p}
	if mode < 0 || int(mode) >= len(stages) {
		return fmt.Errorf("qk_matmul_output_mode=%d", mode)
	}
	a.emitTo(a.node.Outputs[3], "Identity", []string{stages[mode]})
	return nil
}
