package finetune_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// folder writes the files of an adapter.
func folder(t *testing.T, config string, tensors map[string]*tensor.Tensor) string {
	t.Helper()
	var b bytes.Buffer
	if err := tensor.WriteSafetensors(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"adapter_config.json": config, "adapter_model.safetensors": b.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestAdapterRefusals wants the setting or tensor that an adapter cannot be read with in the message.
func TestAdapterRefusals(t *testing.T) {
	pair := tensors{"base_model.model.q.lora_A.weight": f32(1, 2, 4), "base_model.model.q.lora_B.weight": f32(2, 5, 2)}
	for _, c := range []struct {
		config  string
		tensors tensors
		want    string
	}{
		{`{"peft_type":"IA3"}`, pair, `"IA3"`},
		{`{"peft_type":"LORA","r":2,"use_dora":true}`, pair, "use_dora"},
		{`{"peft_type":"LORA","r":2,"layer_replication":[[0,2]]}`, pair, "layer_replication"},
		{`{"peft_type":"LORA","r":2,"init_lora_weights":"pissa_niter_4"}`, pair, "pissa"},
		{`{"peft_type":"LORA","r":4}`, pair, "want rank 4"},
		{`{"peft_type":"LORA","r":0}`, pair, "r is 0"},
		{`{"peft_type":"LORA","r":2,"rank_pattern":{"(":3}}`, pair, `pattern "("`},
		{`{"peft_type":"LORA"`, pair, "adapter_config.json"},
		{`{"peft_type":"LORA","r":2}`, tensors{"base_model.model.q.lora_A.weight": f32(1, 2, 4)}, "missing"},
		{`{"peft_type":"LORA","r":2}`, tensors{"base_model.model.q.lora_A.weight": f32(1, 2, 4), "base_model.model.q.lora_B.weight": f32(2, 5, 3)}, "no factors"},
		{`{"peft_type":"LORA","r":2}`, tensors{"base_model.model.q.lora_magnitude_vector": f32(1, 4)}, "DoRA"},
		{`{"peft_type":"LORA","r":2}`, tensors{"base_model.model.q.lora_B.bias": f32(1, 4)}, "biases inside"},
		{`{"peft_type":"LORA","r":2}`, tensors{"base_model.model.q.lora_C.weight": f32(1, 4)}, "want lora_A.weight"},
	} {
		if _, err := finetune.ReadAdapter(folder(t, c.config, c.tensors)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one about %q", c.config, err, c.want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "adapter_config.json"), []byte(`{"peft_type":"LORA"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "adapter_model.bin"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := finetune.ReadAdapter(dir); err == nil || !strings.Contains(err.Error(), "pickle") {
		t.Errorf("a pickle: got error %v", err)
	}
}

// TestAdapterSettings reads what the configuration leaves to defaults, and what stands in its patterns.
func TestAdapterSettings(t *testing.T) {
	pair := tensors{"base_model.model.l.0.q.lora_A.default.weight": f32(1, 8, 4), "base_model.model.l.0.q.lora_B.default.weight": f32(2, 5, 8),
		"base_model.model.head.modules_to_save.default.weight": f32(3, 2, 2), "base_model.model.l.0.q.base_layer.bias": f32(3, 5)}
	for _, c := range []struct {
		config string
		scale  float64
	}{
		{`{"peft_type":"LORA"}`, 1},
		{`{"peft_type":"LORA","lora_alpha":16,"use_rslora":true}`, 16 / 2.8284271247461903},
		{`{"peft_type":"LORA","alpha_pattern":{"0.q":4,"q":8}}`, 0.5},
		{`{"peft_type":"LORA","alpha_pattern":{"q":4,"0.q":8},"target_modules":"all-linear"}`, 0.5},
		{`{"peft_type":"LORA","alpha_pattern":{"l.1.q":4}}`, 1},
	} {
		a, err := finetune.ReadAdapter(folder(t, c.config, pair))
		if err != nil {
			t.Fatal(err)
		}
		if l := a.Layers["l.0.q"]; l == nil || l.Scale != c.scale || l.Rank() != 8 {
			t.Errorf("%s: layers are %+v, want l.0.q of scale %v", c.config, a.Layers, c.scale)
		}
		if a.Saved["head.weight"] == nil || a.Saved["l.0.q.bias"] == nil {
			t.Errorf("saved parameters are %v", a.Saved)
		}
	}
}

// TestAdapterModules finds modules by the end of their path, and lists candidates where it finds none or several.
func TestAdapterModules(t *testing.T) {
	layer := func(l int, weight string) []*onnx.Node {
		x := "x"
		if l > 0 {
			x = "h"
		}
		return []*onnx.Node{{Name: "/m/layers." + string(rune('0'+l)) + "/q_proj/MatMul", OpType: "MatMul", Inputs: []string{x, weight},
			Outputs: []string{[]string{"h", "y"}[l]}}}
	}
	s := sketch{feeds: tensors{"x": f32(1, 2, 4)}, weights: tensors{"onnx::MatMul_1": f32(2, 4, 4), "onnx::MatMul_2": f32(3, 4, 4)}, output: "y",
		nodes: append(layer(0, "onnx::MatMul_1"), layer(1, "onnx::MatMul_2")...)}
	for _, c := range []struct{ modules, want string }{
		{"m.layers.0.q_proj m.layers.1.q_proj", ""},
		{"layers.1.q_proj", ""},
		{"wrapper.m.layers.1.q_proj", ""},
		{"model.layers.0.q_proj model.layers.1.q_proj", ""},
		{"model.layers.0.q_proj other.layers.1.q_proj", `no layer "other.layers.1.q_proj"`},
		{"q_proj", `ambiguous: "m.layers.0.q_proj"`},
		{"layers.2.q_proj", `nearest are "m.layers.0.q_proj"`},
	} {
		in := tensors{}
		for _, m := range strings.Fields(c.modules) {
			in[m+".lora_A.weight"], in[m+".lora_B.weight"] = f32(1, 8, 4), f32(2, 4, 8)
		}
		a, err := finetune.ReadAdapter(folder(t, `{"peft_type":"LORA"}`, in))
		if err != nil {
			t.Fatal(err)
		}
		b, err := a.Attach(s.model())
		switch {
		case c.want == "" && (err != nil || len(b) != len(a.Layers)):
			t.Errorf("%s: %d branches, error %v", c.modules, len(b), err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got error %v, want %q", c.modules, err, c.want)
		}
	}
}

// TestDamagedAdapters reads files with bytes changed or cut off: none may cause a panic.
func TestDamagedAdapters(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	files := map[string][]byte{}
	for _, name := range []string{"adapter_config.json", "adapter_model.safetensors"} {
		text, err := os.ReadFile(filepath.Join(peftDir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	dir, refused := t.TempDir(), 0
	for range 300 {
		for name, text := range files {
			text = bytes.Clone(text)
			for range 1 + r.IntN(3) {
				text[r.IntN(min(len(text), 1500))] = byte(r.UintN(256))
			}
			if r.IntN(4) == 0 {
				text = text[:r.IntN(len(text))]
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a, err := finetune.ReadAdapter(dir)
		if err != nil {
			refused++
			continue
		}
		if _, err := a.Attach(load(t, filepath.Join(peftDir, "model.onnx"))); err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no damaged adapter was refused")
	}
}
