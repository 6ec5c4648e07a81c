package data

import (
	"math"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// A scaling brings the elements of a float32 vector to mean 0 and deviation 1.
type scaling struct {
	mean, std []float32
}

// learn returns the scaling of an input by the given rows, with the deviation of the rows as a population; elements
// that do not differ are only shifted, and categories left alone.
func (in *arrayInput) learn(rows []int) *scaling {
	n := in.values.Len() / max(1, in.values.Shape()[0])
	mean, square := make([]float64, n), make([]float64, n)
	x := tensor.Of[float32](in.values)
	for count, r := range rows { // Welford's recurrence
		for k, v := range x[r*n : (r+1)*n] {
			d := float64(v) - mean[k]
			mean[k] += d / float64(count+1)
			square[k] += d * (float64(v) - mean[k])
		}
	}
	s := &scaling{make([]float32, n), make([]float32, n)}
	for k := range n {
		s.std[k] = 1
		if in.plain != nil && !in.plain[k] {
			continue
		}
		s.mean[k] = float32(mean[k])
		if std := math.Sqrt(square[k] / float64(max(1, len(rows)))); std > 0 {
			s.std[k] = float32(std)
		}
	}
	return s
}

// apply returns the scaled values of x.
func (s *scaling) apply(x *tensor.Tensor) *tensor.Tensor {
	y := x.Clone()
	v := tensor.Of[float32](y)
	for i := range v {
		v[i] = (v[i] - s.mean[i]) / s.std[i]
	}
	return y
}

// numbersText writes numbers with the digits that they need, with spaces between.
func numbersText[T float32 | float64](list []T) string {
	bits := 64
	if _, ok := any(list).([]float32); ok {
		bits = 32
	}
	var b strings.Builder
	for i, v := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatFloat(float64(v), 'g', -1, bits))
	}
	return b.String()
}

// parseNumbers reads what numbersText wrote.
func parseNumbers(text string) ([]float64, error) {
	var list []float64
	for f := range strings.FieldsSeq(text) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
