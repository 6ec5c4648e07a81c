package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Set is samples of a file or folder, or some of them. It implements finetune.Dataset, Keyed, Viewed, Labelled and
// Targeted. Its methods may be called by several goroutines.
//
// A sample's inputs have the element types of the model's inputs and their shapes without the batch dimension. Targets
// are an int64 scalar for a class; float32 [columns] for numbers, or an array's row as it is; int64 [positions] for
// lists of classes.
type Set struct {
	*origin
	rows   []int               // of the origin, by sample
	scales map[string]*scaling // of the inputs of tables
}

var (
	_ finetune.Dataset  = (*Set)(nil)
	_ finetune.Keyed    = (*Set)(nil)
	_ finetune.Viewed   = (*Set)(nil)
	_ finetune.Labelled = (*Set)(nil)
	_ finetune.Targeted = (*Set)(nil)
)

// An origin is what the subsets of a set share.
type origin struct {
	path      string
	source    source
	targets   *targets
	where     func(row int) string // the place of a row, for messages
	constants map[string]*tensor.Tensor
	augment   Augment
	settings  map[string]string
	notes     []string
	known     known
	close     func() error
}

// A source decodes the inputs of samples.
type source interface {
	// sample returns the inputs of a row by name.
	sample(row int, v view) (map[string]*tensor.Tensor, error)
	// digest hashes the encoded content of a row.
	digest(row int, h hash.Hash) error
}

// Len is the number of samples.
func (s *Set) Len() int { return len(s.rows) }

// Sample returns the plain view of sample i. Its error names file and row.
func (s *Set) Sample(i int) (finetune.Sample, error) { return s.View(i, 0) }

// Views is how many views each sample has, the plain one included: 1 without augmentation.
func (s *Set) Views() int { return max(1, s.augment.Views) }

// View returns view number view of sample i: the plain one for 0, else an augmented one that depends on the seed of the
// augmentation, the sample's key and the number only.
func (s *Set) View(i, view int) (finetune.Sample, error) {
	if i < 0 || i >= len(s.rows) || view < 0 || view >= s.Views() {
		return finetune.Sample{}, fmt.Errorf("data: %s: view %d of sample %d, there are %d views of %d samples",
			s.path, view, i, s.Views(), len(s.rows))
	}
	row := s.rows[i]
	v, err := s.view(i, view)
	if err != nil {
		return finetune.Sample{}, err
	}
	inputs, err := s.source.sample(row, v)
	if err != nil {
		return finetune.Sample{}, fmt.Errorf("data: %s: %w", s.Place(i), err)
	}
	for name, scale := range s.scales {
		inputs[name] = scale.apply(inputs[name])
	}
	maps.Copy(inputs, s.constants)
	targets, err := s.Targets(i)
	if err != nil {
		return finetune.Sample{}, err
	}
	return finetune.Sample{Inputs: inputs, Targets: targets}, nil
}

// Targets returns the targets of sample i without decoding its inputs.
func (s *Set) Targets(i int) ([]*tensor.Tensor, error) {
	list, err := s.targets.row(s.rows[i])
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", s.Place(i), err)
	}
	return list, nil
}

// Place names the file, and the line or row, that sample i comes from.
func (s *Set) Place(i int) string {
	where := s.where(s.rows[i])
	if where == "" {
		return s.path
	}
	return s.path + ": " + where
}

