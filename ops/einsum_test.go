package ops_test

import (
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestEinsum checks equations against sums written out by hand, in integers, where every order gives the same.
func TestEinsum(t *testing.T) {
	a := tensor.FromSlice([]int64{1, 2, 3, 4, 5, 6}, 2, 3)
	b := tensor.FromSlice([]int64{1, -1, 2, 0, 3, 1}, 3, 2)
	sq := tensor.FromSlice([]int64{1, 2, 3, 4}, 2, 2)
	for _, c := range []struct {
		equation string
		in       []*tensor.Tensor
		want     []int64
	}{
		{"ij,jk", []*tensor.Tensor{a, b}, []int64{14, 2, 32, 2}},
		{"ij,jk->ki", []*tensor.Tensor{a, b}, []int64{14, 32, 2, 2}},
		{"ij,jk,kl->il", []*tensor.Tensor{a, b, sq}, []int64{20, 36, 38, 72}},
		{"ii->i", []*tensor.Tensor{sq}, []int64{1, 4}},
		{"ii", []*tensor.Tensor{sq}, []int64{5}},
		{"ij->", []*tensor.Tensor{a}, []int64{21}},
		{"ij,kl->", []*tensor.Tensor{a, sq}, []int64{210}},
		{"...j->j...", []*tensor.Tensor{a}, []int64{1, 4, 2, 5, 3, 6}},
		{"ij,ij->i", []*tensor.Tensor{a, a}, []int64{14, 77}},
	} {
		out, err := ops.Default().Find("", "Einsum", 12).Eval(ops.Attrs{onnx.NewString("equation", c.equation)}, 1, c.in...)
		if err != nil {
			t.Errorf("%s: %v", c.equation, err)
			continue
		}
		got := tensor.Of[int64](out[0])
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v, want %v", c.equation, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: got %v, want %v", c.equation, got, c.want)
				break
			}
		}
	}
	for _, bad := range []string{"ij,jk", "i", "ijk", "i.j", "ij->ii", "ij->k", "i1"} {
		if _, err := ops.Default().Find("", "Einsum", 12).Eval(ops.Attrs{onnx.NewString("equation", bad)}, 1, a); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}
