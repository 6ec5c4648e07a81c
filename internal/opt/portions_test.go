package opt_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// apartTexts are nodes from image to y that treat the images of a batch apart, all of them.
var apartTexts = []string{
	"C4 image -> a; Relu a -> b; Conv b K8x1x3x3 group=4 -> c; GlobalAveragePool c -> s; Sigmoid s -> g; Mul c g -> d; Conv d K3x8x1x1 -> y",
	"Conv image K8x4x1x1 -> a; Split a axis=1 -> b c; Concat c b a axis=1 -> d; C16 d -> e; MaxPool e kernel_shape=2,2 strides=2,2 -> y",
	"Transpose image perm=0,2,3,1 -> t; Softmax t axis=-1 -> u; ReduceMean u axes=1,2 keepdims=0 -> y",
	"Reshape image #6,4,36 -> r; LayerNormalization r G36 H36 -> n; Slice n #1 #9 #2 -> s; Unsqueeze s #1 -> u; Squeeze u #1 -> y",
	"Resize image none %1,1,2,2 mode=nearest -> r; C4 r -> c; Resize c none none #6,4,9,9 mode=linear -> y",
	"Pad image #0,0,1,1,0,0,1,2 -> p; AveragePool p kernel_shape=3,3 -> a; Flatten a axis=1 -> f; Exp f -> y",
	"ConvTranspose image T4x5x2x2 strides=2,2 -> a; InstanceNormalization a G5 H5 -> b; BatchNormalization b G5 H5 I5 J5 -> y",
}

// TestPortions runs all nodes of a graph, and random parts of it, in portions of each size, and compares bits with those of the graph
// as it was.
func TestPortions(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, text := range apartTexts {
		t.Run(strings.Fields(text)[0], func(t *testing.T) {
			exact := !strings.Contains(text, "ReduceMean")
			for _, size := range []int{1, 2, 3} {
				m := batched(convolutions(text), size == 3 && !strings.Contains(text, "#6"))
				if n := comparePortions(t, m, exact, func(nodes, _ int, open bool) [][3]int { return [][3]int{{0, nodes, oneIf(open, size)}} }); n != 1 {
					t.Errorf("size %d: %d nodes are left, want one", size, n)
				}
				comparePortions(t, m, exact, parts(r, size))
			}
		})
	}
}

func oneIf(open bool, size int) int {
	if open {
		return 1
	}
	return size
}

// parts chooses a random part of each stretch.
func parts(r *rand.Rand, size int) func(nodes, length int, open bool) [][3]int {
	return func(nodes, _ int, open bool) [][3]int {
		if nodes == 0 {
			return nil
		}
		first := r.IntN(nodes)
		return [][3]int{{first, first + 1 + r.IntN(nodes-first), oneIf(open, size)}}
	}
}

// TestPortionsOfRandomGraphs does that with networks of random nodes.
func TestPortionsOfRandomGraphs(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for i := range 60 {
		text, others := randomNetwork(r, 4+r.IntN(14))
		m := batched(text, i%3 == 2)
		for _, name := range others {
			m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: name, Type: m.Graph.Outputs[0].Type})
		}
		if !t.Run(fmt.Sprint(i), func(t *testing.T) { comparePortions(t, m, true, parts(r, 1+i%3)) }) {
			t.Fatalf("%s\noutputs %v", strings.ReplaceAll(text, "; ", "\n"), others)
		}
	}
}

// batched is a model of six images, whose number only running tells if the batch is open.
func batched(text string, open bool) *onnx.Model {
	m := parse("image", text)
	m.Graph.Inputs[0].Type.Dims[0] = onnx.FixedDim(6)
	if open {
		m.Graph.Inputs[0].Type.Dims[0] = onnx.NamedDim("N")
	}
	return m
}

// comparePortions compares the bits that a model gives with and without the chosen portions, on one and three threads; without exact
// these may differ, since how long sums are cut depends on the number of their elements. It returns how many nodes are left.
func comparePortions(t *testing.T, m *onnx.Model, exact bool, choose func(nodes, length int, open bool) [][3]int) int {
	t.Helper()
	whole, parted := portionedProgram(t, m, nil), portionedProgram(t, m, choose)
	in := []*tensor.Tensor{random("input", tensor.Shape{6, 4, 6, 6})}
	want := runViews(t, whole, in, 1)
	out := runViews(t, parted, in, 1)
	for _, threads := range []int{1, 3} {
		if err := parted.Run(context.Background(), threads, in, out); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !out[i].Shape().Equal(want[i].Shape()) || !bytes.Equal(out[i].Bytes(), want[i].Bytes()) && (exact || !nearlyEqual(out[i], want[i])) {
				t.Fatalf("output %d differs with portions on %d threads", i, threads)
			}
		}
	}
	allocs := func(p *plan.Program) float64 { // the least of some measurements: a collection of garbage empties pools
		least := math.Inf(1)
		for range 4 {
			least = min(least, testing.AllocsPerRun(3, func() {
				if err := p.Run(context.Background(), 1, in, out); err != nil {
					t.Fatal(err)
				}
			}))
		}
		return least
	}
	if a, b := allocs(parted), allocs(whole); a > b {
		t.Errorf("%v allocations in a run, %v without portions", a, b)
	}
	return len(parted.Graph().Nodes)
}

func nearlyEqual(a, b *tensor.Tensor) bool {
	x, y := tensor.Of[float32](a), tensor.Of[float32](b)
	for i := range x {
		if d := math.Abs(float64(x[i] - y[i])); !(d <= 1e-6*math.Abs(float64(x[i]))) {
			return false
		}
	}
	return true
}

func portionedProgram(t *testing.T, m *onnx.Model, choose func(nodes, length int, open bool) [][3]int) *plan.Program {
	t.Helper()
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = opt.Apply(g, opt.Options{Skip: []string{"portions"}}); err != nil {
		t.Fatal(err)
	}
	if choose != nil {
		opt.Portion(g, choose)
	}
	p, err := plan.Compile(g, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPortionsTakeLessMemory compares the arenas of a network with large maps.
func TestPortionsTakeLessMemory(t *testing.T) {
	m := parse("pictures", "Conv pictures K16x3x3x3 pads=1,1,1,1 -> a; Conv a L16x1x3x3 pads=1,1,1,1 group=16 -> b; Conv b M16x16x1x1 -> c; MaxPool c kernel_shape=4,4 strides=4,4 -> y")
	sizes := map[string]int{}
	for name, skip := range map[string][]string{"whole": {"portions"}, "portions": nil} {
		g, err := graph.Build(m, ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = opt.Apply(g, opt.Options{Skip: skip}); err != nil {
			t.Fatal(err)
		}
		p, err := plan.Compile(g, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if sizes[name], err = p.Need(); err != nil {
			t.Fatal(err)
		}
	}
	if 3*sizes["portions"] > sizes["whole"] {
		t.Errorf("arenas and outputs take %v bytes", sizes)
	}
}

// TestHugeBatches opens a graph with more images than can be.
func TestHugeBatches(t *testing.T) {
	m := parse("image", "Conv image K4x4x3x3 -> c; Relu c -> d; Exp d -> y")
	m.Graph.Inputs[0].Type.Dims[0] = onnx.FixedDim(1 << 60)
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = opt.Apply(g, opt.Options{}); err != nil || len(g.Nodes) < 3 {
		t.Errorf("%d nodes are left: %v", len(g.Nodes), err)
	}
}
