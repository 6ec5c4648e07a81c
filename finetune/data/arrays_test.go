package data

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestNumPy reads files that NumPy wrote.
func TestNumPy(t *testing.T) {
	x2 := []runtime.ValueInfo{input("x", tensor.Float32, -1, 2)}
	for _, name := range []string{"stored.npz", "packed.npz", "fortran.npy"} {
		for _, o := range []Options{{Inputs: x2}, {}} {
			s := open(t, filepath.Join("testdata", name), o)
			if s.Len() != 6 || !slices.Equal(s.Classes(), []string{"0", "1", "2"}) {
				t.Errorf("%s: %d samples of classes %q", name, s.Len(), s.Classes())
			}
			for i := range s.Len() {
				x, y := row(t, s, i)
				if !slices.Equal(x, []float32{float32(i) / 2, float32(i)/2 + 0.25}) || y[0] != float64(i%3) {
					t.Errorf("%s: sample %d: %v, %v", name, i, x, y)
				}
			}
		}
	}
}

// TestPyArrow reads files that PyArrow wrote: two row groups with dictionaries and snappy, and data pages of version 2
// with zstd.
func TestPyArrow(t *testing.T) {
	for _, name := range []string{"snappy.parquet", "zstd_v2.parquet"} {
		path := filepath.Join("testdata", name)
		s := open(t, path, Options{
			Inputs: []runtime.ValueInfo{
				input("vector", tensor.Float32, -1, 2), input("ids", tensor.Int64, -1, -1), input("attention_mask", tensor.Int64, -1, -1),
				input("table", tensor.Float64, -1, 5),
			},
			Features: map[string][]string{"table": {"f32", "f64", "i8", "u32", "truth"}},
			Tokens:   TokenOptions{Pad: 99},
		})
		if !slices.Equal(s.Classes(), []string{"maybe", "no", "yes"}) || s.Len() != 6 {
			t.Fatalf("%s: %d samples of classes %q", name, s.Len(), s.Classes())
		}
		sample, err := s.Sample(1)
		if err != nil {
			t.Fatal(err)
		}
		for input, want := range map[string][]float64{
			"vector": {1, 1.5}, "ids": {4, 99, 99, 99}, "attention_mask": {1, 0, 0, 0}, "table": {0.5, 0.75, 2, 0, 0},
		} {
			if got := tensor.Float64s(sample.Inputs[input], 10); !slices.Equal(got, want) {
				t.Errorf("%s: %s: %v, want %v", name, input, got, want)
			}
		}
		first, err := s.Sample(0)
		if err != nil {
			t.Fatal(err)
		}
		if got := tensor.Of[float64](first.Inputs["table"]); !slices.Equal(got, []float64{0, 0.25, -1, math.MaxUint32, 1}) {
			t.Errorf("%s: %v", name, got)
		}
		_, err = Open(path, Options{Features: map[string][]string{"": {"gaps"}}})
		for _, part := range []string{"2 problems", `row 1: column "gaps": the value is missing`, `row 3: column "gaps": NaN`} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in: %v", name, part, err)
			}
		}
	}
}

func TestArrayFolderAndSafetensors(t *testing.T) {
	x, y := tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 3, 2), tensor.FromSlice([]float64{0.5, 1.5, 2.25}, 3)
	dir := t.TempDir()
	for name, a := range map[string]*tensor.Tensor{"x": x, "y": y} {
		var b bytes.Buffer
		if err := tensor.WriteNPY(&b, a); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".npy"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := tensor.WriteSafetensors(&b, map[string]*tensor.Tensor{"x": x, "y": y}, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file(t, "a.safetensors", b.Bytes())} {
		s := open(t, path, Options{Inputs: []runtime.ValueInfo{input("in", tensor.Float32, -1, 2)}})
		if got, target := row(t, s, 2); s.Len() != 3 || !slices.Equal(got, []float32{5, 6}) || !slices.Equal(target, []float64{2.25}) {
			t.Errorf("%s: %v, %v", path, got, target)
		}
	}
}

// TestTokens checks lists of ids as files of ids hold them.
func TestTokens(t *testing.T) {
	text := `{"input_ids": [5, 6, 7], "labels": [1, 2, 1]}` + "\n" + `{"input_ids": [8, 9, 8], "labels": [0, 2, 0]}` + "\n"
	s := open(t, file(t, "a.jsonl", []byte(text)), Options{Inputs: []runtime.ValueInfo{
		input("input_ids", tensor.Int64, -1, 2), input("attention_mask", tensor.Int32, -1, 2), input("position_ids", tensor.Int64, -1, 2),
	}})
	sample, err := s.Sample(1)
	if err != nil {
		t.Fatal(err)
	}
	if got := tensor.Of[int64](sample.Inputs["input_ids"]); !slices.Equal(got, []int64{8, 9}) {
		t.Errorf("ids %v", got)
	}
	if got := tensor.Of[int32](sample.Inputs["attention_mask"]); !slices.Equal(got, []int32{1, 1}) {
		t.Errorf("mask %v", got)
	}
	if got := tensor.Of[int64](sample.Inputs["position_ids"]); !slices.Equal(got, []int64{0, 1}) {
		t.Errorf("positions %v", got)
	}
	if got := tensor.Of[int64](sample.Targets[0]); !slices.Equal(got, []int64{0, 2, 0}) {
		t.Errorf("targets %v", got)
	}
	if got := s.Settings(); got[settingKind] != "tokens" || got[settingLength] != "2" {
		t.Errorf("settings %v", got)
	}
}

