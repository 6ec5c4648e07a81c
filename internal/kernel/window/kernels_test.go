package window

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

const guard = float32(-12345)

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()*2 - 1
	}
	return x
}

func guarded(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = guard
	}
	return x
}

func compare(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-5) && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// eachRow runs f once for every set of kernels in assembly, and names those that need what the machine lacks.
func eachRow(t *testing.T, f func(t *testing.T, k *Kernels)) {
	for i := range rows[1:] {
		k := &rows[i+1]
		t.Run(k.Name, func(t *testing.T) {
			if !cpu.Has(k.Needs) {
				t.Skipf("kernel set %s needs %v: this machine offers %v", k.Name, k.Needs, cpu.Features())
			}
			f(t, k)
		})
	}
}

func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for cols := range 70 {
			a := RowArgs{Rows: 3, Cols: cols, DstStep: cols + 3, SrcStep: cols + 1, Src: random(r, 4*(cols+1))}
			n := 4 * (cols + 3)
			b := a
			a.Dst, b.Dst = guarded(n), guarded(n)
			k.CopyRows(&a)
			copyRowsGeneric(&b)
			compare(t, fmt.Sprint(k.Name, " copy ", cols), a.Dst, b.Dst)
			a.Dst, b.Dst, a.Dst2, b.Dst2 = guarded(n), guarded(n), guarded(n), guarded(n)
			k.SplitRows(&a)
			splitRowsGeneric(&b)
			compare(t, fmt.Sprint(k.Name, " split ", cols), a.Dst, b.Dst)
			compare(t, fmt.Sprint(k.Name, " split2 ", cols), a.Dst2, b.Dst2)
			a.Src2 = random(r, 4*(cols+1))
			b.Src2 = a.Src2
			a.Dst, b.Dst = guarded(n), guarded(n)
			k.MergeRows(&a)
			mergeRowsGeneric(&b)
			compare(t, fmt.Sprint(k.Name, " merge ", cols), a.Dst, b.Dst)
		}
	})
}

func TestPackTaps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for n := range 11 {
			for segs := range k.Lanes + 1 {
				a := PackArgs{Src: random(r, 400), Step: k.Lanes + 2, Dst: guarded(20 * (k.Lanes + 2))}
				for range n {
					a.Off = append(a.Off, 50+r.IntN(100))
				}
				for lane := range segs {
					a.Segs = append(a.Segs, Seg{r.IntN(200) - 50, 1 << lane})
				}
				k.PackTaps(&a)
				for i, off := range a.Off {
					for lane := range k.Lanes {
						want := float32(0)
						if lane < segs {
							want = a.Src[off+a.Segs[lane].Delta+lane]
						}
						if got := a.Dst[i*a.Step+lane]; got != want {
							t.Fatalf("%s: %d segments, offset %d lane %d: got %v, want %v", k.Name, segs, i, lane, got, want)
						}
					}
					if a.Dst[i*a.Step+k.Lanes] != guard {
						t.Fatalf("%s: wrote past the vector", k.Name)
					}
				}
			}
		}
	})
}

func TestTaps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	inf := float32(math.Inf(1))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for rows := range 10 {
			for cols := 1; cols < 80; cols += 1 + cols/20 {
				n := rows * (cols + 2)
				a := TapArgs{Rows: rows, Cols: cols, SrcStep: cols + 5, DstStep: cols + 2, Bias: 0.5, Lo: -inf, Hi: inf}
				a.Src = random(r, (rows+3)*(cols+5)+MaxLanes)
				for i := range 9 {
					a.Off = append(a.Off, i/3*a.SrcStep+i%3)
				}
				a.W, a.RowScale, a.ColScale = random(r, 9), random(r, rows), random(r, cols)
				if cols%2 == 0 {
					a.Lo, a.Hi = 0, 1
					a.Src[2] = float32(math.NaN())
				}
				for _, f := range []struct {
					name     string
					fn, want func(*TapArgs)
				}{{"fma", k.FMATaps, fmaTapsGeneric}, {"max", k.MaxTaps, maxTapsGeneric}, {"sum", k.SumTaps, sumTapsGeneric}} {
					b := a
					a.Dst, b.Dst = guarded(n), guarded(n)
					f.fn(&a)
					f.want(&b)
					compare(t, fmt.Sprint(k.Name, " ", f.name, " ", rows, "x", cols), a.Dst, b.Dst)
				}
			}
		}
	})
}

