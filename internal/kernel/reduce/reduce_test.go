package reduce

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func noise(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func close32(got, want, tol float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return math.IsNaN(got) == math.IsNaN(want) && math.IsInf(got, 1) == math.IsInf(want, 1) && math.IsInf(got, -1) == math.IsInf(want, -1)
	}
	return math.Abs(got-want) <= tol*max(1, math.Abs(want))
}

var opNames = [...]string{"Sum", "Mean", "Max", "Min", "Prod", "SumSquare", "L1", "L2", "LogSum", "LogSumExp"}

// naive reduces x in float64.
func naive(op Op, x []float64) float64 {
	sum, sq, l1, prod, hi, lo, lse := 0.0, 0.0, 0.0, 1.0, math.Inf(-1), math.Inf(1), 0.0
	for _, v := range x {
		sum, sq, l1, prod, hi, lo, lse = sum+v, sq+v*v, l1+math.Abs(v), prod*v, math.Max(hi, v), math.Min(lo, v), lse+math.Exp(v)
	}
	return [...]float64{sum, sum / float64(len(x)), hi, lo, prod, sq, l1, math.Sqrt(sq), math.Log(sum), math.Log(lse)}[op]
}

func TestOf(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, s := range [][3]int{{1, 1, 1}, {3, 7, 1}, {1, 100, 1}, {2, 5, 3}, {1, 33, 70}, {4, 1, 9}, {2, 300, 1}, {5, 0, 2}, {0, 3, 1}, {3, 40, 130}, {1, 3136, 24}, {2, 3000, 144}, {1, 500, 700}, {2, 300, 500}, {1, 200001, 1}, {2, 70000, 3}, {700, 130, 1}, {9, 2, 1}, {1000, 3, 1}, {20000, 4, 1}, {33, 8, 1}, {33, 9, 1}, {5003, 7, 1}, {4999, 16, 1}, {3001, 17, 1}, {2003, 32, 1}, {2003, 33, 1}} {
		for op := Sum; op <= LogSumExp; op++ {
			outer, n, inner := s[0], s[1], s[2]
			x := noise(r, outer*n*inner)
			if n > 1000 && op == Prod {
				continue
			}
			if op == LogSum {
				for i := range x {
					x[i] = float32(math.Abs(float64(x[i])))
				}
			}
			x64 := make([]float64, len(x))
			for i, v := range x {
				x64[i] = float64(v)
			}
			got, two, got64 := make([]float32, outer*inner), make([]float32, outer*inner), make([]float64, outer*inner)
			Of(op, got, x, outer, n, inner, 1)
			Of(op, two, x, outer, n, inner, 2)
			Of(op, got64, x64, outer, n, inner, 1)
			for i := range got {
				col := make([]float64, n)
				for k := range col {
					col[k] = x64[(i/inner*n+k)*inner+i%inner]
				}
				want := naive(op, col)
				if n == 0 && op == LogSumExp {
					want = math.Inf(-1)
				}
				tol := 1e-6 * math.Sqrt(float64(n)+1)
				if !close32(float64(got[i]), want, tol) || !close32(got64[i], want, 1e-11) {
					t.Fatalf("%s %v: result %d is %v and %v, want %v", opNames[op], s, i, got[i], got64[i], want)
				}
				if math.Float32bits(got[i]) != math.Float32bits(two[i]) {
					t.Fatalf("%s %v: result %d is %v on one thread and %v on two", opNames[op], s, i, got[i], two[i])
				}
			}
		}
	}
}

func TestNaN(t *testing.T) {
	for n := 1; n < 70; n++ {
		for at := range n {
			x := noise(rand.New(rand.NewPCG(1, 1)), n)
			x[at] = float32(math.NaN())
			for op := Sum; op <= LogSumExp; op++ {
				var y [1]float32
				Of(op, y[:], x, 1, n, 1, 1)
				if y[0] == y[0] {
					t.Fatalf("%s of %d elements with a NaN at %d is %v", opNames[op], n, at, y[0])
				}
				z := make([]float32, n)
				Of(op, z, x, 1, 1, n, 1)
				if z[at] == z[at] {
					t.Fatalf("%s of one row with a NaN at %d is %v", opNames[op], at, z[at])
				}
			}
		}
	}
}

