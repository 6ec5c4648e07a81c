package ops_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// forest returns the attributes of a regressor with complete trees.
func forest(trees, depth, features int) ops.Attrs {
	r := rand.New(rand.NewPCG(1, 2))
	var tree, node, feature, yes, no, leafTree, leafNode, leafID []int64
	var modes []string
	var split, weight []float32
	for t := range trees {
		for i := range 1<<(depth+1) - 1 {
			tree, node = append(tree, int64(t)), append(node, int64(i))
			feature, split = append(feature, int64(r.IntN(features))), append(split, float32(r.NormFloat64()))
			yes, no = append(yes, int64(2*i+1)), append(no, int64(2*i+2))
			if i < 1<<depth-1 {
				modes = append(modes, "BRANCH_LEQ")
				continue
			}
			modes = append(modes, "LEAF")
			leafTree, leafNode, leafID = append(leafTree, int64(t)), append(leafNode, int64(i)), append(leafID, 0)
			weight = append(weight, float32(r.NormFloat64()))
		}
	}
	return ops.Attrs{
		onnx.NewInts("nodes_treeids", tree...), onnx.NewInts("nodes_nodeids", node...), onnx.NewInts("nodes_featureids", feature...),
		onnx.NewStrings("nodes_modes", modes...), onnx.NewFloats("nodes_values", split...), onnx.NewInts("nodes_truenodeids", yes...),
		onnx.NewInts("nodes_falsenodeids", no...), onnx.NewInts("target_treeids", leafTree...), onnx.NewInts("target_nodeids", leafNode...),
		onnx.NewInts("target_ids", leafID...), onnx.NewFloats("target_weights", weight...), onnx.NewInt("n_targets", 1),
	}
}

// boundML returns a kernel of the ml domain and a call of it with outputs of the inferred shapes.
func boundML(t testing.TB, name string, attrs ops.Attrs, outputs int, in ...*tensor.Tensor) (ops.Kernel, *ops.Call) {
	t.Helper()
	op := ops.Default().Find("ai.onnx.ml", name, 3)
	out, err := op.Eval(attrs, outputs, in...)
	if err != nil {
		t.Fatal(err)
	}
	kc := &ops.KernelCtx{Attrs: attrs}
	for _, x := range in {
		kc.In = append(kc.In, ops.Value{Type: ops.TypeOf(x)})
	}
	for _, x := range out {
		kc.Out = append(kc.Out, ops.Value{Type: ops.TypeOf(x)})
	}
	k, err := op.Kernel(kc)
	if err != nil {
		t.Fatal(err)
	}
	c := &ops.Call{In: in, Out: out, Threads: 1, Ctx: context.Background(), Memory: ops.Heap{}}
	if k.Scratch != nil {
		c.Scratch = make([]byte, k.Scratch(c))
	}
	return k, c
}

func samples(rows, features int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, rows*features)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return tensor.FromSlice(x, rows, features)
}

// TestTreeBlocks compares samples that walk four at a time, alone, beside NaN and on several threads.
func TestTreeBlocks(t *testing.T) {
	attrs := forest(20, 6, 8)
	x := samples(131, 8)
	k, c := boundML(t, "TreeEnsembleRegressor", attrs, 1, x)
	if err := k.Run(c); err != nil {
		t.Fatal(err)
	}
	want := append([]float32(nil), tensor.Of[float32](c.Out[0])...)
	for i := range 131 {
		row := tensor.FromSlice(tensor.Of[float32](x)[8*i:8*i+8], 1, 8)
		k, c := boundML(t, "TreeEnsembleRegressor", attrs, 1, row)
		if err := k.Run(c); err != nil {
			t.Fatal(err)
		}
		if got := tensor.Of[float32](c.Out[0])[0]; got != want[i] {
			t.Fatalf("sample %d alone gives %v, in a batch %v", i, got, want[i])
		}
	}
	tensor.Of[float32](x)[130*8] = float32(math.NaN())
	c.Threads = 2
	if err := k.Run(c); err != nil {
		t.Fatal(err)
	}
	for i, v := range tensor.Of[float32](c.Out[0])[:130] {
		if v != want[i] {
			t.Fatalf("sample %d gives %v beside NaN, else %v", i, v, want[i])
		}
	}
}

