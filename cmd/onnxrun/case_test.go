package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// writeCase makes a case of the embedded model on its picture; off is added to the first expected value.
func writeCase(t *testing.T, dir, set string, off float32) {
	t.Helper()
	img, err := pipeline.DecodeImage(models.DigitsPicture)
	if err != nil {
		t.Fatal(err)
	}
	s, err := runtime.OpenBytes(models.Digits, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x := models.DigitCells(img)
	out, err := s.Run(context.Background(), map[string]*tensor.Tensor{models.DigitsInput: x})
	if err != nil {
		t.Fatal(err)
	}
	y := out[models.DigitsOutput]
	tensor.Of[float32](y)[0] += off
	for name, data := range map[string][]byte{
		filepath.Join(dir, "model.onnx"):  models.Digits,
		filepath.Join(set, "input_0.pb"):  tensor.EncodeValue("", x),
		filepath.Join(set, "output_0.pb"): tensor.EncodeValue("", y),
	} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