func TestTexts(t *testing.T) {
	s := open(t, file(t, "a.jsonl", []byte(`{"text": "to be", "label": "x"}`+"\n"+`{"text": "or not", "label": "y"}`)), Options{
		Inputs: []runtime.ValueInfo{input("s", tensor.String, -1, 1)}})
	sample, err := s.Sample(1)
	if err != nil {
		t.Fatal(err)
	}
	if got := sample.Inputs["s"]; !slices.Equal(got.Strings(), []string{"or not"}) || !got.Shape().Equal(tensor.Shape{1}) {
		t.Errorf("%v %v", got.Shape(), got.Strings())
	}
}

// npy writes the header of an array in NumPy's format, and data.
func npy(descr, shape string, data []byte) []byte {
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	return append([]byte(fmt.Sprintf("\x93NUMPY\x01\x00%c%c%s", byte(len(head)), byte(len(head)>>8), head)), data...)
}

func TestHostileArrays(t *testing.T) {
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	w, err := z.Create("x.npy")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(npy("<f4", "1000000, 2", make([]byte, 8_000_000)))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	liar := bytes.Clone(bomb.Bytes()) // the directory announces 4 GB
	at := bytes.LastIndex(liar, []byte("PK\x01\x02"))
	copy(liar[at+24:], "\xf0\xff\xff\xff")
	nan := npy("<f4", "2, 2", make([]byte, 16))
	copy(nan[len(nan)-4:], "\x00\x00\xc0\x7f")
	footer, frame, page := readTestdata(t, "snappy.parquet"), readTestdata(t, "zstd_v2.parquet"), readTestdata(t, "snappy.parquet")
	copy(footer[len(footer)-8:], "\xff\xff\xff\x7f")
	frame[bytes.LastIndex(frame, []byte("\x28\xb5\x2f\xfd"))+4] = 0x84 // the size of the content has four bytes
	page[7] = 0x7f                                                     // -64 bytes unpacked
	for _, tc := range []struct {
		name string
		data []byte
		o    Options
		want string
	}{
		{"a.parquet", footer, Options{}, "a footer of 2147483647 bytes in a file of 4427"},
		{"a.parquet", frame, Options{}, "that is packed as"},
		{"a.parquet", page, Options{}, "column label: a page of 15 bytes, -64 unpacked"},
		{"a.parquet", readTestdata(t, "snappy.parquet"), Options{MemoryLimit: 64}, "values do not fit into 64 bytes"},
		{"a.npy", npy("<f4", "1000000000, 1000000000", nil), Options{}, "0 bytes for float32"},
		{"a.npy", npy("<f4", "9223372036854775807, 16", nil), Options{}, "overflows"},
		{"a.npy", npy("<f4", "-3, 2", nil), Options{}, "header"},
		{"a.npy", npy("|O", "3,", nil), Options{}, "header"},
		{"a.npy", []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), Options{}, "header of 4294967295 bytes"},
		{"a.npy", nil, Options{}, "no NumPy file"},
		{"a.npy", npy("<f4", "", []byte{0, 0, 0, 0}), Options{}, "a scalar"},
		{"a.npy", nan, Options{Task: Unlabelled}, "row 1: input \"x\": value 1 of the sample is no finite number"},
		{"a.npz", bomb.Bytes(), Options{MemoryLimit: 1 << 20}, "memory limit leaves 1048576"},
		{"a.npz", liar, Options{}, "cannot be packed into"},
		{"a.npz", []byte("PK"), Options{}, "zip"},
		{"a.safetensors", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), Options{}, "header of"},
		{"a.parquet", []byte("PAR1PAR1"), Options{}, "a.parquet"},
	} {
		tc.o.Inputs = []runtime.ValueInfo{input("x", tensor.Float32, -1, 2)}
		if _, err := Open(file(t, tc.name, tc.data), tc.o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

// TestMapped reads arrays from mapped files, which are looked through sample by sample.
func TestMapped(t *testing.T) {
	defer func(n int64) { mapFrom = n }(mapFrom)
	mapFrom = 1
	x2 := []runtime.ValueInfo{input("x", tensor.Float32, -1, 2)}
	s := open(t, filepath.Join("testdata", "stored.npz"), Options{Inputs: x2})
	if a := s.source.(*arrays).inputs[0]; !a.mapped {
		t.Error("the array is not mapped")
	}
	if x, y := row(t, s, 4); !slices.Equal(x, []float32{2, 2.25}) || y[0] != 1 {
		t.Errorf("%v, %v", x, y)
	}
	if k, err := s.Key(4); err != nil || k == "" {
		t.Errorf("key %q, %v", k, err)
	}
	nan := npy("<f4", "2, 2", make([]byte, 16))
	copy(nan[len(nan)-4:], "\x00\x00\xc0\x7f")
	bad := open(t, file(t, "x.npy", nan), Options{Task: Unlabelled, Inputs: x2})
	if _, err := bad.Sample(0); err != nil {
		t.Error(err)
	}
	if _, err := bad.Sample(1); err == nil || !strings.Contains(err.Error(), "x.npy: row 1: input \"x\": element 1 is no finite number") {
		t.Errorf("%v", err)
	}
	if err := bad.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "row 1") {
		t.Errorf("%v", err)
	}
}
