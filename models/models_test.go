package models

import (
	"crypto/sha256"
	"encoding/hex"
	"image/color"
	"os"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/tensor"
)

func TestIndex(t *testing.T) {
	index, err := os.ReadFile("index.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(Digits)
	if !strings.Contains(string(index), hex.EncodeToString(sum[:])) {
		t.Errorf("index.md does not hold the hash %x of digits.onnx", sum)
	}
	if len(Digits) > 300<<10 {
		t.Errorf("digits.onnx has %d bytes", len(Digits))
	}
}

func TestDigitCells(t *testing.T) {
	img, err := pipeline.DecodeImage(DigitsPicture)
	if err != nil {
		t.Fatal(err)
	}
	x := DigitCells(img)
	if got, want := x.Shape(), (tensor.Shape{len(DigitsText), 1, 28, 28}); !got.Equal(want) {
		t.Fatalf("shape %v, want %v", got, want)
	}
	v := tensor.Of[float32](x)
	for _, at := range [][3]int{{0, 0, 0}, {3, 14, 9}, {9, 27, 27}} {
		cell, row, col := at[0], at[1], at[2]
		want := float32(color.GrayModel.Convert(img.At(cell*28+col, row)).(color.Gray).Y) / 255
		if got := v[(cell*28+row)*28+col]; got != want {
			t.Errorf("cell %d row %d column %d: %v, want %v", cell, row, col, got, want)
		}
	}
}

func TestReadDigits(t *testing.T) {
	p := make([]float32, 20)
	p[7], p[12] = 0.9, 0.6
	list, err := ReadDigits(tensor.FromSlice(p, 2, 10))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := DigitsSentence(list), "the picture shows the digits 72 (least certain: the 2, 60.0 %)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := ReadDigits(tensor.FromSlice(p, 4, 5)); err == nil {
		t.Error("a wrong shape was accepted")
	}
}
