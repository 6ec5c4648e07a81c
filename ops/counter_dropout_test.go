package ops_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/random"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// dropped runs CounterDropout with seed 5 on x.
func dropped(x *tensor.Tensor, ratio float32, step int64, attrs ...*onnx.Attribute) (*tensor.Tensor, error) {
	out, err := ops.Default().Find("onnxrun", "CounterDropout", 1).
		Eval(attrs, 1, x, tensor.Scalar(ratio), tensor.Scalar(int64(5)), tensor.Scalar(step))
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// filled returns a tensor of a number.
func filled(t *testing.T, d tensor.DType, v float64, shape ...int) *tensor.Tensor {
	t.Helper()
	x := make([]float64, tensor.Shape(shape).Len())
	for i := range x {
		x[i] = v
	}
	out, err := tensor.FromFloat64s(d, shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCounterDropoutMoments compares mean and variance of what is left of ones with 1 and ratio / (1 - ratio), within
// five standard errors, and the elements with the generator's mask.
func TestCounterDropoutMoments(t *testing.T) {
	const n = 30000
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16} {
		for _, ratio := range []float32{0.25, 0.5, 0.875} {
			y, err := dropped(filled(t, d, 1, 3, n/3), ratio, 2, onnx.NewInt("stream", 9))
			if err != nil {
				t.Fatal(err)
			}
			mask := random.Mask{Seed: 5, Step: 2, Stream: 9, Ratio: float64(ratio)}
			mean, square := 0.0, 0.0
			for i, v := range tensor.Float64s(y, n) {
				if (v != 0) != mask.KeepAt(i) {
					t.Fatalf("%v ratio %v: element %d is %v", d, ratio, i, v)
				}
				mean += v / n
				square += v * v / n
			}
			variance, want := square-mean*mean, float64(ratio/(1-ratio))
			if bound := 5 * math.Sqrt(want/n); math.Abs(mean-1) > bound+0.01 || math.Abs(variance-want) > 0.1*want {
				t.Errorf("%v ratio %v: mean %.4f, variance %.4f, want 1 and %.4f", d, ratio, mean, variance, want)
			}
		}
	}
}

// TestCounterDropoutRepeats wants equal bits for equal steps, and others for other steps and streams.
func TestCounterDropoutRepeats(t *testing.T) {
	x := filled(t, tensor.Float32, 2, 7, 1000)
	base, _ := dropped(x, 0.5, 1)
	again, _ := dropped(x, 0.5, 1)
	later, _ := dropped(x, 0.5, 2)
	elsewhere, _ := dropped(x, 0.5, 1, onnx.NewInt("stream", 1))
	whole, _ := dropped(x, 0, 1)
	if !bytes.Equal(base.Bytes(), again.Bytes()) || !bytes.Equal(whole.Bytes(), x.Bytes()) {
		t.Error("a repeated step drops other elements, or a ratio of 0 drops some")
	}
	if bytes.Equal(base.Bytes(), later.Bytes()) || bytes.Equal(base.Bytes(), elsewhere.Bytes()) {
		t.Error("another step or stream drops the same elements")
	}
}

// TestCounterDropoutShares wants one mask for all indices along the shared axes.
func TestCounterDropoutShares(t *testing.T) {
	y, err := dropped(filled(t, tensor.Float32, 1, 6, 40, 5), 0.5, 1, onnx.NewInts("shared_axes", 0, -1))
	if err != nil {
		t.Fatal(err)
	}
	v, kept := tensor.Of[float32](y), 0
	for i := range v {
		if first := v[i/5%40*5]; v[i] != first {
			t.Fatalf("element %d is %v, want %v as at the first index", i, v[i], first)
		}
		if v[i] != 0 {
			kept++
		}
	}
	if kept == 0 || kept == len(v) {
		t.Errorf("%d of %d elements are kept", kept, len(v))
	}
}

func TestCounterDropoutErrors(t *testing.T) {
	x := filled(t, tensor.Float32, 1, 2, 3)
	for _, tc := range []struct {
		ratio float32
		attrs []*onnx.Attribute
		want  string
	}{
		{1, nil, "ratio"}, {-0.1, nil, "ratio"}, {float32(math.NaN()), nil, "ratio"},
		{0.5, []*onnx.Attribute{onnx.NewInts("shared_axes", 2)}, "axis 2"},
	} {
		if _, err := dropped(x, tc.ratio, 1, tc.attrs...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("ratio %v, %v: got error %v, want one about %s", tc.ratio, tc.attrs, err, tc.want)
		}
	}
}
