package nn_test

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// layerCases are the layers of testdata/layers.npz, which PyTorch computed.
var layerCases = map[string]nn.Layer{
	"linear":               nn.Linear{Out: 4},
	"linear_no_bias":       nn.Linear{Out: 4, NoBias: true},
	"linear_sequence":      nn.Linear{Out: 4},
	"conv1":                nn.Conv{Out: 3, Kernel: nn.Size{3}, Stride: nn.Size{2}, Padding: nn.Size{1}},
	"conv1_causal":         nn.Conv{Out: 3, Kernel: nn.Size{2}, Dilation: nn.Size{2}, Padding: nn.Size{2, 0}},
	"conv2":                nn.Conv{Out: 6, Kernel: nn.Size{3, 2}, Stride: nn.Size{2, 1}, Padding: nn.Size{1, 0}, Dilation: nn.Size{1, 2}, Groups: 2},
	"conv2_same":           nn.Conv{Out: 3, Kernel: nn.Size{2, 3}, Same: true, Dilation: nn.Size{1, 2}, NoBias: true},
	"conv3":                nn.Conv{Out: 2, Kernel: nn.Size{2}, Padding: nn.Size{1}},
	"deconv1":              nn.ConvTranspose{Out: 2, Kernel: nn.Size{3}, Stride: nn.Size{2}, Padding: nn.Size{1}},
	"deconv2":              nn.ConvTranspose{Out: 2, Kernel: nn.Size{3, 2}, Stride: nn.Size{2}, Padding: nn.Size{1, 0}, OutputPadding: nn.Size{1, 0}, Groups: 2},
	"deconv3":              nn.ConvTranspose{Out: 2, Kernel: nn.Size{2}, Dilation: nn.Size{2}, NoBias: true},
	"max_pool1":            nn.MaxPool{Kernel: nn.Size{3}, Stride: nn.Size{2}, Padding: nn.Size{1}},
	"max_pool2":            nn.MaxPool{Kernel: nn.Size{2}, Ceil: true},
	"max_pool_dilated":     nn.MaxPool{Kernel: nn.Size{2, 3}, Stride: nn.Size{1}, Padding: nn.Size{0, 1}, Dilation: nn.Size{2, 1}},
	"max_pool3":            nn.MaxPool{Kernel: nn.Size{2}, Stride: nn.Size{1}},
	"average_pool":         nn.AveragePool{Kernel: nn.Size{3}, Stride: nn.Size{2}, Padding: nn.Size{1}},
	"average_pool_exclude": nn.AveragePool{Kernel: nn.Size{3}, Stride: nn.Size{2}, Padding: nn.Size{1}, ExcludePad: true},
	"global_average_pool":  nn.GlobalAveragePool{},
	"global_max_pool":      nn.GlobalMaxPool{},
	"batch_norm":           nn.BatchNorm{},
	"batch_norm_flat":      nn.BatchNorm{Epsilon: 1e-3},
	"layer_norm":           nn.LayerNorm{},
	"layer_norm_two_axes":  nn.LayerNorm{Axes: 2, Epsilon: 1e-3},
	"layer_norm_no_bias":   nn.LayerNorm{NoBias: true},
	"rms_norm":             nn.RMSNorm{},
	"group_norm":           nn.GroupNorm{Groups: 2},
	"instance_norm":        nn.InstanceNorm{},
	"relu":                 nn.ReLU{},
	"relu6":                nn.ReLU6{},
	"leaky_relu":           nn.LeakyReLU{Slope: 0.2},
	"prelu":                nn.PReLU{},
	"elu":                  nn.ELU{Alpha: 0.7},
	"celu":                 nn.CELU{Alpha: 0.7},
	"selu":                 nn.SELU{},
	"gelu":                 nn.GELU{},
	"gelu_tanh":            nn.GELU{Tanh: true},
	"silu":                 nn.SiLU{},
	"mish":                 nn.Mish{},
	"hard_swish":           nn.HardSwish{},
	"hard_sigmoid":         nn.HardSigmoid{},
	"tanh":                 nn.Tanh{},
	"sigmoid":              nn.Sigmoid{},
	"softplus":             nn.Softplus{},
	"softmax":              nn.Softmax{},
	"softmax_axis":         nn.Softmax{Axis: 1},
	"log_softmax":          nn.LogSoftmax{},
	"flatten":              nn.Flatten{},
	"reshape":              nn.Reshape{Dims: []int{0, 6, -1}},
	"transpose":            nn.Transpose{Perm: []int{0, 2, 1}},
	"dropout":              nn.Dropout{P: 0.5},
	"embedding":            nn.Embedding{Count: 7, Width: 4},
	"lstm":                 nn.LSTM{Hidden: 4},
	"lstm_stacked":         nn.LSTM{Hidden: 2, Layers: 2, Bidirectional: true, Dropout: 0.1},
	"lstm_last":            nn.LSTM{Hidden: 2, Bidirectional: true, Last: true},
	"gru":                  nn.GRU{Hidden: 4},
	"gru_stacked":          nn.GRU{Hidden: 2, Layers: 2, Bidirectional: true},
	"gru_last":             nn.GRU{Hidden: 2, Bidirectional: true, Last: true},
	"rnn":                  nn.RNN{Hidden: 4},
	"rnn_stacked":          nn.RNN{Hidden: 2, Layers: 2, Bidirectional: true},
	"rnn_last":             nn.RNN{Hidden: 2, Bidirectional: true, Last: true},
	"attention":            nn.MultiHeadAttention{Heads: 2},
	"attention_causal":     nn.MultiHeadAttention{Heads: 4, Causal: true},
	"block_pre_norm":       nn.TransformerBlock{Heads: 2, Hidden: 12, Causal: true},
	"block_post_norm":      nn.TransformerBlock{Heads: 2, Hidden: 12, PostNorm: true, Activation: nn.ReLU{}, Dropout: 0.1},
}

