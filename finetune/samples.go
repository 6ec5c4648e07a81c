package finetune

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/tensor"
)

// inputsOf returns a sample's inputs by name of the model's inputs, in their element types.
func (t *Trainer) inputsOf(s Sample) (map[string]*tensor.Tensor, error) {
	out := map[string]*tensor.Tensor{}
	for name, x := range s.Inputs {
		if name == "" {
			if len(t.inputs) != 1 || len(s.Inputs) != 1 {
				return nil, fmt.Errorf("finetune: the sample has a nameless input among %d, the model %d inputs: want one of each", len(s.Inputs), len(t.inputs))
			}
			name = t.inputs[0].Name
		}
		out[name] = x
	}
	for _, v := range t.inputs {
		x := out[v.Name]
		if x == nil {
			return nil, fmt.Errorf("finetune: the sample has no input %q (%v)", v.Name, v.Type)
		}
		if x.DType() != v.DType {
			y, err := tensor.FromFloat64s(v.DType, x.Shape(), tensor.Float64s(x, x.Len()))
			if err != nil {
				return nil, fmt.Errorf("finetune: input %q is %v, want %v: %w", v.Name, x.DType(), v.DType, err)
			}
			out[v.Name] = y
		}
	}
	return out, nil
}

// stack puts the inputs of samples together, with a batch axis of n rows; the last sample fills up what is left.
func (t *Trainer) stack(samples []Sample, n int) (map[string]*tensor.Tensor, error) {
	out := map[string]*tensor.Tensor{}
	for k := range n {
		in, err := t.inputsOf(samples[min(k, len(samples)-1)])
		if err != nil {
			return nil, err
		}
		for name, x := range in {
			if !t.b.perSample[name] {
				if k == 0 {
					out[name] = x
				}
				continue
			}
			if k == 0 {
				out[name] = tensor.New(x.DType(), append([]int{n}, x.Shape()...)...)
			}
			y := out[name]
			if !slices.Equal(y.Shape()[1:], x.Shape()) {
				return nil, fmt.Errorf("finetune: input %q of a sample has shape %v, that of the first one in its batch has %v", name, x.Shape(), y.Shape()[1:])
			}
			size := len(x.Bytes())
			copy(y.Bytes()[k*size:], x.Bytes())
		}
	}
	return out, nil
}

// readTargets keeps the targets of all samples and checks that they are alike.
func (b *table) readTargets(ctx context.Context) error {
	for i := range b.ds.Len() {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		list, err := targetsOf(b.ds, i)
		if err != nil {
			return err
		}
		if len(list) != len(b.types) {
			return fmt.Errorf("finetune: sample %d has %d targets, the first one has %d", i, len(list), len(b.types))
		}
		for k, y := range list {
			if y.DType() != b.types[k].dtype || !y.Shape().Equal(b.types[k].shape) {
				return fmt.Errorf("finetune: target %d of sample %d is %v %v, that of the first one is %v %v", k, i, y.DType(), y.Shape(), b.types[k].dtype, b.types[k].shape)
			}
			b.targets[i] = append(b.targets[i], y.Bytes()...)
		}
	}
	return nil
}

// A Targeted dataset gives the targets of a sample without decoding its inputs.
type Targeted interface {
	Targets(i int) ([]*tensor.Tensor, error)
}

func targetsOf(ds Dataset, i int) ([]*tensor.Tensor, error) {
	if d, ok := ds.(Targeted); ok {
		return d.Targets(i)
	}
	s, err := ds.Sample(i)
	return s.Targets, err
}

// A block is some samples that run together.
type block struct {
	index   []int // rows of the table
	samples []Sample
	err     error
}

// mostGarbage is what decoding may leave behind before it is collected, in bytes.
const mostGarbage = 16 << 20

// blocks reads the given rows, n at a time. The next block is read while one is in use.
func (b *table) blocks(ctx context.Context, rows []int, n int) iter.Seq[block] {
	return func(yield func(block) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		queue := make(chan block, 1)
		go func() {
			defer close(queue)
			for index := range slices.Chunk(rows, n) {
				next := block{index: index, samples: make([]Sample, len(index))}
				for k, i := range index {
					if next.samples[k], next.err = b.sample(i); next.err != nil {
						break
					}
				}
				mem.CollectBeyond(mostGarbage)
				select {
				case queue <- next:
				case <-ctx.Done():
					return
				}
			}
		}()
		for next := range queue {
			if !yield(next) {
				return
			}
		}
	}
}
