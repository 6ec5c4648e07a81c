package finetune_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/finetune/privacy"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// privateCase is a model from x to scores y.
type privateCase struct {
	name   string
	shape  []int // of a sample
	ids    int   // x holds ids below it, 0: numbers
	wide   bool  // the model computes in float64
	layers nn.Sequential
	single bool // samples run one by one
}

// scaled multiplies by, divides by and adds weights of several broadcast shapes.
func scaled(shapes ...[]int) nn.Layer {
	return nn.Func("Scaled", func(x *nn.Value) *nn.Value {
		b := x.Builder()
		for i, shape := range shapes {
			w := b.Weight("s"+strings.Repeat("x", i), finetune.UniformInit{Low: 0.5, High: 1.5}, tensor.Float32, shape...)
			x = b.Op([]string{"Mul", "Div", "Add", "Sub"}[i%4], nil, x, w)
		}
		return x
	})
}

// tied looks up rows of a table, and scores the words of the last place by the same table.
var tied = nn.Func("Tied", func(x *nn.Value) *nn.Value {
	b := x.Builder()
	w := b.Weight("words", finetune.NormalInit{Std: 1}, tensor.Float32, 11, 4)
	h := nn.Sequential{nn.Embedding{Weight: w}, nn.LayerNorm{}, nn.Linear{Weight: w, NoBias: true}, nn.Tanh{}}.Apply(x)
	return b.Op("ReduceMean", nn.Attrs{"keepdims": 0}, h, b.Constant("axes", tensor.FromSlice([]int64{1}, 1)))
})

var privateCases = []privateCase{
	{"mlp", []int{6}, 0, false, nn.Sequential{nn.Linear{Out: 9}, nn.Tanh{}, nn.Linear{Out: 4}}, false},
	{"float64", []int{6}, 0, true, nn.Sequential{nn.Linear{Out: 9}, nn.Tanh{}, nn.Linear{Out: 4}}, false},
	{"steps", []int{5, 6}, 0, false, nn.Sequential{nn.Linear{Out: 3}, nn.Tanh{}, nn.Flatten{}, nn.Linear{Out: 4}}, false},
	{"many steps", []int{20, 3}, 0, false, nn.Sequential{nn.Linear{Out: 2}, nn.Tanh{}, nn.Flatten{}, nn.Linear{Out: 4}}, false},
	{"rows of steps", []int{5, 6}, 0, false, nn.Sequential{nn.Reshape{Dims: []int{-1, 6}}, nn.Linear{Out: 4}, nn.Tanh{}, nn.Reshape{Dims: []int{-1, 20}}, nn.Linear{Out: 3}}, false},
	{"cnn", []int{3, 9, 8}, 0, false, nn.Sequential{
		nn.Conv{Out: 4, Kernel: nn.Size{3}, Padding: nn.Size{1}}, nn.PReLU{}, nn.MaxPool{Kernel: nn.Size{2}},
		nn.Conv{Out: 6, Kernel: nn.Size{3}, Groups: 2, Dilation: nn.Size{2}, Padding: nn.Size{2}, Stride: nn.Size{2}}, nn.ReLU{},
		nn.Flatten{}, nn.Linear{Out: 3}}, false},
	{"norms", []int{4, 6, 5}, 0, false, nn.Sequential{
		nn.Conv{Out: 4, Kernel: nn.Size{1}}, nn.BatchNorm{}, nn.Tanh{}, nn.GroupNorm{Groups: 2}, nn.InstanceNorm{}, nn.Tanh{},
		nn.LayerNorm{}, nn.RMSNorm{}, nn.GlobalAveragePool{}, nn.Flatten{}, nn.Linear{Out: 3}}, false},
	{"broadcast", []int{4, 5}, 0, false, nn.Sequential{scaled([]int{5}, []int{4, 1}, []int{1, 4, 5}, []int{1}), nn.Flatten{}, nn.Linear{Out: 3}}, false},
	{"embedding", []int{7}, 5, false, nn.Sequential{nn.Embedding{Count: 5, Width: 4}, nn.Positions{Max: 9}, nn.Flatten{}, nn.Linear{Out: 3}}, false},
	{"transformer", []int{6}, 11, false, nn.Sequential{nn.Embedding{Count: 11, Width: 8}, nn.TransformerBlock{Heads: 2, Causal: true}, nn.LayerNorm{}, nn.Flatten{}, nn.Linear{Out: 3}}, false},
	{"tied", []int{7}, 11, false, nn.Sequential{tied}, false},
	{"lstm", []int{5, 4}, 0, false, nn.Sequential{nn.LSTM{Hidden: 3, Last: true}, nn.Linear{Out: 3}}, true},
	{"transposed", []int{2, 4, 4}, 0, false, nn.Sequential{nn.ConvTranspose{Out: 3, Kernel: nn.Size{3}}, nn.ReLU{}, nn.Flatten{}, nn.Linear{Out: 3}}, true},
	{"steps first", []int{5, 4}, 0, false, nn.Sequential{nn.Transpose{Perm: []int{1, 0, 2}}, nn.Linear{Out: 3}, nn.Tanh{}, nn.Transpose{Perm: []int{1, 0, 2}}, nn.Flatten{}, nn.Linear{Out: 3}}, true},
}

