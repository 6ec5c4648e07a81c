package onnxrun_test

import (
	"context"
	"fmt"
	"log"
	"os"

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

// A folder keeps packed weights for the next start.
func ExampleOptions() {
	dir, err := os.MkdirTemp("", "packed")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for range 2 {
		s, err := onnxrun.Open("models/digits.onnx", &onnxrun.Options{Cache: dir})
		if err != nil {
			log.Fatal(err)
		}
		info := s.Cache()
		fmt.Println(info.Loaded > 0, info.Packed > 0, info.Err)
		s.Close()
	}
	// Output:
	// false true <nil>
	// true false <nil>
}
