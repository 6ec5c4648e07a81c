package data

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Split divides a set in two: val gets the given fraction of the samples, each class its share of them and, if it has
// two samples at least, one in either part. Copies of a sample stay together where that is possible. Which ones depends
// on the seed only; both parts keep the order of the set. If columns are standardised, mean and deviation are learned
// again on the training part.
func Split(s *Set, fraction float64, seed uint64) (train, val *Set, err error) {
	if !(fraction > 0 && fraction < 1) {
		return nil, nil, fmt.Errorf("data: split: fraction %v, want one between 0 and 1", fraction)
	}
	if s.Len() < 2 {
		return nil, nil, fmt.Errorf("data: split: %d samples, want 2 at least", s.Len())
	}
	groups := map[int][]int{}
	for i := range s.Len() {
		groups[s.Class(i)] = append(groups[s.Class(i)], i)
	}
	chosen := make([]bool, s.Len())
	counts := shares(groups, fraction, s.Len())
	for class, list := range groups {
		copies, err := s.copies(list)
		if err != nil {
			return nil, nil, err
		}
		for _, i := range choose(copies, counts[class], newDraw(seed, "split", uint64(class))) {
			chosen[i] = true
		}
	}
	var parts [2][]int
	for i, c := range chosen {
		k := 0
		if c {
			k = 1
		}
		parts[k] = append(parts[k], i)
	}
	train, val = s.Subset(parts[0]), s.Subset(parts[1])
	train.relearn()
	val.scales = train.scales
	return train, val, nil
}

// copies gathers the samples of equal content, in the order in which they come first.
func (s *Set) copies(list []int) ([][]int, error) {
	var groups [][]int
	at := map[string]int{}
	for _, i := range list {
		key, err := s.contentKey(i)
		if err != nil {
			return nil, err
		}
		k, ok := at[key]
		if !ok {
			k = len(groups)
			at[key] = k
			groups = append(groups, nil)
		}
		groups[k] = append(groups[k], i)
	}
	return groups, nil
}

// choose draws n samples, all copies of one or none of them; where all samples have more copies than that, some of one.
func choose(copies [][]int, n int, d *draw) []int {
	order := upTo(len(copies))
	d.shuffle(order)
	var chosen []int
	for _, k := range order {
		if len(chosen)+len(copies[k]) <= n {
			chosen = append(chosen, copies[k]...)
		}
	}
	if len(chosen) == 0 && n > 0 {
		return copies[order[0]][:n]
	}
	return chosen
}

// shares returns how many samples of each class are taken: each class its share rounded down, and what is missing from
// the classes with the largest remainders, the first ones if equal.
func shares(groups map[int][]int, fraction float64, samples int) map[int]int {
	classes := slices.Sorted(maps.Keys(groups))
	counts, rest := map[int]int{}, map[int]float64{}
	total := 0
	for _, c := range classes {
		n := len(groups[c])
		exact := fraction * float64(n)
		counts[c] = int(exact)
		if rest[c] = exact - math.Floor(exact); n > 1 {
			counts[c] = min(max(counts[c], 1), n-1)
		}
		total += counts[c]
	}
	order := slices.Clone(classes)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	want := min(max(int(math.Round(fraction*float64(samples))), 1), samples-1)
	for _, c := range order {
		if n := len(groups[c]); total < want && n > 1 && counts[c] < n-1 && rest[c] > 0 {
			counts[c]++
			total++
		}
	}
	if total == 0 { // classes of one sample each
		counts[order[0]] = 1
	}
	return counts
}

// relearn learns the scaling of the set's own samples, unless it was known beforehand.
func (s *Set) relearn() {
	a, ok := s.source.(*arrays)
	if !ok || len(s.scales) == 0 {
		return
	}
	scales := map[string]*scaling{}
	for _, in := range a.inputs {
		switch {
		case s.scales[in.name] == nil:
		case s.known.scales[in.name] != nil:
			scales[in.name] = s.scales[in.name]
		default:
			scales[in.name] = in.learn(s.rows)
		}
	}
	s.scales = scales
}

// A Leak is a sample that stands in two sets.
type Leak struct {
	Train, Val string // places: file and row
}

// Leaks returns the samples of val whose content stands in train, too: one that was learned by heart is no measure.
func Leaks(train, val *Set) ([]Leak, error) {
	first := map[string]int{}
	for i := range train.Len() {
		key, err := train.contentKey(i)
		if err != nil {
			return nil, err
		}
		if _, ok := first[key]; !ok {
			first[key] = i
		}
	}
	var leaks []Leak
	for i := range val.Len() {
		key, err := val.contentKey(i)
		if err != nil {
			return nil, err
		}
		if k, ok := first[key]; ok {
			leaks = append(leaks, Leak{train.Place(k), val.Place(i)})
		}
	}
	return leaks, nil
}

// Balance returns a weight for each class, inverse to how often it comes and 1 on average over the samples: n /
// (classes * n_c), as scikit-learn's "balanced". A class without samples has weight 0. It returns nil if the targets
// are numbers.
func Balance(s *Set) []float32 {
	counts := s.Counts()
	present := 0
	for _, n := range counts {
		if n > 0 {
			present++
		}
	}
	if counts == nil {
		return nil
	}
	weights := make([]float32, len(counts))
	for c, n := range counts {
		if n > 0 {
			weights[c] = float32(float64(s.Len()) / (float64(present) * float64(n)))
		}
	}
	return weights
}
