package roi

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainBin is the value of a bin by the definition of the operator, sample by sample in float64.
func plainBin(a *Align, b *Box, src []float32, row, col int) float64 {
	best, sum := math.Inf(-1), 0.0
	for i := range b.GridH {
		for j := range b.GridW {
			y := b.Y + (float64(row)+(float64(i)+0.5)/float64(b.GridH))*b.BinH
			x := b.X + (float64(col)+(float64(j)+0.5)/float64(b.GridW))*b.BinW
			for k := range 4 {
				v := plainElement(a, src, y, x, k)
				sum, best = sum+v, max(best, v)
			}
		}
	}
	switch {
	case b.GridH*b.GridW == 0:
		return 0
	case a.Max:
		return best
	}
	return sum / float64(b.GridH*b.GridW)
}

// plainElement is the weighted element k of the four around (y, x).
func plainElement(a *Align, src []float32, y, x float64, k int) float64 {
	if y < -1 || y > float64(a.Height) || x < -1 || x > float64(a.Width) {
		return 0
	}
	y, x = min(max(y, 0), float64(a.Height-1)), min(max(x, 0), float64(a.Width-1))
	h, w := math.Floor(y), math.Floor(x)
	ly, lx := y-h, x-w
	if k/2 == 0 {
		ly = 1 - ly
	} else {
		h = min(h+1, float64(a.Height-1))
	}
	if k%2 == 0 {
		lx = 1 - lx
	} else {
		w = min(w+1, float64(a.Width-1))
	}
	return ly * lx * float64(src[int(h)*a.Width+int(w)])
}

func TestAlign(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	paths := map[bool]int{}
	for i := range 60 {
		a := Align{Channels: 1 + r.IntN(40), Height: 1 + r.IntN(20), Width: 1 + r.IntN(20), Rows: 1 + r.IntN(4), Cols: 1 + r.IntN(4), Max: i%3 == 0}
		images, plane, bins := 1+r.IntN(3), a.Height*a.Width, a.Rows*a.Cols
		x := make([]float32, images*a.Channels*plane)
		for j := range x {
			x[j] = float32(r.NormFloat64())
		}
		boxes := make([]Box, 1+r.IntN(6))
		for j := range boxes {
			boxes[j] = Box{
				Image: r.IntN(images), Y: r.Float64()*30 - 5, X: r.Float64()*30 - 5,
				BinH: r.Float64() * 6, BinW: r.Float64() * 6, GridH: r.IntN(4), GridW: r.IntN(4),
			}
		}
		paths[a.channelsLast(len(boxes), images*plane)]++
		got, two := make([]float32, len(boxes)*a.Channels*bins), make([]float32, len(boxes)*a.Channels*bins)
		a.Run(got, x, boxes, 1)
		a.Run(two, x, boxes, 2)
		if !slices.Equal(got, two) {
			t.Fatalf("%+v: two threads give other bits", a)
		}
		for j, v := range got {
			b, ch, bin := &boxes[j/(a.Channels*bins)], j/bins%a.Channels, j%bins
			src := x[(b.Image*a.Channels+ch)*plane:][:plane]
			if want := plainBin(&a, b, src, bin/a.Cols, bin%a.Cols); math.Abs(float64(v)-want) > 1e-5 {
				t.Fatalf("%+v: channel %d, bin %d of %+v is %v, want %v", a, ch, bin, *b, v, want)
			}
		}
	}
	if paths[true] == 0 || paths[false] == 0 {
		t.Errorf("%v: both orders of channels must occur", paths)
	}
}

// TestDone wants nothing more to be computed when the channel is closed.
func TestDone(t *testing.T) {
	done := make(chan struct{})
	close(done)
	a := Align{Channels: 2, Height: 2, Width: 2, Rows: 1, Cols: 1, Done: done}
	y := []float32{7, 7}
	a.Run(y, make([]float32, 8), []Box{{BinH: 1, BinW: 1, GridH: 1, GridW: 1}}, 1)
	if y[0] != 7 || y[1] != 7 {
		t.Errorf("%v, want what was there", y)
	}
}
