package onnx_test

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestCheckAccepts: no official or real model has findings. Tensors of the stripped models lack their data.
func TestCheckAccepts(t *testing.T) {
	models(t, func(name string, msg []byte) {
		m, err := onnx.Decode(msg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, f := range onnx.Check(m) {
			if strings.Contains(name, "stripped/") && f.Rule == "tensor" {
				continue
			}
			t.Errorf("%s: %+v", name, f)
		}
	})
}

// beyondStructure lists the invalid models that only types, shapes or the operators themselves give away.
var beyondStructure = map[string]string{
	"unknown_op_custom_domain":   "no such operator in the table",
	"attr_enum_value":            "value of an attribute",
	"if_type_mismatch":           "types",
	"type_add_float_int":         "types",
	"type_relu_string":           "types",
	"type_output_declared_wrong": "types",
	"shape_matmul":               "shapes",
	"shape_broadcast":            "shapes",
	"shape_gemm":                 "shapes",
	"shape_conv_channels":        "shapes",
	"shape_concat_rank":          "shapes",
	"shape_axis_range":           "shapes",
	"shape_perm_repeat":          "value of an attribute",
	"shape_perm_range":           "value of an attribute",
	"shape_reshape_two_minus1":   "shapes",
	"shape_reshape_count":        "shapes",
	"shape_squeeze_not_one":      "shapes",
	"shape_split_sum":            "shapes",
	"shape_expand":               "shapes",
	"shape_einsum":               "shapes",
	"shape_einsum_syntax":        "value of an attribute",
	"conv_zero_stride":           "value of an attribute",
	"conv_zero_group":            "value of an attribute",
}

// unpackInvalid writes the archive of invalid models to a folder, with the links that its index names.
func unpackInvalid(t *testing.T) (dir string, index []invalidCase) {
	t.Helper()
	z, err := zip.OpenReader("../testdata/conformance/invalid.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir = t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	b, err := fs.ReadFile(z, "index.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	for _, c := range index {
		for _, l := range c.Symlinks {
			link, name := os.Symlink, l[1]
			if hard, ok := strings.CutPrefix(name, "HARD:"); ok {
				link, name = os.Link, filepath.Join(dir, c.Name, hard)
			}
			if err := link(name, filepath.Join(dir, c.Name, l[0])); err != nil {
				t.Logf("skipped: no links here: %v", err)
			}
		}
	}
	return dir, index
}

type invalidCase struct {
	Name, Expect string
	Symlinks     [][2]string
}

func TestCheckRejects(t *testing.T) {
	dir, index := unpackInvalid(t)
	for _, c := range index {
		start := time.Now()
		err := checkFile(filepath.Join(dir, c.Name, "model.onnx"))
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: took %v", c.Name, d)
		}
		var format *onnx.FormatError
		if err != nil && !errors.As(err, &format) {
			t.Errorf("%s: %T: %v, want a *FormatError", c.Name, err, err)
		}
		switch {
		case c.Expect == "reject" && beyondStructure[c.Name] != "":
			if err != nil {
				t.Errorf("%s: listed as beyond the structure, but: %v", c.Name, err)
			}
		case c.Expect == "reject" && err == nil:
			t.Errorf("%s: accepted", c.Name)
		case c.Expect == "accept" && err != nil:
			t.Errorf("%s: %v", c.Name, err)
		default:
			t.Logf("%s (%s): %v", c.Name, c.Expect, err)
		}
	}
}

func checkFile(name string) error {
	f, err := onnx.Open(name, nil)
	if err != nil {
		return err
	}
	defer f.Close()
	return onnx.Check(f.Model).Err()
}

// small returns a valid model: y = Relu(x).
func small() *onnx.Model {
	value := func(name string) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Float32, onnx.NamedDim("n"))}
	}
	return &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 20}}, Graph: &onnx.Graph{
		Name: "g", Inputs: []*onnx.ValueInfo{value("x")}, Outputs: []*onnx.ValueInfo{value("y")},
		Nodes: []*onnx.Node{{OpType: "Relu", Inputs: []string{"x"}, Outputs: []string{"y"}}},
	}}
}

func TestCheckMade(t *testing.T) {
	cases := []struct {
		rule   string // empty: valid
		change func(m *onnx.Model)
	}{
		{"", func(m *onnx.Model) {}},
		{"", func(m *onnx.Model) { m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "com.example", Version: 7}) }},
		{"", func(m *onnx.Model) { m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.ml", Version: 999}) }},
		{"opset", func(m *onnx.Model) { m.Opsets[0].Version = 999 }},
		{"", func(m *onnx.Model) { m.Graph.Outputs[0].Type = nil }},
		{"type", func(m *onnx.Model) { m.Graph.Inputs[0].Type = nil }},
		{"", func(m *onnx.Model) { m.Graph.Inputs[0].Type.Dims[0] = onnx.FixedDim(-1) }},
		{"op", func(m *onnx.Model) { m.Graph.Nodes[0].OpType = "Rulu" }},
		{"attribute", func(m *onnx.Model) { m.Graph.Nodes[0].Attributes = []*onnx.Attribute{onnx.NewInt("foo", 1)} }},
		{"opset", func(m *onnx.Model) { m.Graph.Nodes[0].Domain = "ai.onnx.ml" }},
		{"", func(m *onnx.Model) {
			m.Graph.Initializers = []*onnx.TensorProto{tensor.NewProto("w", tensor.New(tensor.Int4, 3))}
		}},
		{"ssa", func(m *onnx.Model) { m.Graph.Nodes[0].Outputs[0] = "x" }},
	}
	for i, c := range cases {
		m := small()
		c.change(m)
		found := onnx.Check(m)
		if c.rule == "" && len(found) > 0 || c.rule != "" && (len(found) == 0 || found[0].Rule != c.rule) {
			t.Errorf("case %d: %v, want rule %q", i, found, c.rule)
		}
	}
}

// TestCheckDeep: a model made by a program may be nested without end; Check must not follow.
func TestCheckDeep(t *testing.T) {
	m := small()
	n := m.Graph.Nodes[0]
	n.Attributes = []*onnx.Attribute{onnx.NewGraph("body", m.Graph)}
	found := onnx.Check(m)
	if len(found) == 0 || found[len(found)-1].Rule != "nesting" && found[0].Rule != "nesting" {
		t.Errorf("%v, want a finding of nesting", found)
	}
}
