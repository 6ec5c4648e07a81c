package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/image/bmp"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// tree writes files into a folder of the test.
func tree(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// paint returns a picture as a file: a gradient from a colour, so that no side looks like another.
func paint(t *testing.T, width, height int, c color.NRGBA, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{c.R + uint8(x), c.G + uint8(y), c.B, 255})
		}
	}
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(b *bytes.Buffer, m image.Image) error { return png.Encode(b, m) }

func asBMP(b *bytes.Buffer, m image.Image) error { return bmp.Encode(b, m) }

var (
	red   = color.NRGBA{200, 10, 20, 255}
	green = color.NRGBA{10, 200, 20, 255}
)

func readTestdata(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPictures compares decoded pictures, and the values by a sidecar of CLIP's kind, with Pillow and numpy.
func TestPictures(t *testing.T) {
	var want struct {
		CLIP   []float64
		SHA256 map[string]string
	}
	if err := json.Unmarshal(readTestdata(t, "pictures.json"), &want); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"preprocessor_config.json": []byte(`{"do_resize": true, "size": {"shortest_edge": 12}, "resample": 3,
		"do_center_crop": true, "crop_size": {"height": 10, "width": 10}, "do_rescale": true, "rescale_factor": 0.00392156862745098,
		"do_normalize": true, "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}`)}
	for name, sum := range want.SHA256 {
		files["noise/"+name] = readTestdata(t, name)
		m, err := pipeline.DecodeImage(files["noise/"+name])
		if err != nil {
			t.Fatal(err)
		}
		var rgb []byte
		for i, v := range m.(*image.NRGBA).Pix {
			if i%4 < 3 {
				rgb = append(rgb, v)
			}
		}
		if got := sha256.Sum256(rgb); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s: other pixels than Pillow's", name)
		}
	}
	s := open(t, tree(t, files), Options{Inputs: []runtime.ValueInfo{input("pixel_values", tensor.Float32, -1, 3, 10, 10)}})
	if s.Len() != 4 || !slices.Equal(s.Classes(), []string{"noise"}) {
		t.Fatalf("%d samples of %q", s.Len(), s.Classes())
	}
	i := slices.IndexFunc(s.rows, func(r int) bool { return strings.HasSuffix(s.where(r), ".png") })
	x, _ := row(t, s, i)
	for k, v := range want.CLIP {
		if math.Abs(float64(x[k])-v) > 1e-6 {
			t.Fatalf("value %d: %v, want %v", k, x[k], v)
		}
	}
}

// TestFolder reads classes of pictures of several kinds and sizes.
func TestFolder(t *testing.T) {
	dir := tree(t, map[string][]byte{
		"a/1.png": paint(t, 6, 4, red, asPNG), "a/sub/2.BMP": paint(t, 8, 8, red, asBMP), "b/3.png": paint(t, 5, 9, green, asPNG),
		"b/.hidden.png": nil, "b/readme.txt": []byte("x"), ".git/x.png": nil,
	})
	s := open(t, dir, Options{Inputs: []runtime.ValueInfo{input("x", tensor.Uint8, -1, 5, 5, 3)}})
	if s.Len() != 3 || !slices.Equal(s.Counts(), []int{2, 1}) {
		t.Fatalf("%d samples, %v", s.Len(), s.Counts())
	}
	sample, err := s.Sample(2)
	if err != nil {
		t.Fatal(err)
	}
	x := sample.Inputs["x"]
	if v := tensor.Of[uint8](x); !x.Shape().Equal(tensor.Shape{5, 5, 3}) || v[1] < 195 || v[2] != 20 || v[0] > 20 {
		t.Errorf("%v: first pixel %v", x.Shape(), v[:3])
	}
	if got := tensor.Of[int64](sample.Targets[0]); got[0] != 1 {
		t.Errorf("class %v", got)
	}
	if got := s.Place(1); got != dir+": "+filepath.Join("a", "sub", "2.BMP") {
		t.Errorf("place %q", got)
	}
	again := open(t, dir, Options{Like: s, Inputs: []runtime.ValueInfo{input("x", tensor.Uint8, -1, 5, 5, 3)}})
	a, _ := s.Key(0)
	b, _ := again.Key(0)
	if a != b || a == "" {
		t.Errorf("keys %q and %q of one sample", a, b)
	}
	other := open(t, dir, Options{Picture: PictureOptions{Filter: "nearest"}, Inputs: []runtime.ValueInfo{input("x", tensor.Uint8, -1, 5, 5, 3)}})
	if c, _ := other.Key(0); c == a {
		t.Error("one key for two filters")
	}
	flat := open(t, filepath.Join(dir, "a"), Options{Task: Unlabelled})
	if sample, err := flat.Sample(1); err != nil || flat.Len() != 2 || len(sample.Targets) != 0 {
		t.Errorf("without labels: %d samples, %v", flat.Len(), err)
	}
}

