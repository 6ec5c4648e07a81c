package window

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlaces wants the bits of the plain loops: with ties, NaN and infinities, and nothing written between the columns and behind the
// last; then of the gradient for the places that they found.
func TestPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 19))
	special := []float32{float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.Copysign(0, -1)), 0}
	eachRow(t, func(t *testing.T, k *Kernels) {
		for rows := range 4 {
			for cols := k.Lanes; cols < 12*k.Lanes; cols += k.Lanes {
				step := cols + 3
				a := PlaceArgs{Rows: rows, Cols: cols, SrcStep: step, DstStep: cols + 2}
				for i := range r.IntN(10) {
					a.Off, a.Numbers = append(a.Off, i/3*6*step+i%3*step), append(a.Numbers, int32(3*i))
				}
				a.Src = make([]float32, 20*step)
				for i := range a.Src {
					if a.Src[i] = float32(r.IntN(5) - 2); r.IntN(3) == 0 {
						a.Src[i] = special[r.IntN(len(special))]
					}
				}
				n := rows * a.DstStep
				b := a
				a.Dst, b.Dst, a.Places, b.Places = guarded(n), guarded(n), bytes.Repeat([]byte{77}, n), bytes.Repeat([]byte{77}, n)
				k.MaxPlaces(&a)
				maxPlacesGeneric(&b)
				if !slices.Equal(a.Dst, b.Dst) || !bytes.Equal(a.Places, b.Places) {
					t.Fatalf("%s, %dx%d, %d taps: %v %v, want %v %v", k.Name, rows, cols, len(a.Off), a.Dst, a.Places, b.Dst, b.Places)
				}
				a.Places = make([]byte, len(a.Src))
				for i := range a.Src {
					a.Src[i], a.Places[i] = r.Float32(), uint8(3*r.IntN(4))
				}
				b.Src, b.Places = a.Src, a.Places
				k.PlacesGrad(&a)
				placesGradGeneric(&b)
				if !slices.Equal(a.Dst, b.Dst) {
					t.Fatalf("%s, %dx%d, %d taps: the sums differ", k.Name, rows, cols, len(a.Off))
				}
			}
		}
	})
}
