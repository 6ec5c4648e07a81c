package pipeline

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

func TestLayoutOf(t *testing.T) {
	for _, tc := range []struct {
		dims           []int
		channel, row   int
		channels, high int
		bad            bool
	}{
		{dims: []int{1, 3, 224, 200}, channel: 1, row: 2, channels: 3, high: 224},
		{dims: []int{-1, 64, 32, 3}, channel: 3, row: 1, channels: 3, high: 64},
		{dims: []int{-1, -1, -1, -1}, channel: 1, row: 2, channels: -1, high: -1},
		{dims: []int{3, 8, 8}, channel: 0, row: 1, channels: 3, high: 8},
		{dims: []int{8, 9}, channel: -1, row: 0, channels: 1, high: 8},
		{dims: []int{1, 10}, channel: -1, row: 0, channels: 1, high: 1},
		{dims: []int{2, 3, 8, 8}, bad: true},
		{dims: []int{1, 7, 8, 9}, bad: true},
		{dims: []int{5}, bad: true},
	} {
		l, err := LayoutOf(tc.dims)
		if tc.bad != (err != nil) {
			t.Errorf("%v: error %v", tc.dims, err)
		}
		if err == nil && (l.Channel != tc.channel || l.Row != tc.row || l.Channels != tc.channels || l.Height != tc.high) {
			t.Errorf("%v: %+v", tc.dims, l)
		}
	}
}

func TestImageTensor(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	img.SetNRGBA(0, 0, color.NRGBA{255, 0, 51, 255})
	img.SetNRGBA(1, 0, color.NRGBA{0, 102, 0, 255})
	for _, tc := range []struct {
		dims []int
		want []float32
	}{
		{[]int{1, 3, 1, 2}, []float32{1, 0, 0, 0.4, 0.2, 0}},
		{[]int{-1, -1, -1, 3}, []float32{1, 0, 0.2, 0, 0.4, 0}},
		{[]int{1, 2}, []float32{float32(Luma(255, 0, 51)) / 255, float32(Luma(0, 102, 0)) / 255}},
	} {
		x, err := ImageTensor(img, tc.dims, tensor.Float32)
		if err != nil {
			t.Fatal(err)
		}
		if got := tensor.Of[float32](x); !slices.Equal(got, tc.want) {
			t.Errorf("%v: %v, want %v", tc.dims, got, tc.want)
		}
	}
	if _, err := ImageTensor(img, []int{1, 3, 1, 2}, tensor.Int64); err == nil {
		t.Error("a picture became int64")
	}
}

func TestDecodeWAV(t *testing.T) {
	wav := func(code uint16, bits int, channels uint16, body ...byte) []byte {
		le := binary.LittleEndian
		b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt "), 16, 0, 0, 0)
		b = le.AppendUint16(le.AppendUint16(b, code), channels)
		b = le.AppendUint32(le.AppendUint32(b, 16000), 0)
		b = le.AppendUint16(le.AppendUint16(b, 0), uint16(bits))
		b = le.AppendUint32(append(b, "data"...), uint32(len(body)))
		return append(b, body...)
	}
	half := binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5))
	for _, tc := range []struct {
		data []byte
		want []float32
	}{
		{wav(1, 16, 1, 0, 0x40, 0, 0x80), []float32{0.5, -1}},
		{wav(1, 16, 2, 0, 0x40, 0, 0), []float32{0.25}},
		{wav(1, 24, 1, 0, 0, 0xC0), []float32{-0.5}},
		{wav(1, 8, 1, 0, 192), []float32{-1, 0.5}},
		{wav(3, 32, 1, half...), []float32{0.5}},
	} {
		s, err := DecodeWAV(tc.data)
		if err != nil {
			t.Fatal(err)
		}
		if s.Rate != 16000 || !slices.Equal(s.Samples, tc.want) {
			t.Errorf("got %d %v, want %v", s.Rate, s.Samples, tc.want)
		}
	}
	full := wav(1, 16, 1, 1, 2)
	for n := range len(full) - 2 {
		if s, err := DecodeWAV(full[:n]); err == nil && len(s.Samples) > 0 {
			t.Errorf("%d of %d bytes gave samples", n, len(full))
		}
	}
}

func FuzzDecodeWAV(f *testing.F) {
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x00\x00\x00\x02\x00\x10\x00data\x02\x00\x00\x00\x01\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := DecodeWAV(data); err == nil && len(s.Samples) > len(data) {
			t.Errorf("%d samples from %d bytes", len(s.Samples), len(data))
		}
	})
}
