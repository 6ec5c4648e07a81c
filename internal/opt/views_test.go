package opt_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// joined are graphs that join and cut channels, and the nodes that must be left.
var joined = []struct{ name, nodes, want string }{
	{"two branches", "C4 image -> a; D4 image -> b; Concat a b axis=1 -> c; C8 c -> y", "Transpose NhwcConv NhwcConv NhwcConv Transpose"},
	{"a branch with another reader", "C4 image -> a; C4 a -> b; Concat a b axis=1 -> c; C8 c -> y", "Transpose NhwcConv NhwcConv NhwcConv Transpose"},
	{"twice the same", "C4 image -> a; Concat a a axis=1 -> c; C8 c -> y", "Transpose NhwcConv Place NhwcConv Transpose"},
	{"densely connected", "C4 image -> a; C4 a -> b; Concat a b axis=1 -> c; C8 c -> d; Concat a b d axis=1 -> e; C12 e -> f; Concat a b d f axis=1 -> g; C16 g -> y",
		"Transpose NhwcConv NhwcConv NhwcConv NhwcConv NhwcConv Transpose"},
	{"split, bottleneck and residual", "Conv image K8x4x1x1 -> w; Split w axis=1 -> a b; C4 b -> c; Add c b -> d; Concat a b d axis=1 -> e; C12 e -> y",
		"Transpose NhwcConv NhwcConv NhwcConv Transpose"},
	{"pools", "C4 image -> a; MaxPool a kernel_shape=3,3 pads=1,1,1,1 -> b; AveragePool b kernel_shape=3,3 pads=1,1,1,1 -> c; Concat a b c axis=1 -> d; C12 d -> y",
		"Transpose NhwcConv NhwcMaxPool NhwcAveragePool NhwcConv Transpose"},
	{"a reader that cannot", "C4 image -> a; ReduceMax a axes=2,3 -> s; D4 image -> b; Concat a b axis=1 -> c; C8 c -> d; Mul d s -> y",
		"Transpose NhwcConv ReduceMax NhwcConv Place NhwcConv Mul Transpose"},
	{"elementwise readers", "Conv image K8x4x1x1 -> a; Split a axis=1 -> b c; Sigmoid b -> s; Mul s c -> m; Conv image L8x4x1x1 -> d; Relu d -> r; Concat d r axis=1 -> e; C16 e -> f; Sub f m -> y", ""},
	{"elementwise readers of many channels", "Conv image K1100x4x1x1 -> a; Split a axis=1 -> b c; Sigmoid b -> s; Mul s c -> m; Conv m K4x550x1x1 -> y", "Transpose NhwcConv Elementwise NhwcConv Transpose"},
	{"elementwise readers that meet", "Conv image K8x4x1x1 -> a; Split a axis=1 -> b c; Mul b 2 -> d; Mul c 3 -> e; Sub d e -> f; Exp f -> g; C4 g -> y", "Transpose NhwcConv Elementwise NhwcConv Transpose"},
	{"doubled pixels", "Conv image K4x4x2x2 strides=2,2 -> a; Resize a none %1,1,2,2 mode=nearest -> b; C4 image -> c; Concat b c axis=1 -> d; C8 d -> y",
		"Transpose NhwcConv NhwcResize NhwcConv NhwcConv Transpose"},
	{"slice", "Conv image K8x4x1x1 -> w; Slice w #2 #6 #1 -> a; C4 a -> b; C8 w -> c; Add b c -> y", "Transpose NhwcConv NhwcConv NhwcConv Transpose"},
	{"other axes", "C4 image -> a; D4 image -> b; Concat a b axis=2 -> c; C4 c -> y", "Transpose NhwcConv NhwcConv Concat NhwcConv Transpose"},
	{"result of the graph", "C4 image -> a; C4 a -> b; Concat a b axis=1 -> c; Transpose c perm=0,2,3,1 -> y", "Transpose NhwcConv NhwcConv"},
}

func TestViews(t *testing.T) {
	for _, f := range joined {
		t.Run(f.name, func(t *testing.T) {
			m := parse("image", convolutions(f.nodes))
			if got := strings.Join(compareViews(t, m), " "); got != f.want && f.want != "" {
				t.Errorf("left: %s, want %s", got, f.want)
			}
		})
	}
}

var shortForm = regexp.MustCompile(`([CD])(\d+) (\w+)`)

// convolutions writes "C8 x", a convolution of 8 channels to 4, out; D has other weights.
func convolutions(nodes string) string {
	return shortForm.ReplaceAllString(nodes, "Conv ${3} ${1}4x${2}x3x3 pads=1,1,1,1")
}

