package runtime_test

import (
	"context"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// settleModel looks up rows of a table and takes them through some layers, whose other constants lie between their matrices.
func settleModel() *onnx.Model {
	const width = 384
	g := &onnx.Graph{Name: "g", Outputs: []*onnx.ValueInfo{{Name: "y"}}}
	weight := func(name string, dims ...int) {
		x := tensor.New(tensor.Float32, dims...)
		for i := range tensor.Of[float32](x) {
			tensor.Of[float32](x)[i] = float32(i*7%101-50) / 1000
		}
		g.Initializers = append(g.Initializers, tensor.NewProto(name, x))
	}
	weight("table", 1000, width)
	g.Nodes = append(g.Nodes, &onnx.Node{OpType: "Gather", Inputs: []string{"table", "ids"}, Outputs: []string{"r0"}})
	last := "r0"
	for _, l := range []string{"a", "b", "c"} {
		weight(l+"w", width, width)
		weight(l+"b", 12, width)
		g.Nodes = append(g.Nodes, &onnx.Node{OpType: "MatMul", Inputs: []string{last, l + "w"}, Outputs: []string{l + "m"}},
			&onnx.Node{OpType: "Max", Inputs: []string{l + "m", l + "b"}, Outputs: []string{l + "s"}})
		last = l + "s"
	}
	g.Nodes = append(g.Nodes, &onnx.Node{OpType: "Softmax", Inputs: []string{last}, Outputs: []string{"y"}})
	g.Inputs = []*onnx.ValueInfo{{Name: "ids", Type: onnx.NewTensorType(tensor.Int64, onnx.FixedDim(12))}}
	return &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}}, Graph: g}
}

// TestSettle runs a mapped model: the results are those of the model in memory, and once its weights are packed no page of the file
// is in memory but copies of what runs read.
func TestSettle(t *testing.T) {
	name := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(name, onnx.Encode(settleModel()), 0o600); err != nil {
		t.Fatal(err)
	}
	in := map[string]*tensor.Tensor{"ids": tensor.FromSlice([]int64{5, 6, 7, 999, -3, 0, 1, 1, 500, 501, 20, 5}, 12)}
	var want map[string]*tensor.Tensor
	for _, o := range []runtime.Options{{NoMap: true}, {}, {Prepack: true}, {Cache: t.TempDir()}, {Threads: 2}} {
		s, err := runtime.Open(name, &o)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			out, err := s.Run(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = out
			}
			equalBits(t, out, want)
		}
		settles := !o.NoMap && o.Cache == "" && mmap.Copies() // a cache that is written reads all of the file again
		if rss, owned := mappedKB(t, name, "Rss:"), mappedKB(t, name, "Anonymous:"); settles && (rss != owned || owned == 0) {
			t.Errorf("%+v: %d kB of the mapped file are in memory, of which %d are copies", o, rss, owned)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// mappedKB adds up an entry of /proc/self/smaps, which only Linux has, for the mappings of a file.
func mappedKB(t *testing.T, name, key string) (sum int) {
	if goruntime.GOOS != "linux" {
		return 0
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skipf("no list of mappings: %v", err)
	}
	ours := false
	for line := range strings.Lines(string(smaps)) {
		switch f := strings.Fields(line); {
		case strings.Contains(f[0], "-"):
			ours = f[len(f)-1] == name
		case ours && f[0] == key:
			n, _ := strconv.Atoi(f[1])
			sum += n
		}
	}
	return sum
}
