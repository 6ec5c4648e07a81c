// Package models holds the small models that this project made and owns, embedded in the binary: see
// index.md for how each was made and how well it does.
//
// It may import everything of the library; today that is pipeline and tensor.
package models

import (
	_ "embed" // the model and its picture are embedded
	"fmt"
	"image"
	"strings"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/tensor"
)

// Digits is the digit reader: input "image" [batch 1 28 28], output "probability" [batch 10].
//
//go:embed digits.onnx
var Digits []byte

// DigitsPicture is a PNG picture of a row of digits, which DigitsText writes out.
//
//go:embed digits.png
var DigitsPicture []byte

// DigitsText is what DigitsPicture shows.
const DigitsText = "3141592653"

// DigitsInput and DigitsOutput are the names of the digit reader's input and output.
const (
	DigitsInput  = "image"
	DigitsOutput = "probability"
)

// A Digit is one digit as the digit reader sees it.
type Digit struct {
	Value       int
	Probability float32
}

// DigitCells cuts a picture of a row of digits into square cells, one per digit, and returns them as the
// input of the digit reader. A picture that is higher than wide is one cell.
func DigitCells(img image.Image) *tensor.Tensor {
	const side = 28
	size := img.Bounds().Size()
	n := max(1, (size.X+size.Y/2)/max(1, size.Y))
	row := pipeline.Scale(img, n*side, side)
	x := make([]float32, n*side*side)
	for i := range x {
		cell, y, col := i/(side*side), i/side%side, i%side
		p := row.Pix[y*row.Stride+4*(cell*side+col):]
		x[i] = float32(pipeline.Luma(p[0], p[1], p[2])) / 255
	}
	return tensor.FromSlice(x, n, 1, side, side)
}

// ReadDigits takes the most probable digit of each row of the digit reader's output.
func ReadDigits(probability *tensor.Tensor) ([]Digit, error) {
	p, err := tensor.View[float32](probability)
	if err != nil {
		return nil, err
	}
	if s := probability.Shape(); len(s) != 2 || s[1] != 10 {
		return nil, fmt.Errorf("models: probabilities of shape %v, want [n 10]", []int(s))
	}
	list := make([]Digit, len(p)/10)
	for i := range list {
		for d, q := range p[10*i:][:10] {
			if q > list[i].Probability {
				list[i] = Digit{d, q}
			}
		}
	}
	return list, nil
}

// DigitsSentence says in words what was read and which digit was the least certain.
func DigitsSentence(list []Digit) string {
	if len(list) == 0 {
		return "the picture shows no digits"
	}
	var text strings.Builder
	least := list[0]
	for _, d := range list {
		fmt.Fprintf(&text, "%d", d.Value)
		if d.Probability < least.Probability {
			least = d
		}
	}
	return fmt.Sprintf("the picture shows the digits %s (least certain: the %d, %.1f %%)", text.String(), least.Value, 100*least.Probability)
}
