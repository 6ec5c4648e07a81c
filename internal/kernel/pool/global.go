package pool

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// GlobalAverageF32 writes the mean of each of the planes of x, size elements long, to y.
func GlobalAverageF32(threads, planes, size int, x, y []float32) {
	global(threads, planes, size, kindAverage, x, y)
}

// GlobalMaxF32 writes the maximum of each of the planes of x, size elements long, to y.
func GlobalMaxF32(threads, planes, size int, x, y []float32) {
	global(threads, planes, size, kindMax, x, y)
}

// lanes is the number of partial results of a whole-plane pool. It is fixed, so that sums do not depend on the machine.
const lanes = 16

type globalTask struct {
	k           *window.Kernels
	kind        Kind
	planes, len int
	size        int
	off         []int
	ones        [lanes]float32
	x, y        []float32
}

var globals = sync.Pool{New: func() any {
	t := new(globalTask)
	for i := range t.ones {
		t.ones[i] = 1
	}
	return t
}}

func global(threads, planes, size int, kind Kind, x, y []float32) {
	t := globals.Get().(*globalTask)
	t.k, t.kind, t.planes, t.len, t.x, t.y = window.Best(), kind, planes, size, x, y
	for len(t.off) < size/lanes {
		t.off = append(t.off, len(t.off)*lanes)
	}
	var chunks int
	chunks, t.size = par.Split(planes, grainOps/max(size, 1)+1)
	par.Run(threads, chunks, t)
	t.x, t.y = nil, nil
	globals.Put(t)
}

// Chunk reduces a range of planes.
func (t *globalTask) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.planes)
	s := window.GetScratch(lanes)
	part, a := s.Buf, &s.Tap
	*a = window.TapArgs{Dst: part, Off: t.off[:t.len/lanes], RowScale: t.ones[:1], ColScale: t.ones[:], Rows: 1, Cols: lanes}
	apply := t.k.SumTaps
	if t.kind == kindMax {
		a.Bias = float32(math.Inf(-1))
		apply = t.k.MaxTaps
	}
	for p := lo; p < hi; p++ {
		a.Src = t.x[p*t.len:][:t.len]
		apply(a)
		tail := a.Src[t.len/lanes*lanes:]
		if t.kind == kindMax {
			t.y[p] = maxOf(maxOf(float32(math.Inf(-1)), part), tail)
		} else {
			t.y[p] = (sumOf(part) + sumOf(tail)) / float32(t.len)
		}
	}
	s.Release()
}

func maxOf(m float32, x []float32) float32 {
	for _, v := range x {
		if v > m { // NaN is passed over
			m = v
		}
	}
	return m
}

// sumOf adds four sums side by side, each of which waits for the one before.
func sumOf(x []float32) float32 {
	var a, b, c, d float32
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d = a+x[0], b+x[1], c+x[2], d+x[3]
	}
	for _, v := range x {
		a += v
	}
	return a + b + (c + d)
}
