package data

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// wav returns a file of 16-bit samples.
func wav(rate int, samples ...int16) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt "), 16, 0, 0, 0, 1, 0, 1, 0)
	b = le.AppendUint32(le.AppendUint32(b, uint32(rate)), uint32(2*rate))
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	b = le.AppendUint32(append(b, "data"...), uint32(2*len(samples)))
	for _, s := range samples {
		b = le.AppendUint16(b, uint16(s))
	}
	return b
}

func TestSounds(t *testing.T) {
	files := map[string][]byte{
		"no/1.wav": wav(8, 16384, -16384, 8192), "yes/1.wav": wav(8, 16384), "yes/2.WAV": wav(16, 0, 100, 0, -100, 0, 100, 0, -100),
	}
	for _, tc := range []struct {
		name   string
		inputs []runtime.ValueInfo
		o      SoundOptions
		side   string
		want   [2][]float32 // the first two samples
		shape  tensor.Shape
	}{
		{"length of the first", nil, SoundOptions{}, "", [2][]float32{{0.5, -0.5, 0.25}, {0.5, 0, 0}}, tensor.Shape{3}},
		{"length of the model", []runtime.ValueInfo{input("x", tensor.Float32, -1, 1, 2)}, SoundOptions{}, "", [2][]float32{{0.5, -0.5}, {0.5, 0}}, tensor.Shape{1, 2}},
		{"asked for", []runtime.ValueInfo{input("x", tensor.Float32, -1, -1)}, SoundOptions{Length: 4}, "", [2][]float32{{0.5, -0.5, 0.25, 0}, {0.5, 0, 0, 0}}, tensor.Shape{4}},
		{"sidecar", nil, SoundOptions{Length: 3}, `{"sampling_rate": 8, "do_normalize": true}`,
			// numpy: (x - mean) / sqrt(var + 1e-7) of 0.5, -0.5, 0.25; and of the one sample, padded later
			[2][]float32{{0.98058063, -1.3728129, 0.39223224}, {0, 0, 0}}, tensor.Shape{3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if delete(files, sidecarName); tc.side != "" {
				files[sidecarName] = []byte(tc.side)
			}
			dir := tree(t, files)
			s := open(t, dir, Options{Inputs: tc.inputs, Sound: tc.o})
			if s.Len() != 3 || !slices.Equal(s.Classes(), []string{"no", "yes"}) {
				t.Fatalf("%d samples of %q", s.Len(), s.Classes())
			}
			for i, want := range tc.want {
				x, y := row(t, s, i)
				for k := range want {
					if math.Abs(float64(x[k]-want[k])) > 1e-6 {
						t.Errorf("sample %d: %v, want %v", i, x, want)
						break
					}
				}
				if y[0] != float64(i) {
					t.Errorf("sample %d: class %v", i, y)
				}
			}
			sample, err := s.Sample(2) // at another rate
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range sample.Inputs {
				if !x.Shape().Equal(tc.shape) {
					t.Errorf("shape %v, want %v", x.Shape(), tc.shape)
				}
			}
			again := open(t, dir, Options{Inputs: tc.inputs, Metadata: s.Settings()})
			a, _ := row(t, s, 0)
			b, _ := row(t, again, 0)
			if !slices.Equal(a, b) {
				t.Errorf("by the metadata %v: %v, want %v", s.Settings(), b, a)
			}
		})
	}
}

func TestSoundProblems(t *testing.T) {
	for name, tc := range map[string]struct {
		data   []byte
		inputs []runtime.ValueInfo
		want   string
	}{
		"no sound":     {[]byte("RIFFxxxx"), nil, "1.wav: pipeline: sound: no RIFF WAVE header"},
		"rate of 0":    {wav(0, 1, 2), nil, "0 samples per second"},
		"no samples":   {wav(8), nil, "sounds of 0 samples"},
		"wrong length": {wav(8, 1), []runtime.ValueInfo{input("x", tensor.Float32, -1, 0, 3)}, "sounds are handed over as samples"},
	} {
		_, err := Open(tree(t, map[string][]byte{"a/1.wav": tc.data}), Options{Inputs: tc.inputs})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// TestSoundViews checks shift and gain.
func TestSoundViews(t *testing.T) {
	samples := make([]int16, 1000)
	samples[500] = 8192
	s := open(t, tree(t, map[string][]byte{"a/1.wav": wav(8000, samples...)}), Options{Augment: Augment{Views: 50, Shift: 0.1, Gain: 6}})
	places, loud := map[int]bool{}, map[float32]bool{}
	for view := 1; view < 50; view++ {
		sample, err := s.View(0, view)
		if err != nil {
			t.Fatal(err)
		}
		x := tensor.Of[float32](sample.Inputs[""])
		at := slices.IndexFunc(x, func(v float32) bool { return v != 0 })
		if at < 400 || at > 600 || x[at] < 0.25*0.5 || x[at] > 0.25*2 {
			t.Errorf("view %d: %v at %d", view, x[at], at)
		}
		places[at], loud[x[at]] = true, true
	}
	if len(places) < 20 || len(loud) < 45 {
		t.Errorf("%d places and %d gains in 49 views", len(places), len(loud))
	}
}
