package ops_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"testing"

	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestImageDecoder covers what is no picture in any format; pixels are compared in internal/conform.
func TestImageDecoder(t *testing.T) {
	var dot bytes.Buffer
	if err := png.Encode(&dot, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	tiny := fmt.Appendf(nil, "P5 %d %d 255\n", 100000, 100000) // ten thousand million pixels
	op := ops.Default().Find("", "ImageDecoder", 20)
	for _, tc := range []struct {
		name, format string
		file         []byte
		want         tensor.Shape // nil: an error
	}{
		{"whole", "RGB", dot.Bytes(), tensor.Shape{2, 3, 3}},
		{"grey", "Grayscale", dot.Bytes(), tensor.Shape{2, 3, 1}},
		{"cut", "BGR", dot.Bytes()[:dot.Len()-20], tensor.Shape{0, 0, 3}},
		{"empty", "Grayscale", nil, tensor.Shape{0, 0, 1}},
		{"claims too much", "RGB", tiny, tensor.Shape{0, 0, 3}},
		{"no such format", "YUV", dot.Bytes(), nil},
		{"JPEG 2000", "RGB", []byte("\xff\x4f\xff\x51\x00\x29"), nil},
	} {
		attrs := ops.Attrs{ops.DefaultAttr("pixel_format", tc.format)}
		out, err := op.Eval(attrs, 1, tensor.FromSlice(tc.file, len(tc.file)))
		if tc.want == nil {
			if err == nil {
				t.Errorf("%s: no error", tc.name)
			}
			continue
		}
		if err != nil || !out[0].Shape().Equal(tc.want) {
			t.Errorf("%s: %v %v, want %v", tc.name, out, err, tc.want)
		}
	}
	var missing *ops.UnsupportedError
	_, err := op.Eval(ops.Attrs{ops.DefaultAttr("pixel_format", "RGB")}, 1, tensor.FromSlice([]byte("\xff\x4f\xff\x51"), 4))
	if !errors.As(err, &missing) {
		t.Errorf("JPEG 2000: %v, want an UnsupportedError", err)
	}
}