func TestAxes(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		rank := r.IntN(6)
		shape, axis := make([]int, rank), make([]bool, rank)
		total := 1
		for i := range shape {
			shape[i], axis[i] = 1+r.IntN(5), r.IntN(2) == 0
			total *= shape[i]
		}
		x := make([]int64, total)
		want := map[int][]int64{}
		for i := range x {
			x[i] = int64(r.IntN(100))
			rest, out, step := i, 0, 1
			for k := rank - 1; k >= 0; k-- {
				if !axis[k] {
					out += rest % shape[k] * step
					step *= shape[k]
				}
				rest /= shape[k]
			}
			want[out] = append(want[out], x[i])
		}
		scratch := make([]int64, ScratchLen(shape, axis))
		got := make([]int64, len(want))
		for _, op := range []Op{Sum, Mean, Max, L1, SumSquare} {
			Axes(op, got, x, shape, axis, scratch, 1)
			for i := range got {
				var sum, sq, hi int64
				for _, v := range want[i] {
					sum, sq, hi = sum+v, sq+v*v, max(hi, v)
				}
				exp := map[Op]int64{Sum: sum, Mean: sum / int64(len(want[i])), Max: hi, L1: sum, SumSquare: sq}[op]
				if got[i] != exp {
					t.Fatalf("%s of %v over %v: result %d is %d, want %d", opNames[op], shape, axis, i, got[i], exp)
				}
			}
		}
	}
}

func TestArg(t *testing.T) {
	nan := float32(math.NaN())
	x := []float32{1, 3, 2, 3, nan, 1, 5, nan, 0, 0, 0, 0}
	got := make([]int64, 3)
	for _, c := range []struct {
		name string
		run  func()
		want [3]int64
	}{
		{"max", func() { ArgMax(got, x, 3, 4, 1, false, 1) }, [3]int64{1, 0, 0}},
		{"max last", func() { ArgMax(got, x, 3, 4, 1, true, 1) }, [3]int64{3, 3, 3}},
		{"min", func() { ArgMin(got, x, 3, 4, 1, false, 1) }, [3]int64{0, 0, 0}},
		{"min axis 0", func() { ArgMin(got, x, 1, 4, 3, false, 1) }, [3]int64{3, 1, 2}},
	} {
		if c.run(); [3]int64(got) != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestArgShort compares the positions of the extreme elements of many short rows, with equals and NaN among them, with those of each.
func TestArgShort(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 9))
	for n := 1; n <= shortRow; n++ {
		rows := 1 + r.IntN(600)
		x := make([]float32, rows*n)
		for i := range x {
			if x[i] = float32(r.IntN(2*n) - n); r.IntN(50) == 0 {
				x[i] = float32(math.NaN())
			}
		}
		got := make([]int64, rows)
		for _, last := range []bool{false, true} {
			for op, f := range map[Op]func([]int64, []float32, int, int, int, bool, int){Max: ArgMax[float32], Min: ArgMin[float32]} {
				f(got, x, rows, n, 1, last, 2)
				for i := range rows {
					if want := argRow(op, x[i*n:(i+1)*n], last, nil); got[i] != int64(want) {
						t.Fatalf("%s of %v, last %v: %d, want %d", opNames[op], x[i*n:(i+1)*n], last, got[i], want)
					}
				}
			}
		}
	}
}

