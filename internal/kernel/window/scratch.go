package window

import (
	"github.com/onnxrun/onnxrun/internal/mem"
)

// Scratch is the working memory of one chunk: a buffer and the argument structs of the kernels, which would otherwise be
// allocated by every call through the kernel table.
type Scratch struct {
	Buf  []float32
	Off  []int // for offsets that are made on the fly
	Row  RowArgs
	Tap  TapArgs
	Pack PackArgs
	Line LineArgs
	Grad MaxGradArgs

	Place   PlaceArgs
	Numbers []int32 // for numbers of taps that are made on the fly
}

var scratches mem.Pool[Scratch]

// GetScratch returns a scratch whose buffer has n elements of any value.
func GetScratch(n int) *Scratch {
	s := scratches.Get()
	s.Grow(n)
	return s
}

// Release hands s back; it must not be used afterwards.
func (s *Scratch) Release() {
	s.Row, s.Tap, s.Grad, s.Place = RowArgs{}, TapArgs{}, MaxGradArgs{}, PlaceArgs{}
	s.Pack.Src, s.Pack.Dst, s.Pack.Off = nil, nil, nil
	scratches.Put(s)
}

// Grow gives the buffer n elements of any value. What pointed into it must not be used any more.
func (s *Scratch) Grow(n int) { s.Buf = mem.Grow(s.Buf, n) }