// TestLayersAgainstPyTorch gives each layer PyTorch's weights and compares its output and all gradients, those of weights and
// of the input, with PyTorch's.
func TestLayersAgainstPyTorch(t *testing.T) {
	recorded := recordedLayers(t)
	for name := range recorded {
		if layerCases[name] == nil {
			t.Errorf("layer %s of layers.npz is not tested", name)
		}
	}
	for name, layer := range layerCases {
		t.Run(name, func(t *testing.T) {
			rec := recorded[name]
			if rec == nil {
				t.Fatal("layers.npz does not hold it")
			}
			compareLayer(t, layer, rec)
		})
	}
}

// recordedLayers reads layers.npz: arrays by case and name.
func recordedLayers(t *testing.T) map[string]map[string]*tensor.Tensor {
	t.Helper()
	f, err := os.Open("testdata/layers.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	all, err := tensor.ReadNPZ(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]map[string]*tensor.Tensor{}
	for key, v := range all {
		name, array, _ := strings.Cut(key, "/")
		if cases[name] == nil {
			cases[name] = map[string]*tensor.Tensor{}
		}
		cases[name][array] = v
	}
	return cases
}

func compareLayer(t *testing.T, layer nn.Layer, rec map[string]*tensor.Tensor) {
	t.Helper()
	x := rec["x"]
	model := layerModel(t, layer, x)
	grads := runtime.Gradients{Of: []string{"y"}}
	want := map[string]*tensor.Tensor{"y": rec["y"]}
	if gx := rec["gx"]; gx != nil {
		grads.Wrt, want["grad.x"] = append(grads.Wrt, "x"), gx
	}
	found := 0
	for _, p := range model.Graph.Initializers {
		w := rec["w."+p.Name]
		if w == nil {
			continue
		}
		if shape, err := p.Shape(); err != nil || !shape.Equal(w.Shape()) {
			t.Fatalf("weight %q has shape %v, PyTorch's %v", p.Name, shape, w.Shape())
		}
		p.SetValue(w)
		found++
		if g := rec["g."+p.Name]; g != nil {
			grads.Wrt, want["grad."+p.Name] = append(grads.Wrt, p.Name), g
		}
	}
	for name := range rec {
		if strings.HasPrefix(name, "w.") {
			found--
		}
	}
	if found != 0 {
		t.Fatalf("the weights are not PyTorch's: %v", initializers(model))
	}
	compareValues(t, run(t, model, &grads, map[string]*tensor.Tensor{"x": x, "dy.y": rec["dy"]}), want)
}

// layerModel applies a layer to an input of the type and shape of x, but for an open batch axis.
func layerModel(t *testing.T, layer nn.Layer, x *tensor.Tensor) *onnx.Model {
	t.Helper()
	dims := []nn.Dim{nn.Batch}
	for _, n := range x.Shape()[1:] {
		dims = append(dims, nn.Dim(n))
	}
	b := nn.New("layer", 1)
	b.Output("y", layer.Apply(b.Input("x", x.DType(), dims...)))
	model, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

func initializers(m *onnx.Model) []string {
	var names []string
	for _, p := range m.Graph.Initializers {
		names = append(names, p.Name)
	}
	return names
}

// run encodes a model, opens it and returns what it computes.
func run(t *testing.T, model *onnx.Model, grads *runtime.Gradients, in map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	t.Helper()
	s, err := runtime.OpenBytes(onnx.Encode(model), &runtime.Options{Gradients: grads})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func compareValues(t *testing.T, got, want map[string]*tensor.Tensor) {
	t.Helper()
	for name, w := range want {
		g := got[name]
		if g == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if !g.Shape().Equal(w.Shape()) {
			t.Errorf("%s has shape %v, want %v", name, g.Shape(), w.Shape())
			continue
		}
		a, b := tensor.Of[float32](g), tensor.Of[float32](w)
		for i := range b {
			if d := math.Abs(float64(a[i] - b[i])); !(d <= 2e-5+1e-5*math.Abs(float64(b[i]))) {
				t.Errorf("%s: element %d is %v, want %v", name, i, a[i], b[i])
				break
			}
		}
	}
}
