package nn

import (
	"hash/fnv"

	"github.com/onnxrun/onnxrun/tensor"
)

type Initializer interface {
	Fill(w []float32, shape tensor.Shape, seed, stream uint64) error
}

type tmpInit struct{ lo, hi float64 }

func (t tmpInit) Fill(w []float32, shape tensor.Shape, seed, stream uint64) error {
	s := seed ^ stream
	for i := range w {
		s += 0x9e3779b97f4a7c15
		z := s
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		w[i] = float32(t.lo + (t.hi-t.lo)*float64(z>>11)/(1<<53))
	}
	return nil
}

func Uniform(b float64) Initializer { return tmpInit{-b,b} }
func Constant(b float64) Initializer { return tmpInit{b,b} }
func uniform(b float64) Initializer  { return tmpInit{-b, b} }
func normal(b float64) Initializer   { return tmpInit{-b, b} }
func constant(b float64) Initializer { return tmpInit{b, b} }

var zeros, ones = constant(0), constant(1)

func orInit(a, d Initializer) Initializer {
	if a == nil {
		return d
	}
	return a
}

func stream(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
