package finetune

import (
	"context"
	"maps"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// measure computes the mean loss and the meter's figures on a table, in its order. Those that are no finite numbers are
// left out.
func (f *fitter) measure(ctx context.Context, b *table) (map[string]float64, error) {
	var meter Meter
	if f.o.Meter != nil {
		meter = f.o.Meter()
	}
	var loss float64
	err := f.averaged(func() (err error) {
		loss, err = f.evaluate(ctx, b, func(scores, targets []*tensor.Tensor) error {
			if meter == nil {
				return nil
			}
			return meter.Add(scores, targets)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	if meter != nil {
		maps.Copy(out, meter.Map())
	}
	out["loss"] = loss
	maps.DeleteFunc(out, func(_ string, x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	return out, nil
}

// measurePrior measures predictions from the targets alone.
func (f *fitter) measurePrior(ctx context.Context) error {
	if f.o.Prior == nil {
		return nil
	}
	if _, err := f.evaluate(ctx, f.table, f.o.Prior.Learn); err != nil {
		return err
	}
	meter := f.o.Prior.Meter(MeterOptions{})
	if _, err := f.evaluate(ctx, f.val, meter.Add); err != nil {
		return err
	}
	f.state.Prior = meter.Map()
	maps.DeleteFunc(f.state.Prior, func(_ string, x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	return nil
}

// evaluate runs the model with the present weights on all rows of a table and calls use for each batch. It returns the
// mean loss of the samples. Where the model takes a fixed number of rows, copies of the last sample fill up the last batch,
// and count in its loss.
func (t *Trainer) evaluate(ctx context.Context, b *table, use func(scores, targets []*tensor.Tensor) error) (float64, error) {
	size := 64
	if t.fixed > 0 {
		size = t.fixed
	}
	var store tableBatch
	sum := 0.0
	for lo := 0; lo < len(b.rows); lo += size {
		hi := min(lo+size, len(b.rows))
		rows := hi - lo
		index := make([]int, 0, size)
		for i := lo; i < hi; i++ {
			index = append(index, i)
		}
		for t.fixed > 0 && len(index) < size {
			index = append(index, hi-1) // the model takes no fewer
		}
		if err := b.batch(ctx, index, &store); err != nil {
			return 0, err
		}
		batch := b.asBatch(&store, len(index))
		p, err := t.programOf(&batch, forEvaluation)
		if err != nil {
			return 0, err
		}
		named, err := t.targetsOf(batch.Targets)
		if err != nil {
			return 0, err
		}
		if err := t.run(ctx, p, func(name string) *tensor.Tensor { return batch.features[name] }, named); err != nil {
			return 0, err
		}
		sum += float64(tensor.Of[float32](p.suffix.outs[0])[0]) * float64(rows)
		if err := use(firstRows(p.suffix.outs[1:], rows, len(index)), firstRows(batch.Targets, rows, len(index))); err != nil {
			return 0, err
		}
	}
	return sum / float64(len(b.rows)), nil
}

// firstRows returns the tensors without the rows from n on, of those that have all rows in front.
func firstRows(list []*tensor.Tensor, n, all int) []*tensor.Tensor {
	if n == all {
		return list
	}
	out := make([]*tensor.Tensor, len(list))
	for i, x := range list {
		out[i] = x
		if x.Rank() == 0 || x.Shape()[0] != all {
			continue
		}
		shape := x.Shape().Clone()
		shape[0] = n
		if y, err := tensor.FromBytes(x.DType(), shape, x.Bytes()[:x.DType().ByteLen(shape.Len())]); err == nil {
			out[i] = y
		}
	}
	return out
}

// asBatch is the batch of n rows whose features and targets are in store.
func (b *table) asBatch(store *tableBatch, n int) Batch {
	if store.size != n {
		store.size, store.shapes = n, b.batchShapes(n)
	}
	return Batch{Targets: store.targets, features: store.features, shapes: store.shapes, size: n}
}

func (b *table) close() {
	b.endLater()
	if b.file != nil {
		b.file.close()
		b.file, b.rows = nil, nil
	}
}

// Evaluate runs the model with the present weights on all rows of a dataset, in their order, and calls use with the scores
// of each batch and their targets.
func (t *Trainer) Evaluate(ctx context.Context, ds Dataset, o CacheOptions, use func(scores, targets []*tensor.Tensor) error) (loss float64, err error) {
	b, err := t.newTable(ctx, ds, 1, o, nil)
	if err != nil {
		return 0, err
	}
	defer b.close()
	err = t.averaged(func() (err error) {
		loss, err = t.evaluate(ctx, b, use)
		return err
	})
	return loss, err
}