// Key returns a hash of the encoded content of sample i and of all that decoding depends on.
func (s *Set) Key(i int) (string, error) {
	h := sha256.New()
	for _, k := range slices.Sorted(maps.Keys(s.settings)) {
		fmt.Fprintf(h, "%q=%q\n", k, s.settings[k])
	}
	for _, name := range slices.Sorted(maps.Keys(s.scales)) {
		fmt.Fprintf(h, "%q %s %s\n", name, numbersText(s.scales[name].mean), numbersText(s.scales[name].std))
	}
	for _, name := range slices.Sorted(maps.Keys(s.constants)) {
		c := s.constants[name]
		fmt.Fprintf(h, "%q %v %v %q\n", name, c.DType(), []int(c.Shape()), c.Strings())
		h.Write(c.Bytes())
	}
	if s.Views() > 1 {
		fmt.Fprintf(h, "%+v\n", s.augment)
	}
	if err := s.source.digest(s.rows[i], h); err != nil {
		return "", fmt.Errorf("data: %s: %w", s.Place(i), err)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// contentKey is a hash of the encoded content of sample i alone.
func (s *Set) contentKey(i int) (string, error) {
	h := sha256.New()
	if err := s.source.digest(s.rows[i], h); err != nil {
		return "", fmt.Errorf("data: %s: %w", s.Place(i), err)
	}
	return string(h.Sum(nil)), nil
}

// Classes are the names of the classes, nil if the targets are numbers.
func (s *Set) Classes() []string { return s.targets.names }

// Class returns the class of sample i without decoding it, -1 if the targets are numbers.
func (s *Set) Class(i int) int {
	if s.targets.class == nil {
		return -1
	}
	return int(s.targets.class[s.rows[i]])
}

// Counts returns how many samples each class has, nil if the targets are numbers.
func (s *Set) Counts() []int {
	if s.targets.class == nil {
		return nil
	}
	counts := make([]int, len(s.targets.names))
	for _, r := range s.rows {
		counts[s.targets.class[r]]++
	}
	return counts
}

// Subset returns the samples at the given positions, in that order.
func (s *Set) Subset(indices []int) *Set {
	rows := make([]int, len(indices))
	for k, i := range indices {
		rows[k] = s.rows[i]
	}
	return &Set{s.origin, rows, s.scales}
}

// Plain returns the same samples without augmentation, to measure on.
func (s *Set) Plain() *Set {
	o := *s.origin
	o.augment = Augment{}
	return &Set{&o, s.rows, s.scales}
}

// Settings are the preprocessing as pairs of texts that belong into a model's metadata: Open repeats it when it finds
// them in Options.Metadata.
func (s *Set) Settings() map[string]string {
	out := maps.Clone(s.settings)
	for name, scale := range s.scales {
		out[settingMean+"."+name] = numbersText(scale.mean)
		out[settingStd+"."+name] = numbersText(scale.std)
	}
	return out
}

// Describe returns lines that say what the set is, what was found out about it, and why.
func (s *Set) Describe() []string {
	lines := []string{fmt.Sprintf("%s: %d samples", s.path, len(s.rows))}
	lines = append(lines, s.notes...)
	if counts := s.Counts(); counts != nil {
		const most = 20
		var list []string
		for c, n := range counts[:min(most, len(counts))] {
			list = append(list, fmt.Sprintf("%s %d", s.targets.names[c], n))
		}
		if more := len(counts) - most; more > 0 {
			list = append(list, fmt.Sprintf("and %d more classes", more))
		}
		lines = append(lines, fmt.Sprintf("%d classes: %s", len(counts), strings.Join(list, ", ")))
	}
	if len(s.scales) > 0 {
		lines = append(lines, "columns are brought to mean 0 and deviation 1")
	}
	if s.Views() > 1 {
		lines = append(lines, s.augment.describe())
	}
	return lines
}

// Check decodes every sample, several at a time, and returns an *Error that lists those that cannot be, or nil. It ends
// early with the error of the context.
func (s *Set) Check(ctx context.Context) error {
	wrong := make([]error, len(s.rows))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(s.rows)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(s.rows) {
					return
				}
				_, wrong[i] = s.source.sample(s.rows[i], view{})
			}
		})
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	p := newProblems(s.path, &Options{})
	for i, err := range wrong {
		if err != nil {
			p.add(s.where(s.rows[i]), "%v", err)
		}
	}
	return p.err()
}

// Close lets go of the files that the samples lie in. The set and its subsets must not be used any more.
func (s *Set) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// closeAll joins what must be closed.
func closeAll(list ...io.Closer) func() error {
	return func() error {
		var errs []error
		for _, c := range list {
			errs = append(errs, c.Close())
		}
		return errors.Join(errs...)
	}
}
