package finetune

import (
	"context"
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/tensor"
)

// The frozen part of a model runs on blocks of so many samples, whatever the batch size of a step: its results are then the same
// bits whether they are kept or computed again. The last block is filled up with copies of its last row. Large samples come in
// smaller blocks, as they fill the processors with less memory.
const (
	mostRows, leastRows = 16, 4
	blockBytes          = 5 << 20 // of the inputs of a block, where it has more than the least rows
)

// A table holds, for each sample of a dataset, what the frozen part of the model makes of it, and the targets.
type table struct {
	t       *Trainer
	ds      Dataset
	views   int
	fields  []feature                 // values that differ from sample to sample; shapes without the batch axis
	shared  map[string]*tensor.Tensor // values that are the same for all
	rows    [][]byte                  // of sample*views + view: the fields' elements, one after the other; nil: not kept
	width   int                       // bytes of a row
	targets [][]byte                  // of each sample, by term
	types   []targetType
	runs    int                     // of the frozen part
	shapes  map[string]tensor.Shape // of one sample's inputs, without the batch axis
	plain   map[string]bool         // inputs without a batch axis
	file    *featureFile            // nil: rows are in memory only
	full    error                   // why the file takes no more rows, nil if it does
	direct  bool                    // the rows are the inputs themselves: nothing is frozen in front
	keeps   int64                   // bytes of rows that may still be kept when a batch reads them
	later   *laterRows              // nil: what is missing is not kept
	block   int                     // samples that the frozen part runs on at once
}

type targetType struct {
	dtype tensor.DType
	shape tensor.Shape
}

// A CacheOptions says what becomes of the results of the frozen part.
type CacheOptions struct {
	Off    bool   // compute them again for each step
	Budget int64  // bytes that may be kept in memory; 0: DefaultBudget. What is more is read from the mapped file
	Dir    string // folder of files that later runs find them in; "": none, and nothing beyond the budget is kept
}

// A laterRows are rows that are computed when batches first ask for them.
type laterRows struct {
	keys []rowKey
	next func() (block, bool) // those of computeLater; nil: there are none
	stop func()
}

// DefaultBudget is what is kept in memory of the results of the frozen part, in bytes.
const DefaultBudget = 1 << 30

// newTable prepares the samples of ds. It reads all targets, and, unless the cache is off, runs the frozen part once. Where
// nothing is frozen, batches read the inputs when they are needed for the first time. other is a table that is in use meanwhile,
// nil if there is none.
func (t *Trainer) newTable(ctx context.Context, ds Dataset, views int, o CacheOptions, other *table) (*table, error) {
	return t.tableOf(ctx, ds, views, o, other, false)
}