func (c privateCase) dtype() tensor.DType {
	switch {
	case c.ids > 0:
		return tensor.Int64
	case c.wide:
		return tensor.Float64
	}
	return tensor.Float32
}

func (c privateCase) model(t *testing.T) *onnx.Model {
	t.Helper()
	b := nn.New("private", 3)
	dtype := c.dtype()
	dims := []nn.Dim{nn.Batch}
	for _, d := range c.shape {
		dims = append(dims, nn.Dim(d))
	}
	b.Output("y", c.layers.Apply(b.Input("x", dtype, dims...)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// batch makes seeded samples of classes below 3.
func (c privateCase) batch(n int) finetune.Batch {
	r := rand.New(rand.NewPCG(5, 7))
	dtype := c.dtype()
	x, y := tensor.New(dtype, append([]int{n}, c.shape...)...), tensor.New(tensor.Int64, n)
	for i := range x.Len() {
		switch {
		case c.ids > 0:
			tensor.Of[int64](x)[i] = r.Int64N(int64(c.ids))
		case c.wide:
			tensor.Of[float64](x)[i] = r.NormFloat64()
		default:
			tensor.Of[float32](x)[i] = float32(r.NormFloat64())
		}
	}
	for i := range n {
		tensor.Of[int64](y)[i] = r.Int64N(3)
	}
	return finetune.Batch{Inputs: map[string]*tensor.Tensor{"x": x}, Targets: []*tensor.Tensor{y}}
}

func trainer(t *testing.T, m *onnx.Model, change func(*finetune.Spec)) *finetune.Trainer {
	t.Helper()
	spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}, Optimizer: finetune.SGD{}, Rate: 0.1}
	change(&spec)
	tr, err := finetune.NewTrainer(m, spec)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestClippedGradients compares the clipped sums of a batch, and the norms, with those of gradients of one sample at a time.
func TestClippedGradients(t *testing.T) {
	const n = 6
	ctx := context.Background()
	for _, c := range privateCases {
		t.Run(c.name, func(t *testing.T) {
			m, all := c.model(t), c.batch(n)
			plain := trainer(t, m, func(*finetune.Spec) {})
			var norms []float64
			var grads [][][]float32
			for i := range n {
				one := finetune.Batch{Inputs: map[string]*tensor.Tensor{"x": finetune.Row(all.Inputs["x"], i)}, Targets: []*tensor.Tensor{finetune.Row(all.Targets[0], i)}}
				g, err := plain.Gradients(ctx, one)
				if err != nil {
					t.Fatal(err)
				}
				grads, norms = append(grads, g), append(norms, finetune.GradientNorm(g, 1))
			}
			clip := (norms[0] + norms[1]) / 2 // some are clipped, some are not
			private := trainer(t, m, func(s *finetune.Spec) { s.Privacy = &finetune.DP{Noise: 1, Delta: 1e-5, Clip: clip} })
			sums, got, single, err := private.Clipped(ctx, all)
			if err != nil {
				t.Fatal(err)
			}
			if single != c.single {
				t.Errorf("samples run one by one: %v, want %v", single, c.single)
			}
			for i, want := range norms {
				if math.Abs(got[i]-want) > 2e-5*want {
					t.Errorf("norm %d is %g, want %g", i, got[i], want)
				}
			}
			for k, p := range private.Params() {
				for j := range sums[k] {
					want, scale := 0.0, 0.0
					for i := range n {
						v := float64(grads[i][k][j]) * min(1, clip/(norms[i]+1e-6))
						want, scale = want+v, scale+math.Abs(v)
					}
					if math.Abs(float64(sums[k][j])-want) > 2e-5*(scale+0.01) {
						t.Fatalf("%s[%d] is %g, want %g", p.Name, j, sums[k][j], want)
					}
				}
			}
		})
	}
}

// TestPrivateStep follows the steps of plain gradient descent by hand: the clipped sum, recorded noise, the mean.
func TestPrivateStep(t *testing.T) {
	ctx := context.Background()
	c := privateCases[0]
	m, batch := c.model(t), c.batch(5)
	dp := &finetune.DP{Noise: 0.7, Delta: 1e-5, Clip: 0.3, Normals: func(param string, step int, dst []float32) error {
		for i := range dst {
			dst[i] = float32(len(param)+step) / float32(i+1)
		}
		return nil
	}}
	tr := trainer(t, m, func(s *finetune.Spec) { s.Privacy = dp })
	for step := range 3 {
		sums, _, _, err := tr.Clipped(ctx, batch)
		if err != nil {
			t.Fatal(err)
		}
		var want [][]float64
		for k, p := range tr.Params() {
			var list []float64
			for i, w := range tensor.Of[float32](p.W) {
				noise := 0.7 * 0.3 * float64(len(p.Name)+step) / float64(i+1)
				list = append(list, float64(w)-0.1*(float64(sums[k][i])+noise)/5)
			}
			want = append(want, list)
		}
		if _, err := tr.Step(ctx, batch); err != nil {
			t.Fatal(err)
		}
		for k, p := range tr.Params() {
			for i, w := range tensor.Of[float32](p.W) {
				if math.Abs(float64(w)-want[k][i]) > 1e-6 {
					t.Fatalf("step %d: %s[%d] is %g, want %g", step, p.Name, i, w, want[k][i])
				}
			}
		}
	}
}

// TestPrivateKeys wants one key to give one training, and another one another.
func TestPrivateKeys(t *testing.T) {
	ctx := context.Background()
	c := privateCases[0]
	m, batch := c.model(t), c.batch(5)
	run := func(key []byte, threads int) []float32 {
		tr := trainer(t, m, func(s *finetune.Spec) {
			s.Privacy, s.Threads = &finetune.DP{Noise: 1, Delta: 1e-5, Key: key}, threads
		})
		for range 3 {
			if _, err := tr.Step(ctx, batch, batch); err != nil {
				t.Fatal(err)
			}
		}
		return slices.Clone(tensor.Of[float32](tr.Params()[0].W))
	}
	key := make([]byte, privacy.KeySize)
	if !slices.Equal(run(key, 1), run(key, 2)) {
		t.Error("one key gives two trainings")
	}
	if a, b := run(nil, 1), run(nil, 1); slices.Equal(a, b) || slices.Equal(a, run(key, 1)) {
		t.Error("two keys give one training")
	}
}

// TestBatchMixing refuses models in which samples change each other's results, and names the node.
func TestBatchMixing(t *testing.T) {
	ints := func(x *nn.Value, v ...int64) *nn.Value {
		return x.Builder().Constant("ints", tensor.FromSlice(v, len(v)))
	}
	for _, c := range []struct {
		name, want string
		layer      func(x *nn.Value) *nn.Value
	}{
		{"softmax", "along the batch", func(x *nn.Value) *nn.Value { return x.Builder().Op("Softmax", nn.Attrs{"axis": 0}, x) }},
		{"mean", "reduces over the batch", func(x *nn.Value) *nn.Value {
			b := x.Builder()
			return b.Op("Sub", nil, x, b.Op("ReduceMean", nn.Attrs{"keepdims": 1}, x, ints(x, 0)))
		}},
		{"sum", "along the batch", func(x *nn.Value) *nn.Value {
			b := x.Builder()
			return b.Op("CumSum", nil, x, b.Constant("axis", tensor.Scalar[int64](0)))
		}},
		{"products", "losses of a batch", func(x *nn.Value) *nn.Value {
			b := x.Builder()
			return b.Op("MatMul", nil, b.Op("MatMul", nil, x, b.Op("Transpose", nil, x)), x)
		}},
		{"first", "out of the batch", func(x *nn.Value) *nn.Value {
			b := x.Builder()
			return b.Op("Sub", nil, x, b.Op("Gather", nn.Attrs{"axis": 0}, x, ints(x, 0)))
		}},
	} {
		p := privateCase{shape: []int{4}, layers: nn.Sequential{nn.Linear{Out: 3}, nn.Func("mix", c.layer), nn.Linear{Out: 3}}}
		tr := trainer(t, p.model(t), func(s *finetune.Spec) { s.Privacy = &finetune.DP{Noise: 1, Delta: 1e-5} })
		_, err := tr.Step(context.Background(), p.batch(4))
		var unsupported *ops.UnsupportedError
		if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	p := privateCase{shape: []int{4, 3}, layers: nn.Sequential{nn.BatchNorm{}, nn.Flatten{}, nn.Linear{Out: 3}}}
	_, err := finetune.NewTrainer(p.model(t), finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}},
		BatchNorm: true, Privacy: &finetune.DP{Noise: 1, Delta: 1e-5}})
	if err == nil || !strings.Contains(err.Error(), "BatchNormalization in training mode") {
		t.Errorf("BatchNormalization: %v", err)
	}
}

