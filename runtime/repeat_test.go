package runtime_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// stripped are models without weights that reach most kernels between them.
var stripped = []string{
	"squeezenet1_1", "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "unet_small", "yolov8n", "timm_vit_tiny", "gpt2_tiny",
	"llama_tiny", "bert_tiny", "t5_tiny_encoder", "gru_lm", "bilstm_tagger", "dcgan_generator", "wavenet", "mlp_mnist",
}

// TestThreadsGiveEqualBits runs whole models on one to five threads: every output is the same to the last bit. At
// fixed shapes a run into outputs of an earlier one allocates nothing.
func TestThreadsGiveEqualBits(t *testing.T) {
	if testing.Short() {
		t.Skip("whole models are not run in short mode")
	}
	for _, name := range stripped {
		t.Run(name, func(t *testing.T) {
			dir := "../../shared/stripped/" + name
			if _, err := os.Stat(dir); err != nil {
				t.Skipf("%s is absent: its bits are not compared", dir)
			}
			var first map[string]*tensor.Tensor
			for _, threads := range []int{1, 2, 3, 5} {
				out := repeat(t, dir, threads)
				if first == nil {
					first = out
				}
				for name, want := range first {
					if !bytes.Equal(out[name].Bytes(), want.Bytes()) {
						t.Errorf("output %q differs with %d threads", name, threads)
					}
				}
			}
		})
	}
}

// repeat runs the model of a folder some times, all with the same result, and returns the outputs of the first.
func repeat(t *testing.T, dir string, threads int) map[string]*tensor.Tensor {
	f, err := onnx.Open(dir+"/model.onnx", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := feed.FillFrom(f.Model, dir+"/fill.json"); err != nil {
		t.Fatal(err)
	}
	s, err := runtime.New(f, &runtime.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	source := feed.Source{Seed: 1}
	in, _, err := source.Inputs(s.Inputs())
	if err != nil {
		t.Fatal(err)
	}
	out, ctx := map[string]*tensor.Tensor{}, context.Background()
	run := func() {
		if err := s.RunInto(ctx, in, out); err != nil {
			t.Fatal(err)
		}
	}
	run()
	first := map[string]*tensor.Tensor{}
	for name, x := range out {
		first[name] = x.Clone()
	}
	run() // packs weights
	if n := testing.AllocsPerRun(4, run); poolsKeep && threads == 1 && n > 0 {
		t.Errorf("a run allocates %v times", n)
	}
	equalBits(t, out, first)
	return first
}