func TestMLRunsAllocateNothing(t *testing.T) {
	x := samples(5, 8)
	coef := make([]float32, 24)
	for _, c := range []struct {
		name    string
		attrs   ops.Attrs
		outputs int
	}{
		{"TreeEnsembleRegressor", forest(9, 4, 8), 1},
		{"LinearRegressor", ops.Attrs{onnx.NewFloats("coefficients", coef...), onnx.NewInt("targets", 3)}, 1},
		{"LinearClassifier", ops.Attrs{onnx.NewFloats("coefficients", coef...), onnx.NewFloats("intercepts", 1, 2, 3), onnx.NewInts("classlabels_ints", 4, 5, 6)}, 2},
		{"SVMRegressor", ops.Attrs{onnx.NewFloats("coefficients", 1, 2, 3), onnx.NewFloats("support_vectors", coef...), onnx.NewInt("n_supports", 3),
			onnx.NewFloats("rho", 1), onnx.NewString("kernel_type", "RBF"), onnx.NewFloats("kernel_params", 1, 0, 3)}, 1},
		{"Scaler", ops.Attrs{onnx.NewFloats("scale", 2), onnx.NewFloats("offset", 1)}, 1},
		{"Normalizer", ops.Attrs{onnx.NewString("norm", "L2")}, 1},
		{"OneHotEncoder", ops.Attrs{onnx.NewInts("cats_int64s", 0, 1, 2)}, 1},
		{"Binarizer", nil, 1},
	} {
		k, call := boundML(t, c.name, c.attrs, c.outputs, x)
		if n := testing.AllocsPerRun(20, func() {
			if err := k.Run(call); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s allocates %v times", c.name, n)
		}
	}
}

// TestHostileTrees binds ensembles that no exporter makes; each must end in an error.
func TestHostileTrees(t *testing.T) {
	op := ops.Default().Find("ai.onnx.ml", "TreeEnsembleRegressor", 1)
	for name, change := range map[string]func(a ops.Attrs){
		"cycle":     func(a ops.Attrs) { a.Find("nodes_truenodeids").Ints[1] = 0 },
		"itself":    func(a ops.Attrs) { a.Find("nodes_falsenodeids").Ints[0] = 0 },
		"no child":  func(a ops.Attrs) { a.Find("nodes_truenodeids").Ints[0] = 99 },
		"feature":   func(a ops.Attrs) { a.Find("nodes_featureids").Ints[0] = -1 },
		"wide":      func(a ops.Attrs) { a.Find("nodes_featureids").Ints[0] = 8 },
		"target":    func(a ops.Attrs) { a.Find("target_ids").Ints[0] = 1 },
		"duplicate": func(a ops.Attrs) { a.Find("nodes_nodeids").Ints[1] = 0 },
		"length":    func(a ops.Attrs) { x := a.Find("nodes_modes"); x.Strings = x.Strings[1:] },
		"mode":      func(a ops.Attrs) { a.Find("nodes_modes").Strings[0] = []byte("BRANCH") },
	} {
		a := forest(2, 3, 8)
		change(a)
		if _, err := op.Eval(a, 1, samples(2, 8)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMLInfer(t *testing.T) {
	batch := sym.Symbol("batch")
	in := []ops.Value{{Type: ops.TensorType(tensor.Float32, batch, sym.Const(4))}}
	labels := onnx.NewStrings("classlabels_strings", "a", "b", "c")
	for _, c := range []struct {
		name  string
		attrs ops.Attrs
		want  []string
	}{
		{"TreeEnsembleClassifier", ops.Attrs{labels}, []string{"string[batch]", "float32[batch,3]"}},
		{"LinearClassifier", ops.Attrs{labels, onnx.NewFloats("intercepts", 1, 2, 3)}, []string{"string[batch]", "float32[batch,3]"}},
		{"OneHotEncoder", ops.Attrs{onnx.NewInts("cats_int64s", 5, 6)}, []string{"float32[batch,4,2]"}},
		{"ZipMap", ops.Attrs{onnx.NewInts("classlabels_int64s", 5, 6)}, []string{"sequence(map(int64,float32[]))"}},
	} {
		ic := &ops.InferCtx{Attrs: c.attrs, In: in, Out: make([]ops.Value, len(c.want)), Fresh: func() ops.Dim { return sym.Symbol("?") }}
		if err := ops.Default().Find("ai.onnx.ml", c.name, 1).Infer(ic); err != nil {
			t.Error(err)
		}
		for i, want := range c.want {
			if got := ic.Out[i].Type.String(); got != want {
				t.Errorf("%s output %d is %s, want %s", c.name, i, got, want)
			}
		}
	}
}

func BenchmarkTrees(b *testing.B) {
	for _, rows := range []int{1, 16, 1024} {
		b.Run(map[int]string{1: "one", 16: "sixteen", 1024: "thousand"}[rows], func(b *testing.B) {
			k, c := boundML(b, "TreeEnsembleRegressor", forest(100, 6, 28), 1, samples(rows, 28))
			for b.Loop() {
				if err := k.Run(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