// tableOf is newTable. With later, rows that all fit into memory are left to computeLater.
func (t *Trainer) tableOf(ctx context.Context, ds Dataset, views int, o CacheOptions, other *table, later bool) (*table, error) {
	if ds.Len() == 0 {
		return nil, fmt.Errorf("finetune: the dataset has no samples")
	}
	if o.Budget == 0 {
		o.Budget = DefaultBudget
	}
	b := &table{t: t, ds: ds, views: views, shared: map[string]*tensor.Tensor{}}
	first, err := ds.Sample(0)
	if err != nil {
		return nil, err
	}
	if err := b.describe(first); err != nil {
		return nil, err
	}
	if err := b.frontier(ctx, first); err != nil {
		return nil, err
	}
	b.rows = make([][]byte, ds.Len()*views)
	b.targets = make([][]byte, ds.Len())
	if o.Off {
		return b, b.readTargets(ctx)
	}
	if err := b.fill(ctx, o, other, later); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// describe notes the shapes of inputs and targets.
func (b *table) describe(s Sample) error {
	in, err := b.t.inputsOf(s)
	if err != nil {
		return err
	}
	b.shapes, b.plain = map[string]tensor.Shape{}, map[string]bool{}
	bytes := 0
	for name, x := range in {
		b.shapes[name] = x.Shape().Clone()
		if b.plain[name] = !b.t.b.perSample[name]; !b.plain[name] {
			bytes += len(x.Bytes())
		}
	}
	for b.block = mostRows; b.block > leastRows && b.block*bytes > blockBytes; {
		b.block /= 2
	}
	if b.t.fixed > 0 {
		b.block = b.t.fixed
	}
	for _, y := range s.Targets {
		b.types = append(b.types, targetType{y.DType(), y.Shape().Clone()})
	}
	return nil
}

// batchShapes returns the shapes of the model's inputs for n samples.
func (b *table) batchShapes(n int) map[string]tensor.Shape {
	out := map[string]tensor.Shape{}
	for name, s := range b.shapes {
		if b.plain[name] {
			out[name] = s
		} else {
			out[name] = append(tensor.Shape{n}, s...)
		}
	}
	return out
}

// frontier finds out which values the suffix reads and which of them differ from sample to sample, by building the graphs
// for one block and for one block and a row. A value without a batch axis in front, such as one that puts time first, is
// computed in each step from what it depends on.
func (b *table) frontier(ctx context.Context, first Sample) error {
	for {
		shared, bad, err := b.sort()
		if err != nil {
			return err
		}
		if len(bad) == 0 {
			b.direct = !slices.ContainsFunc(b.fields, func(f feature) bool { return b.shapes[f.name] == nil })
			return b.share(ctx, first, shared)
		}
		for _, f := range bad {
			if b.shapes[f.name] != nil {
				return fmt.Errorf("finetune: input %q (%v %v) has no batch axis in front", f.name, f.dtype, f.shape)
			}
			b.t.pull(f.name)
		}
	}
}

// pull moves the node that makes a value from the frozen part to what runs in each step.
func (t *Trainer) pull(name string) {
	t.b.pull(name)
	clear(t.programs)
	clear(t.recent)
}

// sort finds the fields, the values that are the same for all samples, and those that cannot be kept by sample.
func (b *table) sort() (shared, bad []feature, err error) {
	n := b.block
	block, err := b.t.cutAt(b.batchShapes(n))
	if err != nil {
		return nil, nil, err
	}
	other := block
	if b.t.fixed == 0 {
		if other, err = b.t.cutAt(b.batchShapes(n + 1)); err != nil {
			return nil, nil, err
		}
	}
	b.fields, b.width = nil, 0
	for _, f := range block {
		switch k := slices.IndexFunc(other, func(o feature) bool { return o.name == f.name }); {
		case !f.varies:
			shared = append(shared, f)
		case k < 0 || len(f.shape) == 0 || len(other[k].shape) != len(f.shape) || f.shape[0] != n || b.t.fixed == 0 && other[k].shape[0] != n+1:
			bad = append(bad, f)
		default:
			f.shape = f.shape[1:]
			b.fields = append(b.fields, f)
			b.width += f.dtype.ByteLen(f.shape.Len())
		}
	}
	return shared, bad, nil
}

// share computes the values that are the same for all samples.
func (b *table) share(ctx context.Context, first Sample, shared []feature) error {
	if len(shared) == 0 {
		return nil
	}
	in, err := b.t.stack([]Sample{first}, b.block)
	if err != nil {
		return err
	}
	p := &program{b: b.t.b, shapes: b.batchShapes(b.block), frontier: shared}
	get, err := p.features(ctx, b.t.threads, func(name string) *tensor.Tensor { return in[name] })
	if err != nil {
		return err
	}
	for _, f := range shared {
		b.shared[f.name] = get(f.name).Clone()
	}
	return nil
}

// fill computes the rows that the cache file does not have, or leaves them for later.
func (b *table) fill(ctx context.Context, o CacheOptions, other *table, later bool) error {
	if err := b.readTargets(ctx); err != nil {
		return err
	}
	if b.direct {
		b.keeps = o.Budget
		return nil
	}
	keys := make([]rowKey, 0)
	if o.Dir != "" {
		var err error
		if b.file, err = b.openFile(o.Dir, other); err != nil {
			return err
		}
		if keys, err = b.keys(ctx); err != nil {
			return err
		}
		if err := b.file.find(keys, b.rows); err != nil {
			return err
		}
	}
	var missing []int
	for i, r := range b.rows {
		if r == nil {
			missing = append(missing, i)
		}
	}
	if later && int64(len(missing)*b.width) <= o.Budget {
		b.later = &laterRows{keys: keys}
		return nil
	}
	return b.compute(ctx, missing, keys, o.Budget)
}

// compute runs the frozen part on the given rows and keeps the results: in memory up to the budget, and in the file.
func (b *table) compute(ctx context.Context, missing []int, keys []rowKey, budget int64) (err error) {
	if b.file != nil {
		defer func() { // what is done when the run is interrupted serves the next one
			if e := b.file.flush(); err == nil {
				err = e
			}
		}()
	}
	n := b.block
	var kept int64
	var late []int
	for block := range b.blocks(ctx, missing, n) {
		rows, err := b.rowsOf(ctx, block, keys)
		if err != nil {
			return err
		}
		for k, i := range block.index {
			if kept += int64(len(rows[k])); kept <= budget {
				b.rows[i] = rows[k]
			} else {
				late = append(late, i)
			}
		}
	}
	if b.file == nil {
		return ctx.Err()
	}
	if err := b.file.flush(); err != nil {
		b.full = err
		return ctx.Err()
	}
	if len(late) > 0 {
		return b.file.find(keys, b.rows)
	}
	return ctx.Err()
}

// rowsOf returns the rows of a block, which it appends to the file.
func (b *table) rowsOf(ctx context.Context, block block, keys []rowKey) ([][]byte, error) {
	if block.err != nil {
		return nil, block.err
	}
	rows, err := b.run(ctx, block.samples)
	if err != nil {
		return nil, err
	}
	for k, i := range block.index {
		b.keep(keys, i, rows[k])
	}
	return rows, nil
}

// keep appends a row to the file. When the file takes no more, on a full disk for instance, the rows that it has stay and
// what exceeds the memory is computed again in each step.
func (b *table) keep(keys []rowKey, i int, row []byte) {
	if b.file == nil || b.full != nil {
		return
	}
	b.full = b.file.add(keys[i], row)
}

// inputRows are the rows of samples whose inputs are the features.
func (b *table) inputRows(samples []Sample) ([][]byte, error) {
	rows := make([][]byte, len(samples))
	for k, s := range samples {
		in, err := b.t.inputsOf(s)
		if err != nil {
			return nil, err
		}
		rows[k] = make([]byte, 0, b.width)
		for _, f := range b.fields {
			x := in[f.name]
			if !x.Shape().Equal(f.shape) {
				return nil, fmt.Errorf("finetune: input %q of a sample has shape %v, that of the first one has %v", f.name, x.Shape(), f.shape)
			}
			rows[k] = append(rows[k], x.Bytes()...)
		}
	}
	return rows, nil
}

// run runs the frozen part on a block of samples and returns the rows.
func (b *table) run(ctx context.Context, samples []Sample) ([][]byte, error) {
	if b.direct {
		return b.inputRows(samples)
	}
	in, err := b.t.stack(samples, b.block)
	if err != nil {
		return nil, err
	}
	p := b.t.prefixFor(b.batchShapes(b.block), b.fields)
	get, err := p.features(ctx, b.t.threads, func(name string) *tensor.Tensor { return in[name] })
	if err != nil {
		return nil, err
	}
	b.runs++
	rows := make([][]byte, len(samples))
	for k := range rows {
		rows[k] = make([]byte, 0, b.width)
	}
	for _, f := range b.fields {
		data, n := get(f.name).Bytes(), f.dtype.ByteLen(f.shape.Len())
		if len(data) < n*len(samples) {
			return nil, fmt.Errorf("finetune: value %q has %d bytes for %d samples, want %d for each", f.name, len(data), len(samples), n)
		}
		for k := range rows {
			rows[k] = append(rows[k], data[k*n:(k+1)*n]...)
		}
	}
	return rows, nil
}

// batch fills dst with the features and targets of the given rows.
func (b *table) batch(ctx context.Context, index []int, dst *tableBatch) error {
	dst.rows = slices.Grow(dst.rows[:0], len(index))[:len(index)]
	rows := dst.rows
	if err := b.await(ctx, index); err != nil {
		return err
	}
	var missing []int
	for k, i := range index {
		if rows[k] = b.rows[i]; rows[k] == nil {
			missing = append(missing, k)
		}
	}
	for chunk := range slices.Chunk(missing, b.block) {
		samples := make([]Sample, len(chunk))
		for j, k := range chunk {
			var err error
			if samples[j], err = b.sample(index[k]); err != nil {
				return err
			}
		}
		made, err := b.run(ctx, samples)
		if err != nil {
			return err
		}
		for j, k := range chunk {
			rows[k] = made[j]
			b.keepRead(index[k], made[j])
		}
	}
	dst.set(b, rows, index)
	return nil
}

// keepRead keeps row i, which a batch has made, if it may be.
func (b *table) keepRead(i int, row []byte) {
	n := int64(len(row))
	switch {
	case b.later != nil:
		b.keep(b.later.keys, i, row)
		b.rows[i] = row
	case n <= b.keeps:
		b.keeps -= n
		b.rows[i] = row
	}
}

// sample reads row i: a view of a sample.
func (b *table) sample(i int) (Sample, error) {
	if v, ok := b.ds.(Viewed); ok && i%b.views > 0 {
		return v.View(i/b.views, i%b.views)
	}
	return b.ds.Sample(i / b.views)
}

// A tableBatch is the storage of the batches of a table.
type tableBatch struct {
	features map[string]*tensor.Tensor
	targets  []*tensor.Tensor
	rows     [][]byte
	shapes   map[string]tensor.Shape // of the inputs that the rows are of
	size     int                     // the number of rows that shapes is for
}

// set copies rows and their targets together.
func (d *tableBatch) set(b *table, rows [][]byte, index []int) {
	if d.features == nil {
		d.features = map[string]*tensor.Tensor{}
		for _, f := range b.fields {
			d.features[f.name] = new(tensor.Tensor)
		}
		for name, x := range b.shared {
			d.features[name] = x
		}
		for range b.types {
			d.targets = append(d.targets, new(tensor.Tensor))
		}
	}
	at := 0
	for _, f := range b.fields {
		n := f.dtype.ByteLen(f.shape.Len())
		x := d.features[f.name]
		data := room(x, n*len(rows))
		for k, r := range rows {
			copy(data[k*n:], r[at:at+n])
		}
		x.Reset(f.dtype, append(tensor.Shape{len(rows)}, f.shape...), data)
		at += n
	}
	at = 0
	for i, y := range b.types {
		n := y.dtype.ByteLen(y.shape.Len())
		x := d.targets[i]
		data := room(x, n*len(rows))
		for k, r := range index {
			copy(data[k*n:], b.targets[r/b.views][at:at+n])
		}
		x.Reset(y.dtype, append(tensor.Shape{len(rows)}, y.shape...), data)
		at += n
	}
}

// room returns n bytes, those of x if it has as many.
func room(x *tensor.Tensor, n int) []byte {
	if b := x.Bytes(); cap(b) >= n {
		return b[:n]
	}
	return make([]byte, n)
}
