package finetune

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
)

// identify notes what two runs have to have in common for one to go on where the other stopped: a hash of the settings, the
// weights that train, and the data.
func (f *fitter) identify() error {
	if f.o.Dir == "" {
		return nil
	}
	h := sha256.New()
	s := f.spec
	fmt.Fprintf(h, "%s\n%s %+v %v %v %v %s %d %d %d %d %d %v\n", f.o.Config, s.Optimizer.Name(), s.Optimizer, s.Rate,
		s.Decay, s.Clip, scheduleText(s.Schedule),
		s.Seed, f.o.Batch, f.total, f.rows(), f.parts, f.o.Order)
	fmt.Fprintf(h, "%+v %+v %v %v %+v %v\n", s.Groups, s.EMA, s.Dropout, s.BatchNorm, s.Recurrent, f.o.TryRates)
	fmt.Fprintln(h, f.privacyConfig())
	if s.HalfSaved {
		fmt.Fprintln(h, "saved as bfloat16")
	}
	for _, term := range s.Terms {
		text, err := json.Marshal(term.Loss)
		if err != nil {
			return fmt.Errorf("finetune: loss at %q: %w", term.At, err)
		}
		fmt.Fprintf(h, "%q %s %s %v\n", term.At, term.Loss.Name(), text, term.Weight)
	}
	for _, p := range f.params {
		fmt.Fprintf(h, "%q %v\n", p.Name, p.Shape)
	}
	if err := f.hashData(h); err != nil {
		return err
	}
	f.identity = hex.EncodeToString(h.Sum(nil))
	return nil
}

// inputsHashed bounds how many samples' inputs are hashed: reading all of a large dataset once more would take too long.
const inputsHashed = 32

// hashData writes all targets, and the inputs of samples from the first to the last, to h.
func (f *fitter) hashData(h hash.Hash) error {
	if f.single != nil {
		for _, name := range slices.Sorted(maps.Keys(f.single.Inputs)) {
			hashTensor(h, name, f.single.Inputs[name])
		}
		for _, y := range f.single.Targets {
			hashTensor(h, "", y)
		}
		return nil
	}
	for _, y := range f.table.targets {
		h.Write(y)
	}
	last := f.table.ds.Len() - 1
	for k := range min(inputsHashed, last+1) {
		i := k
		if last >= inputsHashed {
			i = last * k / (inputsHashed - 1)
		}
		if err := f.table.hashRow(h, i*f.table.views); err != nil {
			return err
		}
	}
	return nil
}

// rows counts what is trained on.
func (f *fitter) rows() int {
	if f.table == nil {
		return 1
	}
	return len(f.table.rows)
}

// plateauOf returns the part of a schedule that has a state, nil if it has none.
func plateauOf(s Schedule) *Plateau {
	switch s := s.(type) {
	case *Plateau:
		return s
	case WarmUp:
		return plateauOf(s.Then)
	}
	return nil
}

// scheduleText writes a schedule without its state.
func scheduleText(s Schedule) string {
	if s == nil {
		return ""
	}
	if p := plateauOf(s); p != nil {
		state := p.State
		p.State = PlateauState{}
		defer func() { p.State = state }()
	}
	text, err := json.Marshal(s)
	if err != nil {
		return s.Name()
	}
	return s.Name() + string(text)
}
