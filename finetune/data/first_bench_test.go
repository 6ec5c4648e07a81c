package data

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// BenchmarkFirstBatch opens a file of arrays that the system has in memory, and takes the first 8 samples: files that are read, the largest of
// which are just below mapFrom, and mapped ones.
func BenchmarkFirstBatch(b *testing.B) {
	const width = 3 * 64 * 64
	x := []runtime.ValueInfo{input("x", tensor.Float32, -1, width)}
	for _, c := range []struct {
		kind string
		rows int
		from int64
	}{{"read", 256, mapFrom}, {"read", 1300, mapFrom}, {"mapped", 1300, 1}, {"mapped", 4000, 1}} {
		array := tensor.New(tensor.Float32, c.rows, width)
		for i := range tensor.Of[float32](array) {
			tensor.Of[float32](array)[i] = float32(i % 255)
		}
		path := filepath.Join(b.TempDir(), "x.npy")
		f, err := os.Create(path)
		if err == nil {
			err = tensor.WriteNPY(f, array)
		}
		if err != nil || f.Close() != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%s/%d MB", c.kind, len(array.Bytes())>>20), func(b *testing.B) {
			defer func(n int64) { mapFrom = n }(mapFrom)
			mapFrom = c.from
			for b.Loop() {
				s, err := Open(path, Options{Task: Unlabelled, Inputs: x})
				if err != nil {
					b.Fatal(err)
				}
				for i := range 8 {
					if _, err := s.Sample(i); err != nil {
						b.Fatal(err)
					}
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms")
		})
	}
}
