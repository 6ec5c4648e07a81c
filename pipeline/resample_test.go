package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// noise is the picture of testdata/_recipe.
func noise(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		for c := range 3 {
			m.Pix[4*i+c] = byte(uint32(3*i+c) * 2654435761 >> 24)
		}
		m.Pix[4*i+3] = 255
	}
	return m
}

func rgb(m *image.NRGBA) []byte {
	var out []byte
	for i := 0; i < len(m.Pix); i += 4 {
		out = append(out, m.Pix[i:i+3]...)
	}
	return out
}

// TestResample compares every byte with Pillow's.
func TestResample(t *testing.T) {
	var cases []struct {
		Filter string
		Size   [2]int
		Box    [4]float64
		Head   []int
		SHA256 string
	}
	readJSON(t, "testdata/resample.json", &cases)
	src := noise(23, 17)
	for _, tc := range cases {
		got, err := Resample(src, Box{tc.Box[0], tc.Box[1], tc.Box[2], tc.Box[3]}, tc.Size[0], tc.Size[1], tc.Filter)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(rgb(got))
		if hex.EncodeToString(sum[:]) != tc.SHA256 {
			t.Errorf("%s to %v of %v: %v, want %v", tc.Filter, tc.Size, tc.Box, rgb(got)[:12], tc.Head)
		}
	}
	for _, bad := range []struct {
		box    Box
		w, h   int
		filter string
	}{
		{Box{0, 0, 23, 17}, 0, 4, "box"}, {Box{0, 0, 24, 17}, 4, 4, "box"}, {Box{3, 0, 3, 17}, 4, 4, "box"}, {Box{0, 0, 23, 17}, 4, 4, "soft"},
		{Box{0, 0, math.NaN(), 17}, 4, 4, "box"}, {Box{0, 0, 23, 17}, 1 << 30, 1, "box"},
	} {
		if _, err := Resample(src, bad.box, bad.w, bad.h, bad.filter); err == nil {
			t.Errorf("no error for %+v", bad)
		}
	}
}

// TestResampleSound compares with PyTorch.
func TestResampleSound(t *testing.T) {
	var cases []struct {
		From, To int
		Y        []float64
	}
	readJSON(t, "testdata/sound.json", &cases)
	x := make([]float32, 40)
	for i := range x {
		x[i] = float32(math.Sin(0.3*float64(i)) + 0.5*math.Cos(1.1*float64(i)))
	}
	for _, tc := range cases {
		y, err := ResampleSound(x, tc.From, tc.To)
		if err != nil || len(y) != len(tc.Y) {
			t.Fatalf("%d to %d: %d samples, want %d: %v", tc.From, tc.To, len(y), len(tc.Y), err)
		}
		for i, v := range y {
			if math.Abs(float64(v)-tc.Y[i]) > 1e-6 {
				t.Errorf("%d to %d: sample %d: %v, want %v", tc.From, tc.To, i, v, tc.Y[i])
				break
			}
		}
	}
	for _, bad := range [][2]int{{0, 1}, {1, -1}, {1<<31 - 1, 48000}} {
		if _, err := ResampleSound(x, bad[0], bad[1]); err == nil {
			t.Errorf("no error for rates %v", bad)
		}
	}
}

