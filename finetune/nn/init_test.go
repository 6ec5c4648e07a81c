package nn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestDefaults compares the distributions that layers draw their weights from with those of PyTorch's defaults: all numbers
// lie within a bound and come close to it, or are all the same.
func TestDefaults(t *testing.T) {
	conv := nn.Conv{Out: 64, Kernel: nn.Size{3}, Groups: 2}
	deconv := nn.ConvTranspose{Out: 32, Kernel: nn.Size{3}, Groups: 2}
	for _, tc := range []struct {
		layer  nn.Layer
		dims   []nn.Dim
		weight string
		bound  float64 // 1/sqrt(fan in), unless said otherwise
		same   bool
	}{
		{nn.Linear{Out: 50}, []nn.Dim{25}, "fc1.weight", 0.2, false},
		{nn.Linear{Out: 500}, []nn.Dim{25}, "fc1.bias", 0.2, false},
		{conv, []nn.Dim{8, 5, 5}, "conv1.weight", 1 / math.Sqrt(4*9), false},
		{conv, []nn.Dim{8, 5, 5}, "conv1.bias", 1 / math.Sqrt(4*9), false},
		{deconv, []nn.Dim{8, 5, 5}, "deconv1.weight", 1 / math.Sqrt(16*9), false},
		{deconv, []nn.Dim{8, 5, 5}, "deconv1.bias", 1 / math.Sqrt(16*9), false},
		{nn.LSTM{Hidden: 16}, []nn.Dim{4, 100}, "lstm1.weight_ih_l0", 0.25, false},
		{nn.GRU{Hidden: 16}, []nn.Dim{4, 100}, "gru1.bias_l0", 0.25, false},
		{nn.MultiHeadAttention{Heads: 2}, []nn.Dim{4, 24}, "attn1.k.weight", 0.25, false}, // sqrt(6/(E+3E))
		{nn.MultiHeadAttention{Heads: 2}, []nn.Dim{4, 24}, "attn1.k.bias", 0, true},
		{nn.MultiHeadAttention{Heads: 2}, []nn.Dim{4, 25 * 4}, "attn1.out.weight", 0.1, false},
		{nn.MultiHeadAttention{Heads: 2}, []nn.Dim{4, 24}, "attn1.out.bias", 0, true},
		{nn.BatchNorm{}, []nn.Dim{3}, "bn1.running_var", 1, true},
		{nn.BatchNorm{}, []nn.Dim{3}, "bn1.running_mean", 0, true},
		{nn.LayerNorm{}, []nn.Dim{3}, "norm1.weight", 1, true},
		{nn.PReLU{}, []nn.Dim{3}, "prelu1.weight", 0.25, true},
	} {
		v := tensor.Of[float32](initializer(t, must(t, tc.layer, tc.dims...), tc.weight))
		low, high := math.Inf(1), math.Inf(-1)
		for _, x := range v {
			low, high = min(low, float64(x)), max(high, float64(x))
		}
		if tc.same && (low != tc.bound || high != tc.bound) || !tc.same && (low < -tc.bound || low > -0.85*tc.bound || high > tc.bound || high < 0.85*tc.bound) {
			t.Errorf("%s lies from %v to %v, want up to %v (same: %v)", tc.weight, low, high, tc.bound, tc.same)
		}
	}
}

// TestNormalDefault compares the spread of an embedding with PyTorch's default, 1.
func TestNormalDefault(t *testing.T) {
	b := nn.New("m", 1)
	b.Output("y", nn.Embedding{Count: 100, Width: 50}.Apply(b.Input("ids", tensor.Int64, nn.Batch)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	sum, squares := 0.0, 0.0
	v := tensor.Of[float32](initializer(t, m, "embed1.weight"))
	for _, x := range v {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	if mean, variance := sum/float64(len(v)), squares/float64(len(v)); math.Abs(mean) > 0.05 || math.Abs(variance-1) > 0.06 {
		t.Errorf("mean %v, variance %v", mean, variance)
	}
}

// TestElements gives weights their elements, and refuses another number of them.
func TestElements(t *testing.T) {
	m := must(t, nn.Linear{Out: 1, Init: nn.Elements{1, 2}, BiasInit: nn.Elements{3}}, 2)
	floats(t, initializer(t, m, "fc1.weight"), 1, 2)
	floats(t, initializer(t, m, "fc1.bias"), 3)
	if _, err := model(nn.Linear{Out: 1, Init: nn.Elements{1}}, 2); err == nil || !strings.Contains(err.Error(), `nn: weight "fc1.weight": 1 elements for the shape [1 2], want 2`) {
		t.Errorf("error %v", err)
	}
}

// TestSameBytesEverywhere holds the first weights of a seed to what they were when this was written.
func TestSameBytesEverywhere(t *testing.T) {
	v := tensor.Of[float32](initializer(t, must(t, nn.Linear{Out: 1}, 4), "fc1.weight"))
	floats(t, tensor.FromSlice(v), -0.4792182, -0.07323031, -0.16910093, -0.32960358)
}
