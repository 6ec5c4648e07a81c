package finetune

import (
	"context"
	"iter"
	"slices"
)

// computeLater makes batches compute the rows that were left for later, block by block: those of the order, as far as they are
// missing. The next block is read while one is in use and while steps are taken. Rows that are not in the order are computed by the
// first batch that has them.
func (b *table) computeLater(ctx context.Context, order []int) {
	if b.later == nil {
		return
	}
	rows := slices.DeleteFunc(slices.Clone(order), func(i int) bool { return b.rows[i] != nil })
	b.later.next, b.later.stop = iter.Pull(b.blocks(ctx, rows, b.block))
}

// await computes blocks until the rows of index are there, or none is left.
func (b *table) await(ctx context.Context, index []int) error {
	for b.later != nil && b.later.next != nil && slices.ContainsFunc(index, func(i int) bool { return b.rows[i] == nil }) {
		block, ok := b.later.next()
		if !ok {
			b.later.next = nil
			b.flush()
			return nil
		}
		rows, err := b.rowsOf(ctx, block, b.later.keys)
		if err != nil {
			return err
		}
		for k, i := range block.index {
			b.rows[i] = rows[k]
		}
	}
	return nil
}

// endLater stops reading ahead. What was computed serves the next run.
func (b *table) endLater() {
	if b.later == nil {
		return
	}
	if b.later.stop != nil {
		b.later.stop()
	}
	b.later = nil
	b.flush()
}

// flush writes to the file what was appended.
func (b *table) flush() {
	if b.file != nil && b.full == nil {
		b.full = b.file.flush()
	}
}

// upcoming returns the rows in the order in which the steps that are left need them first, as far as one epoch tells.
func (f *fitter) upcoming() []int {
	first, end := f.state.Step, (f.state.Step/f.perEpoch+1)*f.perEpoch
	if first%f.perEpoch > 0 {
		end += f.perEpoch // what this epoch has passed
	}
	var out []int
	seen := make([]bool, len(f.table.rows))
	for step := first; step < min(end, f.total); step++ {
		for _, row := range f.rowsOf(step) {
			if !seen[row] {
				out, seen[row] = append(out, row), true
			}
		}
	}
	return out
}

// rowsOf returns the rows that a step reads.
func (f *fitter) rowsOf(step int) []int {
	if f.private == nil {
		return f.order(step)
	}
	rows, _, err := f.drawn(step)
	if err != nil {
		return nil // the step will say so
	}
	return rows
}