// compareViews compares the results of a model with those without any pass, and those of three threads and of a second run to the
// last bit. It returns the nodes that are left.
func compareViews(t *testing.T, m *onnx.Model) (kinds []string) {
	t.Helper()
	build := func(o opt.Options) (*graph.Graph, *plan.Program) {
		g, err := graph.Build(m, ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = opt.Apply(g, o); err != nil {
			t.Fatal(err)
		}
		p, err := plan.Compile(g, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return g, p
	}
	_, plain := build(opt.Options{Off: true})
	g, fused := build(opt.Options{})
	for _, n := range g.Nodes {
		kinds = append(kinds, n.Type)
	}
	in := []*tensor.Tensor{random("input", tensor.Shape{1, 4, 6, 6})}
	want, got := runViews(t, plain, in, 1), runViews(t, fused, in, 1)
	for i := range want {
		a, b := tensor.Of[float32](want[i]), tensor.Of[float32](got[i])
		peak := 0.0
		for _, v := range a {
			peak = max(peak, math.Abs(float64(v)))
		}
		for k, v := range a {
			if d := math.Abs(float64(b[k] - v)); !(d <= 1e-4*peak) {
				t.Fatalf("output %d: element %d is %v, want %v", i, k, b[k], v)
			}
		}
		for _, threads := range []int{1, 3} {
			if again := runViews(t, fused, in, threads); !slices.Equal(tensor.Of[float32](again[i]), b) {
				t.Fatalf("output %d: %d threads give other bits", i, threads)
			}
		}
	}
	for _, size := range fused.Memory() {
		if 10*size.Arena > 11*size.Live {
			t.Errorf("arena of %d bytes for %d in use", size.Arena, size.Live)
		}
	}
	return kinds
}

func runViews(t *testing.T, p *plan.Program, in []*tensor.Tensor, threads int) []*tensor.Tensor {
	t.Helper()
	out := make([]*tensor.Tensor, len(p.Graph().Outputs))
	for i := range out {
		out[i] = new(tensor.Tensor)
	}
	if err := p.Run(context.Background(), threads, in, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestViewsOfRandomGraphs compares networks of random nodes, some with a batch that is known while running only.
func TestViewsOfRandomGraphs(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	left := map[string]int{}
	for i := range 80 {
		text, others := randomNetwork(r, 4+r.IntN(16))
		m := parse("image", text)
		for _, name := range others {
			m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: name, Type: m.Graph.Outputs[0].Type})
		}
		if i%3 == 2 {
			m.Graph.Inputs[0].Type.Dims[0] = onnx.NamedDim("N")
		}
		if !t.Run(fmt.Sprint(i), func(t *testing.T) {
			for _, kind := range compareViews(t, m) {
				left[kind]++
			}
		}) {
			t.Fatalf("%s\noutputs %v", strings.ReplaceAll(text, "; ", "\n"), others)
		}
	}
	if left["Place"] == 0 || left["Concat"] > left["Place"] {
		t.Errorf("left %v", left)
	}
}

// randomNetwork returns the nodes of a network of convolutions, pools and elementwise nodes that join and cut channels, and some
// values that are outputs, too.
func randomNetwork(r *rand.Rand, nodes int) (text string, others []string) {
	var b strings.Builder
	names, channels := []string{"image"}, []int{4}
	add := func(c int, format string, args ...any) {
		name := fmt.Sprintf("v%d", len(names))
		fmt.Fprintf(&b, format+" -> %s; ", append(args, name)...)
		names, channels = append(names, name), append(channels, c)
	}
	pick := func() int { return max(r.IntN(len(names)), r.IntN(len(names))) }
	for len(names) < nodes {
		i := pick()
		x, c := names[i], channels[i]
		switch r.IntN(10) {
		case 0, 1, 2:
			o := 1 + r.IntN(20)
			add(o, "Conv %s K%dx%dx3x3 pads=1,1,1,1", x, o, c)
			add(o, "%s %s", []string{"Relu", "Sigmoid", "Tanh"}[r.IntN(3)], names[len(names)-1])
		case 3:
			o := 1 + r.IntN(20)
			add(o, "Conv %s K%dx%dx1x1", x, o, c)
			add(o, "Softsign %s", names[len(names)-1])
		case 4:
			add(c, "%s %s kernel_shape=3,3 pads=1,1,1,1", []string{"MaxPool", "AveragePool"}[r.IntN(2)], x)
		case 5:
			add(c, "Conv %s D%dx1x3x3 pads=1,1,1,1 group=%d", x, c, c)
			add(c, "Add %s %s", names[len(names)-1], x)
		case 6, 7, 8:
			list, sum := []string{x}, c
			for range 1 + r.IntN(3) {
				if k := pick(); sum+channels[k] < 64 {
					list, sum = append(list, names[k]), sum+channels[k]
				}
			}
			add(sum, "Concat %s axis=1", strings.Join(list, " "))
		case 9:
			if c < 2 {
				continue
			}
			cut := 1 + r.IntN(c-1)
			fmt.Fprintf(&b, "Split %s #%d,%d axis=1 -> p%d q%d; ", x, cut, c-cut, len(names), len(names))
			names, channels = append(names, fmt.Sprintf("p%d", len(names)), fmt.Sprintf("q%d", len(names))), append(channels, cut, c-cut)
		}
	}
	last := len(names) - 1
	fmt.Fprintf(&b, "Concat %s %s axis=1 -> end; Conv end K3x%dx1x1 -> y", names[last], names[last-1], channels[last]+channels[last-1])
	for _, name := range names[1:] {
		if r.IntN(8) == 0 {
			others = append(others, name)
		}
	}
	return b.String(), others
}

func TestViewsAllocateNothing(t *testing.T) {
	m := parse("image", convolutions(joined[4].nodes))
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = opt.Apply(g, opt.Options{}); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(g, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in, out := []*tensor.Tensor{random("input", tensor.Shape{1, 4, 6, 6})}, []*tensor.Tensor{new(tensor.Tensor)}
	run := func() {
		if err := p.Run(context.Background(), 1, in, out); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if a := testing.AllocsPerRun(20, run); a >= 1 {
		t.Errorf("%v allocations in a run", a)
	}
}
