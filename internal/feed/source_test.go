package feed

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// infos are the inputs "a b" float32 [N 2] and "ids" int64 [2].
func infos() []runtime.ValueInfo {
	return []runtime.ValueInfo{
		{Name: "a b", DType: tensor.Float32, Dims: []runtime.Dim{{Name: "N", Value: -1}, {Value: 2}}},
		{Name: "ids", DType: tensor.Int64, Dims: []runtime.Dim{{Value: 2}}},
	}
}

func TestFolderOfListedFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "0.bin", []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40})
	write(t, dir, "1.json", []byte(`["x","y"]`))
	write(t, dir, "inputs.txt", []byte("a b\tfloat32\t1,2\t0.bin\nwords\tstring\t2\t1.json\n"))
	in, err := Folder(dir, infos())
	if err != nil {
		t.Fatal(err)
	}
	if got := tensor.Of[float32](in["a b"]); !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("a b is %v", got)
	}
	if got := tensor.Of[string](in["words"]); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("words is %v", got)
	}
	for _, bad := range []string{"a\tfloat32\t1,2\n", "a\tfloat31\t1\t0.bin", "a\tfloat32\t-1\t0.bin", "a\tfloat32\t3\t0.bin", "a\tfloat32\t1\tno.bin", "a\tstring\t3\t1.json"} {
		write(t, dir, "inputs.txt", []byte(bad))
		if _, err := Folder(dir, infos()); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestFolderByPosition(t *testing.T) {
	dir := t.TempDir()
	ids := tensor.FromSlice([]int64{4, 5})
	write(t, dir, "input_1.pb", tensor.EncodeValue("", ids))
	in, err := Folder(dir, infos())
	if err != nil || len(in) != 1 || !slices.Equal(tensor.Of[int64](in["ids"]), []int64{4, 5}) {
		t.Fatalf("%v %v", in, err)
	}
	write(t, dir, "input_0.pb", nil)
	write(t, dir, "input_2.pb", nil)
	if _, err := Folder(dir, infos()); err == nil {
		t.Error("three inputs for a model with two were accepted")
	}
	if _, err := Folder(filepath.Join(dir, "absent"), infos()); err == nil {
		t.Error("an absent folder was accepted")
	}
}

func TestSynthetic(t *testing.T) {
	s := Source{Dims: map[string]int{"N": 3}, Seed: 7}
	in, names, err := s.Inputs(infos())
	if err != nil || !slices.Equal(names, []string{"a b", "ids"}) {
		t.Fatalf("%v %v", names, err)
	}
	if got := in["a b"].Shape(); !got.Equal(tensor.Shape{3, 2}) {
		t.Errorf("shape %v", got)
	}
	for _, v := range tensor.Of[float32](in["a b"]) {
		if v < 0 || v >= 1 {
			t.Errorf("value %v", v)
		}
	}
	again, _, _ := s.Inputs(infos())
	s.Seed++
	other, _, _ := s.Inputs(infos())
	x := tensor.Of[float32](in["a b"])
	if !slices.Equal(x, tensor.Of[float32](again["a b"])) || slices.Equal(x, tensor.Of[float32](other["a b"])) {
		t.Error("values do not follow the seed")
	}
}

func TestInputArguments(t *testing.T) {
	dir := t.TempDir()
	ids := write(t, dir, "x.pb", tensor.EncodeValue("", tensor.FromSlice([]int64{4, 5})))
	s := Source{Files: []string{"ids=" + ids}}
	in, names, err := s.Inputs(infos())
	if err != nil || len(names) != 1 || tensor.Of[int64](in["ids"])[1] != 5 {
		t.Errorf("%v %v %v", in, names, err)
	}
	for _, bad := range []string{ids, "nobody=" + ids, "ids=" + dir, "ids=" + filepath.Join(dir, "no.npy")} {
		s.Files = []string{bad}
		if _, _, err := s.Inputs(infos()); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	s.Files = []string{ids}
	if _, _, err := s.Inputs(infos()[1:]); err != nil {
		t.Errorf("a file without a name for one input: %v", err)
	}
}

func TestFileNames(t *testing.T) {
	got := fileNames([]string{"a/b:0", "a_b_0", "ok-1.x", "a b 0", "ü"})
	if want := []string{"a_b_0", "a_b_0_2", "ok-1.x", "a_b_0_3", "_"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	m, err := tensor.NewMap(tensor.FromSlice([]int64{3, -1}), tensor.Scalar(float32(0.5)), tensor.FromSlice([]int8{1, 2}))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]*tensor.Tensor{
		"x": tensor.FromSlice([]float32{1}), "b": tensor.New(tensor.BFloat16, 2), "m": m, "s": tensor.NewSequence(tensor.Float32),
	}
	if err := Save(dir, []string{"x", "b", "m", "s"}, values); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "m.json"))
	if err != nil || string(text) != `{"-1":[1,2],"3":0.5}` {
		t.Errorf("%s %v", text, err)
	}
	for _, name := range []string{"x.npy", "b.pb", "s.pb"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestJSON(t *testing.T) {
	for _, tc := range []struct {
		text  string
		dtype tensor.DType
		want  *tensor.Tensor
	}{
		{`[[1,2.5],[3,"-inf"]]`, tensor.Float64, tensor.FromSlice([]float64{1, 2.5, 3, math.Inf(-1)}, 2, 2)},
		{`9007199254740993`, tensor.Int64, tensor.Scalar(int64(9007199254740993))},
		{`[true,false]`, tensor.Bool, tensor.FromSlice([]bool{true, false})},
		{`["a"]`, tensor.String, tensor.FromSlice([]string{"a"})},
		{`[[],[]]`, tensor.Float32, tensor.New(tensor.Float32, 2, 0)},
	} {
		got, err := decodeJSON([]byte(tc.text), runtime.ValueInfo{DType: tc.dtype})
		if err != nil || !got.Shape().Equal(tc.want.Shape()) || !slices.Equal(got.Bytes(), tc.want.Bytes()) || !slices.Equal(got.Strings(), tc.want.Strings()) {
			t.Errorf("%s: %+v %v", tc.text, got, err)
		}
	}
	for _, bad := range []string{`[[1],2]`, `[1,[2]]`, `[[1],[2,3]]`, `["x"]`, `null`, `[`} {
		if got, err := decodeJSON([]byte(bad), runtime.ValueInfo{DType: tensor.Float32}); err == nil {
			t.Errorf("%s gave %+v", bad, got)
		}
	}
}

// TestPreprocessing repeats what a model's metadata say of pictures and sounds.
func TestPreprocessing(t *testing.T) {
	dir := t.TempDir()
	picture := write(t, dir, "x.ppm", []byte("P3 2 1 255\n0 51 102 153 204 255\n"))
	sound := write(t, dir, "x.wav", append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x08\x00\x00\x00\x10\x00\x00\x00\x02\x00\x10\x00data\x04\x00\x00\x00"),
		0, 0x40, 0, 0xC0))
	open := []runtime.Dim{{Name: "N", Value: -1}, {Value: 3}, {Value: -1}, {Value: -1}}
	info := runtime.ValueInfo{Name: "x", DType: tensor.Float32, Ranked: true, Dims: open}
	settings := pipeline.PictureSettings{Width: 1, Height: 1, Scale: 1.0 / 255, Mean: []float64{0.5}, Std: []float64{2}}
	in, _, err := (&Source{Files: []string{picture}, Metadata: settings.Settings()}).Inputs([]runtime.ValueInfo{info})
	if err != nil {
		t.Fatal(err)
	}
	if got := tensor.Of[float32](in["x"]); !in["x"].Shape().Equal(tensor.Shape{1, 3, 1, 1}) || !slices.Equal(got, []float32{-0.25, -0.15, -0.05}) {
		t.Errorf("%v %v", in["x"].Shape(), got)
	}
	plain, _, err := (&Source{Files: []string{picture}}).Inputs([]runtime.ValueInfo{info})
	if err != nil || !plain["x"].Shape().Equal(tensor.Shape{1, 3, 1, 2}) {
		t.Errorf("without metadata: %v %v", plain, err)
	}
	info.Dims = open[:3:3]
	info.Dims[1].Value = 1
	in, _, err = (&Source{Files: []string{sound}, Metadata: (&pipeline.SoundSettings{Rate: 8, Length: 3}).Settings()}).Inputs([]runtime.ValueInfo{info})
	if err != nil || !slices.Equal(tensor.Of[float32](in["x"]), []float32{0.5, -0.5, 0}) {
		t.Errorf("%v %v", in["x"], err)
	}
}
