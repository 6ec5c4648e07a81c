package finetune

import (
	"context"
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/finetune/privacy"
)

// Spent is what private training cost.
type Spent struct {
	Epsilon    float64 `json:"epsilon"` // at Delta, by Accountant
	Delta      float64 `json:"delta"`
	Noise      float64 `json:"noise"` // multiplier
	Clip       float64 `json:"clip"`
	Rate       float64 `json:"rate"` // probability of each sample to be in a step
	Steps      int     `json:"steps"`
	Accountant string  `json:"accountant"`
}

// preparePrivacy settles the noise for the steps that Fit will take.
func (f *fitter) preparePrivacy() error {
	s := f.private
	if s == nil {
		return nil
	}
	if f.o.TryRates {
		return fmt.Errorf("finetune: privacy: trying learning rates looks at samples outside of the budget; give the rate")
	}
	if f.single == nil {
		s.expected = float64(f.o.Batch)
	}
	var err error
	s.noise, err = s.dp.Multiplier(f.sampleRate(), f.total)
	return err
}

// samples is the number of samples, whatever views there are.
func (f *fitter) samples() int { return len(f.table.rows) / f.table.views }

// sampleRate is the probability of a sample to be in a step.
func (f *fitter) sampleRate() float64 {
	if f.single != nil {
		return 1
	}
	return min(1, float64(f.o.Batch)/float64(f.samples()))
}

// drawn returns the rows of a step, a Poisson sample in one view of each, and how many there are; row 0 stands where there are none.
func (f *fitter) drawn(step int) (rows []int, n int, err error) {
	members, err := f.private.source.Sample(f.samples(), f.sampleRate(), uint64(step))
	if err != nil {
		return nil, 0, fmt.Errorf("finetune: %w", err)
	}
	rows = make([]int, len(members))
	for i, m := range members {
		rows[i] = m*f.table.views + step%f.table.views
	}
	if len(rows) == 0 {
		rows = []int{0}
	}
	return rows, len(members), nil
}

// fetchPrivate returns the batches of a step, which are filled up to one size.
func (f *fitter) fetchPrivate(ctx context.Context, step int) ([]Batch, error) {
	rows, members, err := f.drawn(step)
	if err != nil {
		return nil, err
	}
	for len(f.buffers) < (len(rows)+f.runBatch-1)/f.runBatch {
		f.buffers = append(f.buffers, tableBatch{})
	}
	var out []Batch
	for chunk := range slices.Chunk(rows, f.runBatch) {
		counts := make([]float32, f.runBatch)
		for i := range min(len(chunk), members) {
			counts[i] = 1
		}
		chunk = slices.Clone(chunk)
		for len(chunk) < f.runBatch {
			chunk = append(chunk, chunk[0])
		}
		buffer := &f.buffers[len(out)]
		if err := f.table.batch(ctx, chunk, buffer); err != nil {
			return nil, err
		}
		b := f.table.asBatch(buffer, f.runBatch)
		b.counts = counts
		out = append(out, b)
	}
	return out, nil
}

// keepKey notes the key for checkpoints. Whoever reads one can take the noise off the weights: it is as secret as the data.
func (f *fitter) keepKey() {
	if f.private != nil {
		f.state.Key = f.private.source.Key()
	}
}

// takeKey goes on with the key of a checkpoint.
func (f *fitter) takeKey() error {
	if f.private == nil {
		return nil
	}
	source, err := privacy.NewSource(f.state.Key)
	if err != nil {
		return fmt.Errorf("finetune: checkpoint: %w", err)
	}
	f.private.source = source
	return nil
}

// spent accounts for the steps that were taken, those that changed nothing included; nil without privacy.
func (f *fitter) spent() (*Spent, error) {
	s := f.private
	if s == nil {
		return nil, nil
	}
	a, err := s.dp.accountant()
	if err != nil {
		return nil, err
	}
	out := &Spent{Delta: s.dp.Delta, Noise: s.noise, Clip: s.dp.clip(), Rate: f.sampleRate(), Steps: f.state.Step, Accountant: a.Name()}
	out.Epsilon, err = s.dp.Spent(s.noise, out.Rate, out.Steps)
	return out, err
}

// privacyConfig is what two private trainings have to have in common for one to go on where the other stopped.
func (f *fitter) privacyConfig() string {
	if f.private == nil {
		return ""
	}
	d := f.private.dp
	return fmt.Sprintf("dp %g %g %g %g %s %x", d.Epsilon, d.Delta, d.clip(), d.Noise, d.Accountant, d.Key)
}