func TestClassOrder(t *testing.T) {
	for _, tc := range [][2][]string{
		{{"10", "9", "1"}, {"1", "9", "10"}}, {{"b", "a", "10"}, {"10", "a", "b"}},
	} {
		if got := classOrder(tc[0]); !slices.Equal(got, tc[1]) {
			t.Errorf("%q, want %q", got, tc[1])
		}
	}
}

func TestParts(t *testing.T) {
	for _, tc := range []struct {
		files      map[string][]byte
		train, val string
	}{
		{map[string][]byte{"train/a/1.png": nil, "valid/a/1.png": nil, "test/a/1.png": nil}, "train", "valid"},
		{map[string][]byte{"train.csv.gz": nil, "test.csv": nil, "train.txt.bak": nil}, "train.csv.gz", "test.csv"},
		{map[string][]byte{"Training/a/1.png": nil}, "Training", ""},
		{map[string][]byte{"cats/1.png": nil, "val/1.png": nil}, "", "val"},
	} {
		dir := tree(t, tc.files)
		train, val, ok := Parts(dir)
		below := func(name string) string {
			if name == "" {
				return ""
			}
			return filepath.Join(dir, name)
		}
		if train != below(tc.train) || val != below(tc.val) || ok != (tc.train != "") {
			t.Errorf("%q, %q, %v; want %q, %q", train, val, ok, tc.train, tc.val)
		}
	}
}