func TestParseDP(t *testing.T) {
	for text, want := range map[string]finetune.DP{
		"epsilon=3,delta=1e-5,clip=1":            {Epsilon: 3, Delta: 1e-5, Clip: 1},
		"noise=1.1,delta=1e-6":                   {Noise: 1.1, Delta: 1e-6},
		"delta=1e-6, epsilon=8 , accountant=RDP": {Epsilon: 8, Delta: 1e-6, Accountant: "rdp"},
	} {
		got, err := finetune.ParseDP(text)
		if err != nil || got.Epsilon != want.Epsilon || got.Delta != want.Delta || got.Clip != want.Clip || got.Noise != want.Noise || got.Accountant != want.Accountant {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "want epsilon=NUMBER", "epsilon=3": "delta", "delta=1e-5": "neither", "epsilon=3,delta=1e-5,noise=1": "one of them",
		"epsilon=-1,delta=1e-5": "epsilon", "epsilon=3,delta=2": "delta", "epsilon=3,delta=1e-5,clip=0": "clip",
		"epsilon=3,delta=1e-5,accountant=gdp": "accountant", "epsilon=3,delta=1e-5,sigma=1": "sigma",
	} {
		if d, err := finetune.ParseDP(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want an error with %q", text, d, err, want)
		}
	}
}
