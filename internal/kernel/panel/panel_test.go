package panel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

const guard = float32(-12345)

// sets lists the instruction sets of the table that this machine has, and none at all.
func sets(t *testing.T) map[string]cpu.Feature {
	list := map[string]cpu.Feature{"generic": 0}
	for _, k := range assembly {
		if cpu.Detected()&k.needs != k.needs {
			t.Logf("%s: not on this machine", k.name)
			continue
		}
		list[k.name] = k.needs
	}
	return list
}

// plain is Write as its contract says it.
func plain(a *Args) {
	for r := range a.Count {
		for j := range a.Rows {
			for k, p := range a.Order.at {
				if p >= 0 {
					a.Dst[r*a.DstStep+int(p)+j] = a.Src[r*a.SrcStep+j*a.RowStep+k]
				}
			}
		}
	}
}

func TestWrite(t *testing.T) {
	for name, features := range sets(t) {
		t.Run(name, func(t *testing.T) {
			defer cpu.Set(features)()
			r := rand.New(rand.NewPCG(1, 2))
			for _, n := range []int{1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255, 256, 257, 600} {
				for _, rows := range []int{1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 40, 47, 64} {
					check(t, r, n, rows, 1+r.IntN(5))
				}
			}
			check(t, r, 3, 16, 1000)
		})
	}
}

// check compares Write with plain for places in random order, some of them nowhere.
func check(t *testing.T, r *rand.Rand, n, rows, count int) {
	t.Helper()
	places := make([]int32, n)
	for i, p := range r.Perm(n) {
		places[i] = int32(p*(rows+2) + 3)
		if r.IntN(8) == 0 {
			places[i] = -1
		}
	}
	a := Args{Order: NewOrder(places), Rows: rows, RowStep: n + r.IntN(3), Count: count, DstStep: n * (rows + 2)}
	a.SrcStep = rows*a.RowStep + r.IntN(3)
	a.Src = make([]float32, (count-1)*a.SrcStep+(rows-1)*a.RowStep+n)
	for i := range a.Src {
		a.Src[i] = math.Float32frombits(r.Uint32()) // NaN of all kinds among them
	}
	size := count*a.DstStep + 3 + 64
	got, want := make([]float32, size), make([]float32, size)
	for i := range got {
		got[i], want[i] = guard, guard
	}
	a.Dst = want
	plain(&a)
	a.Dst = got[:max(0, (count-1)*a.DstStep+a.Order.end-1+rows)]
	Write(&a)
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%d times %d rows of %d: element %d is %v, want %v", count, rows, n, i, got[i], want[i])
		}
	}
}

func TestInterleaved(t *testing.T) {
	a := Args{Src: []float32{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}, Dst: make([]float32, 12), Order: Interleaved(2, 3, 2), Rows: 2, RowStep: 6, Count: 1}
	Write(&a)
	if got, want := fmt.Sprint(a.Dst), "[1 11 4 14 2 12 5 15 3 13 6 16]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOutside(t *testing.T) {
	good := Args{Src: make([]float32, 60), Dst: make([]float32, 60), Order: Interleaved(1, 5, 4), Rows: 4, RowStep: 5, Count: 3, DstStep: 20, SrcStep: 20}
	Write(&good)
	for name, change := range map[string]func(a *Args){
		"source":      func(a *Args) { a.Src = a.Src[:59] },
		"destination": func(a *Args) { a.Dst = a.Dst[:59] },
		"step":        func(a *Args) { a.SrcStep = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			a := good
			change(&a)
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			Write(&a)
		})
	}
}

func TestAllocates(t *testing.T) {
	a := Args{Src: make([]float32, 1000), Dst: make([]float32, 1000), Order: Interleaved(2, 9, 16), Rows: 16, RowStep: 18, Count: 2, DstStep: 288, SrcStep: 288}
	if n := testing.AllocsPerRun(100, func() { Write(&a) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkWrite packs filters of 8 MB that are not in the cache, channels by elements, to panels of 32; GB/s are those of
// the shortest round. Copy is what the memory allows.
func BenchmarkWrite(b *testing.B) {
	const elems, turns = 2 << 20, 8
	src, dst := make([]float32, turns*elems), make([]float32, turns*elems)
	for i := range src {
		src[i], dst[i] = 1, 1
	}
	shortest := func(b *testing.B, f func(dst, src []float32)) {
		least := time.Duration(math.MaxInt64)
		for i := range b.N {
			at, begin := i%turns*elems, time.Now()
			f(dst[at:at+elems], src[at:at+elems])
			least = min(least, time.Since(begin))
		}
		b.ReportMetric(4*elems/float64(least.Nanoseconds()), "GB/s")
	}
	b.Run("float32/copy", func(b *testing.B) { shortest(b, func(dst, src []float32) { copy(dst, src) }) })
	for name, features := range map[string]cpu.Feature{"generic": 0, "avx2": cpu.AVX2, "avx512": cpu.AVX512 | cpu.AVX2} {
		if cpu.Detected()&features != features {
			continue
		}
		for _, s := range [][2]int{{16, 9}, {64, 1}, {512, 1}, {2048, 1}, {32, 9}, {512, 9}} {
			b.Run(fmt.Sprintf("float32/%s/%dx%d", name, s[0], s[1]), func(b *testing.B) {
				defer cpu.Set(features)()
				k, order := s[0]*s[1], Interleaved(s[0], s[1], 32)
				shortest(b, func(dst, src []float32) {
					for at := 0; at+32*k <= elems; at += 32 * k {
						Write(&Args{Dst: dst[at:], Src: src[at:], Order: order, Rows: 32, RowStep: k, Count: 1})
					}
				})
			})
		}
	}
}
