package runtime_test

import (
	"context"
	"math"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestSharedFilter runs convolutions of one filter in different numbers of groups: each packs it in its own way.
func TestSharedFilter(t *testing.T) {
	for _, kernel := range [][]int{{1, 1}, {3, 3}, {2, 4}} {
		for _, channels := range []int{1, 2, 3, 8} {
			shape := append([]int{24, channels}, kernel...)
			filter, x := wave(shape...), wave(1, 24, 7, 9)
			g := &onnx.Graph{Name: "g", Initializers: []*tensor.Proto{tensor.NewProto("w", filter)}}
			g.Inputs = []*onnx.ValueInfo{{Name: "x", Type: onnx.NewTensorType(tensor.Float32, onnx.FixedDim(1), onnx.FixedDim(24), onnx.FixedDim(7), onnx.FixedDim(9))}}
			g.Initializers = append(g.Initializers, tensor.NewProto("sizes", tensor.FromSlice([]int64{int64(channels), int64(24 - channels)}, 2)))
			g.Nodes = []*onnx.Node{
				{OpType: "Conv", Inputs: []string{"x", "w"}, Outputs: []string{"y"}, Attributes: []*onnx.Attribute{onnx.NewInt("group", int64(24/channels))}},
				{OpType: "Split", Inputs: []string{"x", "sizes"}, Outputs: []string{"part", "rest"}, Attributes: []*onnx.Attribute{onnx.NewInt("axis", 1)}},
				{OpType: "Conv", Inputs: []string{"part", "w"}, Outputs: []string{"z"}},
			}
			g.Outputs = []*onnx.ValueInfo{{Name: "y"}, {Name: "z"}}
			model := onnx.Encode(&onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}}, Graph: g})
			var want map[string]*tensor.Tensor
			for _, o := range []runtime.Options{{NoOptimize: true}, {}, {Prepack: true}} {
				s, err := runtime.OpenBytes(model, &o)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the second packs
					out, err := s.Run(context.Background(), map[string]*tensor.Tensor{"x": x})
					if err != nil {
						t.Fatalf("filter %v, %+v: %v", shape, o, err)
					}
					if want == nil {
						want = out
					}
					for name, w := range want {
						for i, v := range tensor.Of[float32](w) {
							if got := tensor.Of[float32](out[name])[i]; math.Abs(float64(got-v)) > 1e-4 {
								t.Fatalf("filter %v, %+v: element %d of %s is %v, want %v", shape, o, i, name, got, v)
							}
						}
					}
				}
				s.Close()
			}
		}
	}
}
