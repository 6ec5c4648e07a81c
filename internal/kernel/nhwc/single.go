package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// single computes convolutions of single elements to the one pixel that an image has, as where channels are weighted by their means: dot
// products of the pixel with the filter as it is written. Their sums go by several accumulators, so that they round less than one that
// runs through all channels: what such layers make multiplies a whole map.
type single struct {
	g conv.Geom
}

// CALIBRATION.md says which measurements these figures come from.
const (
	// singleMinK is how many input channels make sums of dot products worth their end across lanes.
	singleMinK = 64
	// singleElems bounds filters: larger ones leave the second-level cache, and panels are read in longer streams.
	singleElems = 1 << 16
)

func newSingle(g conv.Geom) algorithm {
	if g.OutSize() != 1 || g.Groups != 1 || g.InC < max(singleMinK, g.OutC) || g.InC*g.OutC > singleElems || !isPointwise(g.Axes[:g.Rank]) {
		return nil
	}
	return &single{g: g}
}

func (s *single) format() string { return "as written" }

func (s *single) filterLen() int { return s.g.OutC * s.g.InC }

func (s *single) rowLen() int { return s.g.InC }

func (s *single) pack(f *packed, w []float32, room *mem.Room) {
	s.packRows(f, filterRows{elems: w, each: s.rowLen()}, room)
}

func (s *single) packRows(f *packed, w filterRows, room *mem.Room) {
	f.data = room.Floats(s.filterLen())
	switch {
	case room.Filled():
	case w.fill == nil:
		copy(f.data, w.elems)
	default:
		w.fill(f.data, 0)
	}
}

func (s *single) scratch() int { return 0 }

func (s *single) anyStep() {}

func (s *single) run(a *Args) { s.runOnce(a, a.Filter.packed.data) }

// runOnce takes the images one after the other: dot products with several rows have other accumulators, so sums would depend on how many there are.
func (s *single) runOnce(a *Args, w []float32) {
	r := products.Get().(*product)
	t := &r.args
	*t = gemm.Args{M: 1, N: s.g.OutC, K: s.g.InC, ARS: a.XStep, ACS: 1, B: w, BRS: 1, BCS: s.g.InC, LDC: a.YStep, Threads: a.Threads}
	t.Epilogue = gemm.Epilogue{ColBias: a.Bias, LDR: a.ResidualStep, AddLast: a.AddLast, Act: a.Act, ColScale: a.Scale, ColShift: a.Shift}
	for i := range s.g.Batch {
		t.A, t.C = a.X[i*a.XStep:], a.Y[i*a.YStep:]
		if a.Residual != nil {
			t.Epilogue.Residual = a.Residual[i*a.ResidualStep:]
		}
		gemm.Run(t)
	}
	*r = product{}
	products.Put(r)
}
