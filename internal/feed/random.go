package feed

import (
	"math"
	"runtime"
	"strconv"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

const golden = 0x9E3779B97F4A7C15

// splitmix returns element i of the splitmix64 stream of a seed.
func splitmix(seed, i uint64) uint64 {
	z := seed + (i+1)*golden
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// lanes returns the sum of the four 16-bit lanes of z.
func lanes(z uint64) int64 {
	return int64(z&0xFFFF + z>>16&0xFFFF + z>>32&0xFFFF + z>>48)
}

// random draws n elements from the recipe's stream, in chunks side by side.
func (r *Recipe) random(n int, put putter) error {
	seed, err := strconv.ParseUint(r.Seed, 10, 64)
	if err != nil {
		return r.bad("seed %q", r.Seed)
	}
	unit := 1
	if r.Dist == "normal" && r.Center != 0 {
		if unit = r.Center; unit < 0 || n%unit != 0 {
			return r.bad("groups of %d in %d elements", unit, n)
		}
	}
	const chunk = 1 << 16
	step := max(1, chunk/unit) * unit
	var group sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for from := 0; from < n; from += step {
		turn <- struct{}{}
		group.Go(func() {
			r.fill(put, seed, from, min(from+step, n))
			<-turn
		})
	}
	group.Wait()
	return nil
}

// fill computes the elements [from, to).
func (r *Recipe) fill(put putter, seed uint64, from, to int) {
	switch {
	case r.Dist == "uniform":
		for i := from; i < to; i++ {
			x := float64(splitmix(seed, uint64(i))>>11) * 0x1p-53
			x = float64(x * r.Width)
			put(i, r.bounded(x+r.LoF))
		}
	case r.Dist == "randint":
		var lo int64
		if r.Lo != nil {
			lo = *r.Lo
		}
		for i := from; i < to; i++ {
			put(i, number{i: lo + int64(splitmix(seed, uint64(i))>>32*r.N>>32), integer: true})
		}
	case r.Center == 0:
		for i := from; i < to; i++ {
			put(i, r.normal(lanes(splitmix(seed, uint64(i)))-131070))
		}
	default:
		for g := from; g < to; g += r.Center {
			var sum int64
			for i := g; i < g+r.Center; i++ {
				sum += lanes(splitmix(seed, uint64(i)))
			}
			mu := (sum + int64(r.Center)/2) / int64(r.Center)
			for i := g; i < g+r.Center; i++ {
				put(i, r.normal(lanes(splitmix(seed, uint64(i)))-mu))
			}
		}
	}
}

// normal rounds the product and the sum each on its own, as the recipe demands: the conversion keeps the
// compiler from fusing them.
func (r *Recipe) normal(k int64) number {
	x := float64(float64(k) * r.Scale)
	return r.bounded(x + r.Mean)
}

// bounded rounds and clamps x for integer element types, which give bounds.
func (r *Recipe) bounded(x float64) number {
	if r.Lo == nil || r.Hi == nil {
		return number{f: x}
	}
	return number{f: min(max(math.RoundToEven(x), float64(*r.Lo)), float64(*r.Hi))}
}

// A putter stores one number as element i of a tensor.
type putter func(i int, x number)

// storage has one row per element type that recipes generate; the half types pass through float32.
var storage = map[tensor.DType]func(*tensor.Tensor) putter{
	tensor.Float64: floats(func(x float64) float64 { return x }),
	tensor.Float32: floats(func(x float64) float32 { return float32(x) }),
	tensor.Bool:    floats(func(x float64) bool { return x != 0 }),
	tensor.Int8:    integers[int8],
	tensor.Int16:   integers[int16],
	tensor.Int32:   integers[int32],
	tensor.Int64:   integers[int64],
	tensor.Uint8:   integers[uint8],
	tensor.Uint16:  integers[uint16],
	tensor.Uint32:  integers[uint32],
	tensor.Uint64:  integers[uint64],
}

func floats[T tensor.Element](convert func(float64) T) func(*tensor.Tensor) putter {
	return func(t *tensor.Tensor) putter {
		s := tensor.Raw[T](t)
		return func(i int, x number) { s[i] = convert(x.float()) }
	}
}

func integers[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](t *tensor.Tensor) putter {
	s := tensor.Raw[T](t)
	return func(i int, x number) { s[i] = T(x.int()) }
}

// narrow rounds a float32 tensor to a half type.
func narrow(t *tensor.Tensor, dtype tensor.DType) *tensor.Tensor {
	h := tensor.New(dtype, t.Shape()...)
	if dtype == tensor.Float16 {
		vec.ToFloat16(tensor.Raw[tensor.Float16Bits](h), tensor.Raw[float32](t))
	} else {
		vec.ToBFloat16(tensor.Raw[tensor.BFloat16Bits](h), tensor.Raw[float32](t))
	}
	return h
}
