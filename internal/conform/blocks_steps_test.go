package conform_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestBlockSteps trains models of blocks: the first step of a batch moves the weights as the training graph does as it is written, and all steps, of
// one batch and of two of several sizes, have the same bits on one and two threads and within any bound of memory. It goes on as TestBlocks does.
func TestBlockSteps(t *testing.T) {
	ran, count := 0, blockCount(3, 5)
	seeds := []uint64{540048} // the least bound that its error told was none that it could keep
	for i := range count {
		seeds = append(seeds, *blocksFirst+uint64(i))
	}
	for _, seed := range seeds {
		m := newBlockModelOf(seed, tensor.Float32)
		s, err := newBlockSteps(m, seed)
		if err != nil {
			t.Logf("seed %d (%v) does not train: %v", seed, m, err)
			continue
		}
		ran++
		m.report(t, seed, s.compare())
	}
	if t.Logf("%d of %d models trained", ran, len(seeds)); ran < len(seeds)*2/3 {
		t.Errorf("too few models trained")
	}
}

// blockSteps compares trainings of one model.
type blockSteps struct {
	m       *blockModel
	spec    finetune.Spec
	batches []finetune.Batch
	found   []string
}

func (s *blockSteps) say(format string, args ...any) {
	s.found = append(s.found, fmt.Sprintf(format, args...))
}

// newBlockSteps makes a loss on the first output, and batches with targets.
func newBlockSteps(m *blockModel, seed uint64) (*blockSteps, error) {
	r := rand.New(rand.NewPCG(seed, 21))
	out := m.main.Outputs[0].Name
	in := []values{m.fill(-1, seed), m.fill(1+int(seed%4), seed+1)}
	ys, err := runs(m.encode(), runtime.Options{NoOptimize: true, Threads: 1}, in...)
	if len(ys) == 0 {
		return nil, err
	}
	s := &blockSteps{m: m, spec: finetune.Spec{Train: "all", Optimizer: finetune.SGD{Momentum: 0.9}, Rate: 0.02, Threads: 1, BatchNorm: r.IntN(2) == 0,
		Terms: []finetune.Term{{At: out, Loss: finetune.MSE{}}}}}
	if r.IntN(4) == 0 {
		s.spec.Clip.Norm = 1
	}
	if r.IntN(3) == 0 { // what is in front of them is frozen
		s.spec.Train = []string{"last", "last:2", "bias"}[r.IntN(3)]
	}
	for i, y := range ys {
		if y[out].Len() == 0 {
			continue
		}
		target := randomFloats(r, y[out].Shape(), -1, 1)
		for j, v := range tensor.Float64s(y[out], y[out].Len()) { // near the scores, whatever their size
			tensor.Of[float32](target)[j] += float32(v)
		}
		s.batches = append(s.batches, finetune.Batch{Inputs: in[i], Targets: []*tensor.Tensor{target}})
	}
	if len(s.batches) == 0 {
		return nil, errors.New("no scores")
	}
	if s.trainsNothing() {
		s.spec.Train = "all"
	}
	if s.trainsNothing() {
		return nil, errors.New("no weights train")
	}
	return s, nil
}

func (s *blockSteps) trainsNothing() bool {
	tr, err := finetune.NewTrainer(s.m.model(), s.spec)
	_, none := errors.AsType[*ops.UnsupportedError](err)
	return none || err != nil && strings.Contains(err.Error(), "no weight") || err == nil && len(tr.Params()) == 0
}

// compare trains the model in every way and says what differs.
func (s *blockSteps) compare() []string {
	plain := s.spec
	plain.NoOptimize = true
	if _, err := s.train(plain, [][]int{{0}}); err != nil && s.spec.BatchNorm { // statistics that are not the model's own
		s.spec.BatchNorm, plain.BatchNorm = false, false
	}
	var first [][]values // of the steps from each batch on
	for i := range s.batches {
		order := s.order(i)
		want, err := s.train(plain, order[:1])
		if err != nil {
			if i == 0 {
				s.say("as it is written: %v", err)
			}
			break // the other size is impossible
		}
		got, err := s.train(s.spec, order)
		if err != nil {
			s.say("from batch %d: %v", i, err)
			break
		}
		if err := nearMost(got[0], want[0]); err != nil {
			s.say("from batch %d: %v", i, err)
		}
		first = append(first, got)
	}
	for i := range first {
		order := s.order(i)
		two := s.spec
		two.Threads = 2
		s.same("2 threads", two, order, first[i])
		least := s.least(i)
		for _, more := range []float64{1, 1.2, 1.7} {
			bound := s.spec
			bound.Memory, bound.Threads = int64(float64(least)*more), 1+i%2
			s.same(fmt.Sprintf("%.1f of the least memory", more), bound, order, first[i])
		}
	}
	return s.found
}

// order says which batches are taken in each of a few steps, from batch i on.
func (s *blockSteps) order(i int) [][]int {
	other := (i + 1) % len(s.batches)
	return [][]int{{i}, {other}, {i, other}, {i}}
}

// least is the least memory that any of the steps from batch i on takes.
func (s *blockSteps) least(i int) (most int) {
	for _, step := range s.order(i) {
		tight, err := s.spec, error(nil)
		tight.Memory = max(1, int64(most))
		for range 60 {
			_, err = s.train(tight, [][]int{step})
			if short, ok := errors.AsType[*finetune.MemoryError](err); ok { // of one of its batches
				tight.Memory = int64(short.Least)
			} else if short, ok := errors.AsType[*runtime.LimitError](err); ok { // of what is frozen
				tight.Memory = max(int64(short.Need), tight.Memory*5/4)
			} else {
				break
			}
		}
		if most = int(tight.Memory); err != nil {
			s.say("a bound of %d bytes: %v", most, err)
		}
	}
	return most
}

func (s *blockSteps) same(name string, spec finetune.Spec, order [][]int, want []values) {
	got, err := s.train(spec, order)
	if err != nil && len(got) < len(want) {
		s.say("%s: step %d: %v", name, len(got), err)
		return
	}
	for i := range want {
		if err := same(got[i], want[i]); err != nil {
			s.say("%s: steps of batches %v, %d: %v", name, order, i, err)
			return
		}
	}
}

// train takes steps with batches and returns what each has added to the weights, and its loss.
func (s *blockSteps) train(spec finetune.Spec, order [][]int) (moved []values, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	tr, err := finetune.NewTrainer(s.m.model(), spec)
	if err != nil {
		return nil, err
	}
	for _, step := range order {
		before := map[string][]float32{}
		for _, p := range tr.Params() {
			before[p.Name] = slices.Clone(tensor.Of[float32](p.W))
		}
		var batches []finetune.Batch
		for _, k := range step {
			batches = append(batches, s.batches[k])
		}
		r, err := tr.Step(context.Background(), batches...)
		if err != nil {
			return moved, err
		}
		after := values{"loss": tensor.FromSlice([]float32{float32(r.Loss)}, 1)}
		for _, p := range tr.Params() {
			d := tensor.New(tensor.Float32, p.W.Shape()...)
			for i, v := range tensor.Of[float32](p.W) {
				tensor.Of[float32](d)[i] = (v - before[p.Name][i]) / float32(spec.Rate)
			}
			after[p.Name] = d
		}
		moved = append(moved, after)
	}
	return moved, nil
}
