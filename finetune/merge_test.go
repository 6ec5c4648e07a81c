package finetune_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

const gradientArchive = "../../shared/gradcases/gradcases-visible.zip"

// member reads a file of the archive of gradient cases.
func member(t *testing.T, name string) []byte {
	t.Helper()
	z, err := zip.OpenReader(gradientArchive)
	if err != nil {
		t.Skipf("%s does not open: %s is not read: %v", gradientArchive, name, err)
	}
	defer z.Close()
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestMergeTrajectory puts the final weights of the recorded LoRA training of PyTorch into its model and compares the merged
// weights, and the predictions of the merged model, with the recorded ones.
func TestMergeTrajectory(t *testing.T) {
	text := member(t, "trajectories/lora_r4_qv_adamw/data.npz")
	data, err := tensor.ReadNPZ(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Decode(member(t, "trajectories/lora_r4_qv_adamw/model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Graph.Initializers {
		if v := data["final."+p.Name]; v != nil {
			p.SetValue(v)
		}
	}
	if b, err := finetune.Branches(m); err != nil || len(b) != 2 || b[0].Scale != 2 || b[0].Module != "q" || b[1].Module != "v" {
		t.Errorf("branches are %+v (%v), want q and v of scale 2", b, err)
	}
	if kept, err := finetune.Merge(m); err != nil || len(kept) > 0 {
		t.Fatalf("kept %v: %v", kept, err)
	}
	for _, p := range m.Graph.Initializers {
		if want := data["merged."+p.Name]; want != nil {
			got, _ := p.Value()
			near(t, p.Name, got, want, 1e-6)
		}
		if strings.Contains(p.Name, "lora") {
			t.Errorf("%q is left after merging", p.Name)
		}
	}
	near(t, "predictions", evaluate(t, m, tensors{"ids": data["in.ids"]})["out"], data["pred"], 1e-5)
}

// TestMergeKeepsOthers copies a weight that another node reads without a branch before it changes it.
func TestMergeKeepsOthers(t *testing.T) {
	s := sketch{feeds: tensors{"x": f32(1, 3, 4)}, weights: tensors{"a.weight": f32(2, 4, 4)}, output: "y",
		nodes: []*onnx.Node{node("MatMul(x, a.weight) = h"), node("Sin(a.weight) = t"), node("MatMul(h, t) = y")}}
	m := s.model()
	b, err := finetune.LoRA{Rank: 2, Target: "a"}.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, m, b[0].B, 9)
	want := evaluate(t, m, s.feeds)["y"]
	if kept, err := finetune.Merge(m); err != nil || len(kept) > 0 {
		t.Fatalf("kept %v: %v", kept, err)
	}
	near(t, "merged", evaluate(t, m, s.feeds)["y"], want, 1e-5)
	near(t, "weight of the other node", tensorOf(t, m, "a.weight"), s.weights["a.weight"], 0)
}

func tensorOf(t *testing.T, m *onnx.Model, name string) *tensor.Tensor {
	t.Helper()
	for _, p := range m.Graph.Initializers {
		if p.Name == name {
			v, err := p.Value()
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("the model has no initializer %q", name)
	return nil
}