func TestTall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for rows := 4; rows < 14; rows++ {
			for cols := 1; cols < 70; cols += 1 + cols/30 {
				width := 1 + r.IntN(8)
				a := TapArgs{Rows: rows, Cols: cols, SrcStep: cols + 9, DstStep: cols + 2, Bias: 0.5, Lo: -1, Hi: 1, W: random(r, 7*width)}
				for range width {
					a.Off = append(a.Off, r.IntN(9))
				}
				a.Src = random(r, (rows+7)*(cols+9)+MaxLanes)
				b := a
				for _, f := range []struct{ fn, want func(*TapArgs) }{{k.Tall5, tall5Generic}, {k.Tall7, tall7Generic}} {
					a.Dst, b.Dst = guarded(rows*(cols+2)), guarded(rows*(cols+2))
					f.fn(&a)
					f.want(&b)
					compare(t, fmt.Sprint(k.Name, " tall ", rows, "x", cols, " by ", width), a.Dst, b.Dst)
				}
			}
		}
	})
}

func TestLines(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for range 200 {
			in, a := 1+r.IntN(40), LineArgs{Taps: 1 + r.IntN(5), Count: r.IntN(40), Pitch: LineWidth + r.IntN(20)}
			a.Src, a.W = random(r, in*a.Pitch+LineWidth), random(r, a.Taps*a.Count)
			for range a.W {
				a.Index = append(a.Index, r.IntN(in))
			}
			b := a
			a.Dst, b.Dst = guarded(a.Count*a.Pitch+LineWidth), guarded(a.Count*a.Pitch+LineWidth)
			k.Lines(&a)
			linesGeneric(&b)
			compare(t, fmt.Sprintf("%s: %d taps, %d outputs", k.Name, a.Taps, a.Count), a.Dst, b.Dst)
		}
	})
}

func TestFrame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	for range 3000 {
		axis := func(in int) Axis {
			for {
				a := Attrs{Kernel: []int{1 + r.IntN(4)}, Strides: []int{1 + r.IntN(4)}, Dilations: []int{1 + r.IntN(3)},
					Pads: []int{r.IntN(4), r.IntN(4)}, Ceil: r.IntN(2) == 0}
				if x, err := a.Axis(0, in); err == nil {
					return x
				}
			}
		}
		d, h, w := axis(1+r.IntN(4)), axis(1+r.IntN(9)), axis(1+r.IntN(40))
		f := NewFrame(d, h, w, 1+r.IntN(d.Out), 1+r.IntN(h.Out))
		const channels = 2
		x := random(r, channels*d.In*h.In*w.In)
		for _, k := range All() {
			first := [2]int{r.IntN(d.Out - f.BandD + 1), r.IntN(h.Out - f.BandH + 1)}
			checkFrame(t, &f, k, x, channels, first, r.IntN(d.Out-f.BandD+1), r.IntN(h.Out-f.BandH+1))
		}
	}
}

// checkFrame fills a frame that held another band before.
func checkFrame(t *testing.T, f *Frame, k *Kernels, x []float32, channels int, before [2]int, d0, h0 int) {
	t.Helper()
	d, h, w := f.D, f.H, f.W
	buf := make([]float32, f.Len(channels))
	f.Reset(buf, channels, 7)
	f.Fill(k, new(Scratch), buf, x, channels, before[0], before[1])
	b := f.Band(d0, h0)
	for c := range channels {
		b.Pad(buf[c*f.Plane:], 7)
	}
	f.Fill(k, new(Scratch), buf, x, channels, d0, h0)
	each(channels, f.BandD, f.BandH, w.Out, d.Kernel, h.Kernel, w.Kernel, func(i [7]int) {
		want := float32(7)
		id := (d0+i[1])*d.Stride + i[4]*d.Dilation - d.Lo
		ih := (h0+i[2])*h.Stride + i[5]*h.Dilation - h.Lo
		iw := i[3]*w.Stride + i[6]*w.Dilation - w.Lo
		if id >= 0 && id < d.In && ih >= 0 && ih < h.In && iw >= 0 && iw < w.In {
			want = x[((i[0]*d.In+id)*h.In+ih)*w.In+iw]
		}
		if got := buf[i[0]*f.Plane+f.At(i[1], i[2])+i[3]+f.Offset(i[4], i[5], i[6])]; got != want {
			t.Fatalf("%s: %+v: at %v of band %d,%d: got %v, want %v", k.Name, *f, i, d0, h0, got, want)
		}
	})
}

// each calls f for every index below the given limits.
func each(n0, n1, n2, n3, n4, n5, n6 int, f func(i [7]int)) {
	lim := [7]int{n0, n1, n2, n3, n4, n5, n6}
	var i [7]int
	for {
		f(i)
		j := 6
		for ; j >= 0; j-- {
			if i[j]++; i[j] < lim[j] {
				break
			}
			i[j] = 0
		}
		if j < 0 {
			return
		}
	}
}