// TestPictureSettings compares sizes and middles with what Hugging Face's image processors do: the longer side is
// rounded down, the middle begins at half of the difference rounded down.
func TestPictureSettings(t *testing.T) {
	src := noise(23, 17)
	nchw := Layout{Rank: 4, Channel: 1, Row: 2, Column: 3, Channels: 3, Height: -1, Wide: -1}
	for _, tc := range []struct {
		name  string
		s     PictureSettings
		shape tensor.Shape
	}{
		{"as it is", PictureSettings{Layout: nchw}, tensor.Shape{3, 17, 23}},
		{"stretch", PictureSettings{Layout: nchw, Resize: "stretch", Width: 8, Height: 4}, tensor.Shape{3, 4, 8}},
		{"shortest", PictureSettings{Layout: nchw, Resize: "shortest", Short: 10}, tensor.Shape{3, 10, 13}},
		{"shortest and middle", PictureSettings{Layout: nchw, Resize: "shortest", Short: 10, Width: 8, Height: 8}, tensor.Shape{3, 8, 8}},
		{"the model's size", PictureSettings{Layout: Layout{Rank: 3, Channel: 2, Row: 0, Column: 1, Channels: 1, Height: 6, Wide: 5}}, tensor.Shape{6, 5, 1}},
	} {
		x, err := tc.s.Tensor(src, tensor.Float32)
		if err != nil || !x.Shape().Equal(tc.shape) {
			t.Errorf("%s: %v, %v, want %v", tc.name, x.Shape(), err, tc.shape)
		}
	}
	cut := PictureSettings{Layout: nchw, Width: 20, Height: 20}
	m, err := cut.Fit(src)
	if err != nil {
		t.Fatal(err)
	}
	if m.NRGBAAt(0, 1).A != 255 || m.NRGBAAt(0, 1).R != 0 || m.NRGBAAt(0, 2) != src.NRGBAAt(1, 0) || m.NRGBAAt(19, 18) != src.NRGBAAt(20, 16) {
		t.Errorf("middle of 20 x 20 of a picture of 23 x 17: corner %v", m.NRGBAAt(0, 2))
	}
	norm := PictureSettings{Layout: nchw, Scale: 1.0 / 255, Mean: []float64{0.5, 0.25, 0}, Std: []float64{0.5, 1, 2}, BGR: true}
	x, err := norm.Tensor(src, tensor.Float32)
	if err != nil {
		t.Fatal(err)
	}
	p, v := src.NRGBAAt(2, 0), tensor.Of[float32](x)
	for c, want := range []float64{(float64(p.B)/255 - 0.5) / 0.5, float64(p.G)/255 - 0.25, float64(p.R) / 255 / 2} {
		if got := v[c*17*23+2]; math.Abs(float64(got)-want) > 1e-7 {
			t.Errorf("channel %d: %v, want %v", c, got, want)
		}
	}
	for _, bad := range []PictureSettings{
		{Layout: nchw, Std: []float64{1, 0, 1}}, {Layout: nchw, Mean: []float64{1, 2}}, {Layout: nchw, Mean: []float64{math.NaN()}},
		{Layout: nchw, Resize: "stretch", Width: 1 << 30, Height: 1 << 30}, {Layout: nchw, Resize: "shortest"},
	} {
		if _, err := bad.Tensor(src, tensor.Float32); err == nil {
			t.Errorf("no error for %+v", bad)
		}
	}
}

// TestSettingsTexts writes settings and reads them again.
func TestSettingsTexts(t *testing.T) {
	want := PictureSettings{Resize: "shortest", Filter: "bicubic", Short: 256, Width: 224, Height: 200, Scale: 1.0 / 255, Mean: []float64{0.485}, Std: []float64{0.1, 0.2, 0.3}, BGR: true}
	got, ok, err := PictureFromSettings(want.Settings())
	if err != nil || !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, %v; want %+v", got, ok, err, want)
	}
	if _, ok, err := PictureFromSettings(nil); ok || err != nil {
		t.Errorf("of nothing: %v, %v", ok, err)
	}
	for _, key := range []string{"size", "scale", "mean", "short"} {
		texts := want.Settings()
		texts[SettingPrefix+key] = "soft"
		if _, _, err := PictureFromSettings(texts); err == nil {
			t.Errorf("%s: no error", key)
		}
	}
	sound, ok, err := SoundFromSettings((&SoundSettings{16000, 8000, true}).Settings())
	if err != nil || !ok || sound != (SoundSettings{16000, 8000, true}) {
		t.Errorf("%+v, %v, %v", sound, ok, err)
	}
}

func TestSoundSettings(t *testing.T) {
	for _, tc := range []struct {
		s    SoundSettings
		want []float32
	}{
		{SoundSettings{}, []float32{1, 2, 3}}, {SoundSettings{Length: 2}, []float32{1, 2}}, {SoundSettings{Rate: 8, Length: 4}, []float32{1, 2, 3, 0}},
		{SoundSettings{Length: 4, Normalise: true}, []float32{-1.2247448, 0, 1.2247448, 0}}, // numpy: (x - mean) / sqrt(var + 1e-7)
	} {
		got, err := tc.s.Samples(&Sound{8, []float32{1, 2, 3}})
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%+v: %v, %v, want %v", tc.s, got, err, tc.want)
		}
	}
}

// TestScaleKeeps: a picture of its own size stays as it is.
func TestScaleKeeps(t *testing.T) {
	if src := noise(5, 4); !bytes.Equal(Scale(src, 5, 4).Pix, src.Pix) {
		t.Error("the pixels changed")
	}
}
