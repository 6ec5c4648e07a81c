package finetune_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
)

// TestDamagedModels transforms models with bytes changed: none may cause a panic, and a model that a transformation refuses
// stays as it is.
func TestDamagedModels(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(peftDir, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	adapter, err := finetune.ReadAdapter(peftDir)
	if err != nil {
		t.Fatal(err)
	}
	transformations := []func(*onnx.Model) error{
		func(m *onnx.Model) error {
			_, err := finetune.LoRA{Rank: 2, Target: "all", Dropout: 0.5}.Apply(m)
			return err
		},
		func(m *onnx.Model) error { _, err := finetune.Head{N: 5, Dropout: 0.5}.Apply(m); return err },
		func(m *onnx.Model) error { _, err := finetune.InsertDropout(m, "re:.", 0.5); return err },
		func(m *onnx.Model) error { _, err := finetune.InsertHeadDropout(m, "", 0.5); return err },
		func(m *onnx.Model) error { _, err := adapter.Attach(m); return err },
		func(m *onnx.Model) error { _, err := finetune.Merge(m); return err },
		func(m *onnx.Model) error { _, err := finetune.RemoveDropout(m); return err },
	}
	r := rand.New(rand.NewPCG(3, 4))
	accepted, refused := 0, 0
	for range 150 {
		damaged := bytes.Clone(text)
		for range 1 + r.IntN(3) {
			damaged[r.IntN(len(damaged))] = byte(r.UintN(256))
		}
		m, err := onnx.Decode(damaged)
		if err != nil {
			continue
		}
		for _, change := range transformations {
			before := onnx.Encode(m)
			if change(m) == nil {
				accepted++
				continue
			}
			if refused++; !bytes.Equal(before, onnx.Encode(m)) {
				t.Fatal("a transformation that failed has changed the model")
			}
		}
	}
	if accepted == 0 || refused == 0 {
		t.Errorf("%d transformations were accepted and %d refused", accepted, refused)
	}
}