func TestSoftmax(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for cols := 1; cols < 140; cols++ {
		rows := 3
		if cols <= fewColumns {
			rows = 2*tile + 100
		}
		x, mask := noise(r, rows*cols), noise(r, rows*cols)
		got, logs, masked := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
		Softmax(got, x, rows, cols, 1)
		LogSoftmax(logs, x, rows, cols, 1)
		SoftmaxScaled(masked, x, SoftmaxArgs{Rows: rows, Cols: cols, Scale: 0.25, Mask: mask[:cols]}, 1)
		for row := range rows {
			sum, msum := 0.0, 0.0
			at := func(i int) float64 { return float64(x[row*cols+i]) }
			for i := range cols {
				sum += math.Exp(at(i))
				msum += math.Exp(at(i)*0.25 + float64(mask[i]))
			}
			for i := range cols {
				k := row*cols + i
				if !close32(float64(got[k]), math.Exp(at(i))/sum, 5e-7) || !close32(float64(logs[k]), at(i)-math.Log(sum), 1e-6) ||
					!close32(float64(masked[k]), math.Exp(at(i)*0.25+float64(mask[i]))/msum, 5e-7) {
					t.Fatalf("cols %d, element %d: got %v, %v, %v", cols, i, got[k], logs[k], masked[k])
				}
			}
		}
	}
}

func TestSoftmaxSpecial(t *testing.T) {
	inf := float32(math.Inf(1))
	y := make([]float32, 20)
	x := make([]float32, 20)
	for i := range x {
		x[i] = -inf
	}
	Softmax(y, x, 1, 20, 1)
	for _, v := range y {
		if v == v {
			t.Fatalf("softmax of -Inf is %v", y)
		}
	}
	x[17] = 5
	Softmax(y, x, 1, 20, 1)
	for i, v := range y {
		if want := map[bool]float32{true: 1}[i == 17]; v != want {
			t.Fatalf("softmax beside -Inf is %v", y)
		}
	}
}

// TestSoftmaxFew compares threads, and rows with infinities.
func TestSoftmaxFew(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	for cols := 1; cols <= fewColumns; cols++ {
		rows := serial/cols + 1000
		x := noise(r, rows*cols)
		for c := range cols {
			x[c] = float32(math.Inf(-1))
		}
		x[len(x)-1] = float32(math.NaN())
		for _, f := range []func(dst, src []float32, rows, cols, threads int){Softmax, LogSoftmax} {
			one, two := make([]float32, len(x)), make([]float32, len(x))
			f(one, x, rows, cols, 1)
			f(two, x, rows, cols, 2)
			for i, v := range one {
				if v != two[i] && (v == v || two[i] == two[i]) {
					t.Fatalf("%d columns: element %d is %v, by two threads %v", cols, i, v, two[i])
				}
				if special := i < cols || i >= len(x)-cols; special != (v != v) {
					t.Fatalf("%d columns: element %d is %v", cols, i, v)
				}
			}
		}
	}
}

func TestSoftmaxAxis(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, s := range [][3]int{{2, 5, 3}, {1, 20, 100}, {3, 1, 65}, {2, 7, 1}, {1, 300, 200}, {2, 200, 8}, {1, 3, 256}, {3, 129, 4}, {1, 70, 257}, {2, 1, 8}} {
		outer, n, inner := s[0], s[1], s[2]
		x := noise(r, outer*n*inner)
		x64, want := make([]float64, len(x)), make([]float64, len(x))
		for i, v := range x {
			x64[i] = float64(v)
		}
		for _, log := range []bool{false, true} {
			got, two := make([]float32, len(x)), make([]float32, len(x))
			softmaxAxis(got, x, outer, n, inner, 1, log)
			softmaxAxis(two, x, outer, n, inner, 2, log)
			SoftmaxOf(want, x64, outer, n, inner, log)
			for i := range got {
				if !close32(float64(got[i]), want[i], 1e-6) || got[i] != two[i] {
					t.Fatalf("%v log %v: element %d is %v and %v, want %v", s, log, i, got[i], two[i], want[i])
				}
			}
		}
	}
}

