package onnxrun_test

import (
	"context"
	"fmt"
	"log"

	"github.com/onnxrun/onnxrun"
)

func Example() {
	s, err := onnxrun.Open("models/digits.onnx", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	pixels := make([]float32, 2*28*28) // two grey pictures of 28 x 28, all black
	x := onnxrun.FromSlice(pixels, 2, 1, 28, 28)
	out, err := s.Run(context.Background(), map[string]*onnxrun.Tensor{"image": x})
	if err != nil {
		log.Fatal(err)
	}
	y := out["probability"]
	fmt.Println(y.DType(), y.Shape(), len(onnxrun.Of[float32](y)))
	// Output: float32 [2 10] 20
}