func TestFolderProblems(t *testing.T) {
	good := paint(t, 4, 4, red, asPNG)
	x := []runtime.ValueInfo{input("x", tensor.Float32, -1, 3, 4, 4)}
	for _, tc := range []struct {
		name  string
		files map[string][]byte
		o     Options
		want  []string
	}{
		{"empty class and file", map[string][]byte{"a/1.png": good, "b/x.txt": {1}, "c/2.png": nil}, Options{},
			[]string{"b: the class is empty", filepath.Join("c", "2.png") + ": the file is empty"}},
		{"parts", map[string][]byte{"train/a/1.png": good, "val/a/1.png": good}, Options{}, []string{"keeps parts apart: open train, and val"}},
		{"two kinds", map[string][]byte{"a/1.png": good, "b/1.wav": {1}}, Options{}, []string{"1 pictures and 1 sounds"}},
		{"unknown class", map[string][]byte{"a/1.png": good, "b/1.png": good}, Options{Classes: []string{"a"}}, []string{"b: the class is none of the 1 known ones"}},
		{"too many", map[string][]byte{"a/1.png": good, "b/1.png": good, "c/1.png": good}, Options{Outputs: 2}, []string{"3 folders of classes, the model tells 2 apart"}},
		{"broken", map[string][]byte{"a/1.png": good[:40], "b/1.png": good}, Options{}, []string{filepath.Join("a", "1.png")}},
		{"nothing", map[string][]byte{"x.doc": good}, Options{}, []string{"no samples"}},
		{"no labels", map[string][]byte{"x.png": good}, Options{}, []string{"no labels"}},
		{"size", map[string][]byte{"a/1.png": good}, Options{Picture: PictureOptions{Width: 5, Height: 5}}, []string{"pictures of 5 x 5 for an input of 4 x 4"}},
		{"sidecar", map[string][]byte{"a/1.png": good, "preprocessor_config.json": []byte(`{"size": 1e9}`)}, Options{}, []string{"preprocessor_config.json"}},
		{"list", map[string][]byte{"1.png": good, "metadata.csv": []byte("file_name,label\n1.png,u\n2.png,v\n")}, Options{}, []string{`line 3: no file "2.png"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.o.Inputs = x
			_, err := Open(tree(t, tc.files), tc.o)
			for _, part := range tc.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in: %v", part, err)
				}
			}
		})
	}
	late := open(t, tree(t, map[string][]byte{"a/1.png": good, "a/2.png": good[:len(good)-20], "a/3.png": []byte("no picture")}), Options{Inputs: x})
	err := late.Check(t.Context())
	for _, part := range []string{"2 problems", filepath.Join("a", "2.png") + ": ", filepath.Join("a", "3.png") + ": "} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %v", part, err)
		}
	}
	if _, err := late.Sample(2); err == nil || !strings.Contains(err.Error(), "3.png") {
		t.Errorf("sample: %v", err)
	}
}

// TestGuesses checks preprocessing that is found out.
func TestGuesses(t *testing.T) {
	dir := tree(t, map[string][]byte{"a/1.png": paint(t, 6, 4, red, asPNG)})
	with := func(text string) string {
		return tree(t, map[string][]byte{"a/1.png": paint(t, 6, 4, red, asPNG), sidecarName: []byte(text)})
	}
	nchw := func(c, h, w int) []runtime.ValueInfo {
		return []runtime.ValueInfo{input("x", tensor.Float32, -1, c, h, w)}
	}
	for _, tc := range []struct {
		dir    string
		inputs []runtime.ValueInfo
		o      PictureOptions
		want   string
		shape  tensor.Shape
	}{
		{dir, nchw(3, 224, 224), PictureOptions{}, "224 x 224, resized shortest side to 256, middle kept, rgb, nchw, scale 0.00392157, mean [0.485 0.456 0.406]", tensor.Shape{3, 224, 224}},
		{dir, nchw(3, 32, 32), PictureOptions{}, "32 x 32, resized stretch, rgb, nchw, scale 0.00392157, mean [], deviation []", tensor.Shape{3, 32, 32}},
		{dir, nchw(1, 28, 28), PictureOptions{}, "28 x 28, resized stretch, grey", tensor.Shape{1, 28, 28}},
		{dir, nchw(-1, -1, 3), PictureOptions{}, "224 x 224, resized stretch, rgb, nhwc", tensor.Shape{224, 224, 3}},
		{dir, nchw(-1, -1, -1), PictureOptions{Layout: "nhwc", Width: 5, Height: 3}, "5 x 3, resized stretch, rgb, nhwc", tensor.Shape{3, 5, 3}},
		{dir, nchw(3, -1, -1), PictureOptions{Resize: "none", Width: 7, Height: 7}, "7 x 7, resized none", tensor.Shape{3, 7, 7}},
		{dir, nchw(3, 8, 8), PictureOptions{Mean: []float64{127.5}, Std: []float64{127.5}, Scale: 1}, "scale 1, mean [127.5], deviation [127.5]", tensor.Shape{3, 8, 8}},
		{with(`{"size": 8, "do_normalize": false}`), nchw(3, 8, 8), PictureOptions{}, "8 x 8, resized stretch, rgb, nchw, scale 0.00392157, mean []", tensor.Shape{3, 8, 8}},
		{with(`{"size": 8, "do_center_crop": true, "crop_size": 6, "do_rescale": false}`), nchw(3, -1, -1), PictureOptions{}, "6 x 6, resized shortest side to 8, middle kept, rgb, nchw, scale 0, mean []", tensor.Shape{3, 6, 6}},
		{with(`{"size": {"shortest_edge": 7}, "crop_pct": 0.875, "do_flip_channel_order": true}`), nchw(3, -1, -1), PictureOptions{}, "7 x 7, resized shortest side to 8, middle kept, bgr", tensor.Shape{3, 7, 7}},
		{with(`{"size": {"height": 4, "width": 9}, "resample": 0}`), nchw(3, -1, -1), PictureOptions{}, "9 x 4, resized stretch", tensor.Shape{3, 4, 9}},
		{with(`{"sampling_rate": 16000}`), nchw(3, 8, 8), PictureOptions{}, "8 x 8, resized stretch", tensor.Shape{3, 8, 8}},
	} {
		s := open(t, tc.dir, Options{Inputs: tc.inputs, Picture: tc.o})
		if text := strings.Join(s.Describe(), "\n"); !strings.Contains(text, tc.want) {
			t.Errorf("%v: no %q in:\n%s", dims(&tc.inputs[0]), tc.want, text)
		}
		sample, err := s.Sample(0)
		if err != nil || !sample.Inputs["x"].Shape().Equal(tc.shape) {
			t.Errorf("%v: shape %v, want %v: %v", dims(&tc.inputs[0]), sample.Inputs["x"].Shape(), tc.shape, err)
		}
		again := open(t, dir, Options{Inputs: tc.inputs, Metadata: s.Settings(), Picture: PictureOptions{Layout: tc.o.Layout}})
		a, _ := row(t, s, 0)
		b, _ := row(t, again, 0)
		if !slices.Equal(a, b) {
			t.Errorf("%v: other values by the metadata %v", dims(&tc.inputs[0]), s.Settings())
		}
	}
}

// TestLists reads pictures that a table names, and pictures inside of a table.
func TestLists(t *testing.T) {
	a, b := paint(t, 4, 4, red, asPNG), paint(t, 4, 4, green, asPNG)
	type picture struct {
		Bytes []byte `parquet:"bytes"`
		Path  string `parquet:"path"`
	}
	type record struct {
		Image picture `parquet:"image"`
		Label int64   `parquet:"label"`
	}
	var packed bytes.Buffer
	w := parquet.NewGenericWriter[record](&packed, parquet.KeyValueMetadata("huggingface",
		`{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}`))
	if _, err := w.Write([]record{{picture{a, "1.png"}, 0}, {picture{b, "2.png"}, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	folder := map[string][]byte{"pics/1.png": a, "pics/2.png": b}
	folder["labels.csv"] = []byte("file,label\npics/1.png,0\npics/2.png,1\n")
	for path, classes := range map[string][]string{tree(t, folder): {"0", "1"}, file(t, "a.parquet", packed.Bytes()): {"cat", "dog"}} {
		s := open(t, path, Options{Inputs: []runtime.ValueInfo{input("x", tensor.Float32, -1, 3, 4, 4)}})
		x, y := row(t, s, 1)
		if s.Len() != 2 || !slices.Equal(s.Classes(), classes) || !slices.Equal(y, []float64{1}) || x[0] != float32(10.0/255) || x[16] != float32(200.0/255) {
			t.Errorf("%s: %d samples, class %v, %v\n%s", path, s.Len(), y, x[:17], strings.Join(s.Describe(), "\n"))
		}
	}
}

// TestViews checks what augmentation does to pictures, and that it is the same each time.
func TestViews(t *testing.T) {
	dir := tree(t, map[string][]byte{"a/1.png": paint(t, 16, 12, red, asPNG), "a/2.png": paint(t, 16, 12, red, asPNG), "a/3.png": paint(t, 16, 12, green, asPNG)})
	get := func(a Augment, i, view int) []uint8 {
		t.Helper()
		s := open(t, dir, Options{Augment: a, Inputs: []runtime.ValueInfo{input("x", tensor.Uint8, -1, 3, 12, 16)}})
		sample, err := s.View(i, view)
		if err != nil {
			t.Fatal(err)
		}
		return tensor.Of[uint8](sample.Inputs["x"])
	}
	plain := get(Augment{}, 0, 0)
	for name, a := range map[string]Augment{
		"crop": {Crop: 0.5}, "rotate": {Rotate: 30}, "brightness": {Brightness: 0.5}, "contrast": {Contrast: 0.5}, "saturation": {Saturation: 0.5},
	} {
		a.Views, a.Seed = 3, 9
		one, two := get(a, 0, 1), get(a, 0, 2)
		switch {
		case !slices.Equal(get(a, 0, 0), plain):
			t.Errorf("%s: view 0 is not the plain one", name)
		case slices.Equal(one, plain) || slices.Equal(one, two):
			t.Errorf("%s: the views are equal", name)
		case !slices.Equal(one, get(a, 0, 1)) || !slices.Equal(one, get(a, 1, 1)):
			t.Errorf("%s: views of one content differ", name)
		}
		a.Seed++
		if slices.Equal(one, get(a, 0, 1)) {
			t.Errorf("%s: equal views for two seeds", name)
		}
	}
	flips := 0
	for view := 1; view < 40; view++ {
		x := get(Augment{Views: 40, Flip: true}, 0, view)
		switch {
		case x[0] == plain[15] && x[15] == plain[0]:
			flips++
		case !slices.Equal(x, plain):
			t.Fatal("a flip is no mirror image")
		}
	}
	if flips < 8 || flips > 31 {
		t.Errorf("%d of 39 views are flipped", flips)
	}
}

// TestTurned: a quarter is exact, and counter-clockwise.
func TestTurned(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 3, 3))
	m.SetNRGBA(2, 0, color.NRGBA{255, 0, 0, 255})
	if got := turned(m, math.Pi/2); got.NRGBAAt(0, 0).R != 255 || got.NRGBAAt(2, 0).R != 0 {
		t.Errorf("the corner on the upper right went to %v", got.Pix)
	}
}

// TestColoured compares with Pillow's ImageEnhance: brightness 1.5, then contrast 0.5, then colour 1.25.
func TestColoured(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	copy(m.Pix, []byte{100, 50, 20, 255, 10, 200, 90, 255})
	got := coloured(m, 1.5, 0.5, 1.25)
	want := []byte{147, 101, 72, 255, 53, 203, 128, 255}
	for i, w := range want {
		if d := int(got.Pix[i]) - int(w); d < -2 || d > 2 {
			t.Errorf("%v, want %v within 2", got.Pix, want)
			break
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	m := image.NewNRGBA(image.Rect(0, 0, 500, 375))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7)
	}
	s := pipeline.PictureSettings{Resize: "shortest", Short: 256, Width: 224, Height: 224, Scale: 1.0 / 255, Mean: imageNetMean, Std: imageNetStd}
	for b.Loop() {
		if _, err := s.Tensor(m, tensor.Float32); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCSV(b *testing.B) {
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "%d", i%3)
		for k := range 42 {
			fmt.Fprintf(&text, ",%.16f", math.Sin(float64(i*42+k)))
		}
		text.WriteByte('\n')
	}
	path := filepath.Join(b.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Open(path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