func TestNorms(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for cols := 1; cols < 140; cols++ {
		const rows = 3
		x, scale, bias := noise(r, rows*cols), noise(r, cols), noise(r, cols)
		for i := range x {
			x[i] += 10
		}
		got, rms, mean, inv := make([]float32, len(x)), make([]float32, len(x)), make([]float32, rows), make([]float32, rows)
		LayerNorm(got, x, RowNorm{Rows: rows, Cols: cols, Eps: 1e-5, Scale: scale, Bias: bias, Mean: mean, InvStd: inv}, 1)
		RMSNorm(rms, x, RowNorm{Rows: rows, Cols: cols, Eps: 1e-5, Scale: scale}, 1)
		for row := range rows {
			m, v, q := 0.0, 0.0, 0.0
			for _, e := range x[row*cols : (row+1)*cols] {
				m += float64(e) / float64(cols)
				q += float64(e) * float64(e) / float64(cols)
			}
			for _, e := range x[row*cols : (row+1)*cols] {
				v += (float64(e) - m) * (float64(e) - m) / float64(cols)
			}
			is := 1 / math.Sqrt(v+1e-5)
			if !close32(float64(mean[row]), m, 1e-6) || !close32(float64(inv[row]), is, 1e-4) {
				t.Fatalf("cols %d: mean %v inverse deviation %v, want %v %v", cols, mean[row], inv[row], m, is)
			}
			for i := range cols {
				k := row*cols + i
				want := (float64(x[k])-m)*is*float64(scale[i]) + float64(bias[i])
				wantRMS := float64(x[k]) / math.Sqrt(q+1e-5) * float64(scale[i])
				if tol := 1e-5 * max(1, is); !close32(float64(got[k]), want, tol) || !close32(float64(rms[k]), wantRMS, 2e-6) {
					t.Fatalf("cols %d, element %d: got %v and %v, want %v and %v", cols, i, got[k], rms[k], want, wantRMS)
				}
			}
		}
	}
}

func TestSkipNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	const rows, cols = 5, 37
	x, skip, bias, scale := noise(r, rows*cols), noise(r, rows*cols), noise(r, cols), noise(r, cols)
	sum := make([]float32, rows*cols)
	for i := range sum {
		sum[i] = x[i] + skip[i] + bias[i%cols]
	}
	for name, norm := range map[string]func(dst, src []float32, a RowNorm, threads int){"layer": LayerNorm, "rms": RMSNorm} {
		want, got, kept := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
		norm(want, sum, RowNorm{Rows: rows, Cols: cols, Eps: 1e-5, Scale: scale}, 1)
		norm(got, x, RowNorm{Rows: rows, Cols: cols, Eps: 1e-5, Scale: scale, Skip: skip, SkipBias: bias, Sum: kept}, 2)
		if !slices.Equal(got, want) || !slices.Equal(kept, sum) {
			t.Errorf("%s norm of a sum differs", name)
		}
		norm(got, x, RowNorm{Rows: rows, Cols: cols, Eps: 1e-5, Scale: scale, Skip: skip, SkipBias: bias}, 2)
		if !slices.Equal(got, want) {
			t.Errorf("%s norm of a sum that is not kept differs", name)
		}
	}
}

