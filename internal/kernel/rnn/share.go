package rnn

import (
	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/par"
)

// A share says how threads share the steps of a layer. Those that have a part of the units each wait for one another after every
// step; those that have a part of the rows never do, but each reads all weights.
type share struct {
	rows   int
	parts  int
	byRows bool
	stages int // of the present run
}

const (
	// partMACs is the number of multiplications of a step that are worth a thread: a microsecond or two.
	partMACs = 96 << 10
	// partRows is how many rows of the state a thread has at least: they go over the weights together. Kernels then take two of them
	// or three, whose sums are the same bits.
	partRows = 4
)

// newShare chooses how to share steps with the given weights; no result depends on it.
func newShare(l *Layer, rows, threads int, r, late *Packed) share {
	worth := max(1, rows*l.Cell.Gates()*l.Hidden*l.Hidden/partMACs)
	s := share{rows: rows, parts: min(threads, len(r.blocks), worth)}
	bytes := r.Bytes()
	if late != nil {
		bytes += late.Bytes()
	}
	_, l2, _ := cpu.Caches()
	if l2 == 0 {
		l2 = 1 << 18
	}
	if parts := min(threads, rows/partRows, worth); parts >= s.parts && bytes <= l2/2 {
		s.parts, s.byRows = parts, true
	}
	s.parts = max(1, s.parts)
	return s
}

// A sharer does the steps as one and as the other: see piece.
type sharer interface {
	par.Task
	par.StagedTask
}

// run does so many stages.
func (s *share) run(threads, stages int, t sharer) {
	if s.stages = stages; s.byRows {
		par.Run(threads, s.parts, t)
		return
	}
	par.Stages(threads, stages, s.parts, t)
}

// A piece is what one thread does of a step: a part of several of the units, of rows [from, to).
type piece struct{ part, parts, from, to int }

// ofUnits is a piece of all rows, ofRows one of all units.
func (s *share) ofUnits(part int) piece { return piece{part, s.parts, 0, s.rows} }
func (s *share) ofRows(part int) piece {
	return piece{0, 1, part * s.rows / s.parts, (part + 1) * s.rows / s.parts}
}