func TestSoftmaxMaskRows(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	const rows, cols = 12, 19
	x, mask := noise(r, rows*cols), noise(r, 3*cols)
	got, want := make([]float32, len(x)), make([]float32, len(x))
	SoftmaxScaled(got, x, SoftmaxArgs{Rows: rows, Cols: cols, Scale: 2, Mask: mask, MaskRows: 3, MaskRepeat: 2}, 1)
	for i := range x {
		want[i] = x[i]*2 + mask[i/cols/2%3*cols+i%cols]
	}
	Softmax(want, want, rows, cols, 1)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestGroupNormFarFromZero: planes of one value give the bias, however large the value is.
func TestGroupNormFarFromZero(t *testing.T) {
	x := []float32{1000.25, 1000.25, -3000.5, -3000.5, 77.125, 77.125}
	got, bias := make([]float32, 6), []float32{0.087, -1, 0}
	GroupNorm(got, x, PlaneNorm{Batch: 1, Channels: 3, Plane: 2, Groups: 3, Eps: 1e-5, Bias: bias}, 1)
	for i, v := range got {
		if v != bias[i/2] {
			t.Errorf("element %d is %v, want %v", i, v, bias[i/2])
		}
	}
}

func TestGroupNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	const batch, channels, plane, groups = 2, 6, 35, 3
	x, scale, bias := noise(r, batch*channels*plane), noise(r, channels), noise(r, channels)
	got := make([]float32, len(x))
	GroupNorm(got, x, PlaneNorm{Batch: batch, Channels: channels, Plane: plane, Groups: groups, Eps: 1e-5, Scale: scale, Bias: bias}, 2)
	const per = channels / groups * plane
	for g := range batch * groups {
		m, v := 0.0, 0.0
		for _, e := range x[g*per : (g+1)*per] {
			m += float64(e) / per
		}
		for _, e := range x[g*per : (g+1)*per] {
			v += (float64(e) - m) * (float64(e) - m) / per
		}
		for i := g * per; i < (g+1)*per; i++ {
			c := i / plane % channels
			want := (float64(x[i])-m)/math.Sqrt(v+1e-5)*float64(scale[c]) + float64(bias[c])
			if !close32(float64(got[i]), want, 2e-6) {
				t.Fatalf("element %d is %v, want %v", i, got[i], want)
			}
		}
	}
}

func TestCumSum(t *testing.T) {
	x := []int32{1, 2, 3, 4, 5, 6}
	y := make([]int32, 6)
	for _, c := range []struct {
		exclusive, reverse bool
		want               [6]int32
	}{
		{false, false, [6]int32{1, 2, 4, 6, 9, 12}},
		{true, false, [6]int32{0, 0, 1, 2, 4, 6}},
		{false, true, [6]int32{9, 12, 8, 10, 5, 6}},
		{true, true, [6]int32{8, 10, 5, 6, 0, 0}},
	} {
		CumSum(y, x, 1, 3, 2, c.exclusive, c.reverse)
		if [6]int32(y) != c.want {
			t.Errorf("exclusive %v reverse %v: got %v, want %v", c.exclusive, c.reverse, y, c.want)
		}
	}
}

func rate(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
}

func BenchmarkSoftmax(b *testing.B) {
	for _, cols := range []int{16, 128, 1024} {
		b.Run(fmt.Sprint(cols), func(b *testing.B) {
			rows := 1 << 18 / cols
			x := noise(rand.New(rand.NewPCG(1, 1)), rows*cols)
			y := make([]float32, len(x))
			for b.Loop() {
				Softmax(y, x, rows, cols, 1)
			}
			rate(b, len(x))
		})
	}
}

func BenchmarkLayerNorm(b *testing.B) {
	for _, cols := range []int{128, 768, 1024} {
		b.Run(fmt.Sprint(cols), func(b *testing.B) {
			rows := 1 << 18 / cols
			x := noise(rand.New(rand.NewPCG(1, 1)), rows*cols)
			y := make([]float32, len(x))
			for b.Loop() {
				LayerNorm(y, x, RowNorm{Rows: rows, Cols: cols, Eps: 1e-5, Scale: x[:cols], Bias: x[:cols]}, 1)
			}
			rate(b, len(x))
		})
	}
}

func BenchmarkReduce(b *testing.B) {
	x := noise(rand.New(rand.NewPCG(1, 1)), 1<<18)
	y := make([]float32, 1<<18)
	for _, s := range [][3]int{{1, 1 << 18, 1}, {256, 1024, 1}, {1 << 13, 32, 1}, {1, 256, 1024}, {64, 64, 64}} {
		for _, op := range []Op{Sum, Max, L2, Prod} {
			b.Run(fmt.Sprint(opNames[op], s), func(b *testing.B) {
				for b.Loop() {
					Of(op, y, x, s[0], s[1], s[2], 1)
				}
				rate(b, len(x))
			})
		}
	}
}

// TestHardmaxAxis compares what is found down columns with rows, which go another way.
func TestHardmaxAxis(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, inner := range []int{2, 15, 16, 17, 513, 1100} {
		const outer, n = 2, 9
		x, want := noise(r, outer*n*inner), make([]float32, outer*n*inner)
		column, one := make([]float32, n), make([]float32, n)
		for i := range x {
			if x[i] = float32(int(x[i] * 3)); r.IntN(20) == 0 {
				x[i] = float32(math.NaN())
			}
		}
		for c := range outer * inner {
			at := c/inner*n*inner + c%inner
			for i := range n {
				column[i] = x[at+i*inner]
			}
			Hardmax(one, column, 1, n, 1)
			for i, v := range one {
				want[at+i*inner] = v
			}
		}
		for _, threads := range []int{1, 2} {
			got := noise(r, len(x))
			if HardmaxAxis(got, x, outer, n, inner, threads); !slices.Equal(got, want) {
				t.Fatalf("%d columns, %d threads: %v, want %v", inner, threads, got, want)
			}
		}
	}
}

// TestArgColumns compares float32, which has kernels, with float64, which goes by a loop.
func TestArgColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 8))
	for _, inner := range []int{2, 15, 16, 17, 50, 513, 1100} {
		const outer, n = 2, 9
		x := noise(r, outer*n*inner)
		wide := make([]float64, len(x))
		for i, v := range x {
			if x[i] = float32(int(v * 3)); r.IntN(20) == 0 {
				x[i] = float32(math.NaN())
			}
			wide[i] = float64(x[i])
		}
		got, want := make([]int64, outer*inner), make([]int64, outer*inner)
		for _, last := range []bool{false, true} {
			for _, threads := range []int{1, 2} {
				ArgMax(got, x, outer, n, inner, last, threads)
				if ArgMax(want, wide, outer, n, inner, last, 1); !slices.Equal(got, want) {
					t.Fatalf("largest of %d columns, last %v: %v, want %v", inner, last, got, want)
				}
				ArgMin(got, x, outer, n, inner, last, threads)
				if ArgMin(want, wide, outer, n, inner, last, 1); !slices.Equal(got, want) {
					t.Fatalf("smallest of %d columns, last %v: %v, want %v", inner, last, got, want)
				}
			}
		}
	}
}

func TestArgLong(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, n := range []int{1, 15, 16, 33, 1000, 100000} {
		x := noise(r, n)
		at := r.IntN(n)
		x[at] = 100
		got := make([]int64, 1)
		if ArgMax(got, x, 1, n, 1, false, 1); got[0] != int64(at) {
			t.Errorf("largest of %d elements is at %d, want %d", n, got[0], at)
		}
		x[at] = -100
		if ArgMin(got, x, 1, n, 1, true, 1); got[0] != int64(at) {
			t.Errorf("smallest of %d elements is at %d, want %d", n, got[0], at)
		}
	}
}

// BenchmarkShortRows reduces rows of few elements; ns/row is what one takes.
func BenchmarkShortRows(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 5))
	for _, op := range []Op{Sum, Max} {
		for _, n := range []int{1, 2, 4, 8, 12, 16} {
			b.Run(fmt.Sprintf("%s/%d", opNames[op], n), func(b *testing.B) {
				const rows = 1000
				x, y := noise(r, rows*n), make([]float32, rows)
				for b.Loop() {
					Of(op, y, x, rows, n, 1, 1)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
			})
		}
	}
}
