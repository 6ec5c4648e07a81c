package onnxgo_test

import (
	"fmt"
	"log"
	"os"

	onnx "github.com/owulveryck/onnx-go"
	"gorgonia.org/tensor"

	gorgonnx "github.com/onnxrun/onnxrun/adapters/onnxgo" // was github.com/owulveryck/onnx-go/backend/x/gorgonnx
)

func ExampleNewGraph() {
	backend := gorgonnx.NewGraph()
	model := onnx.NewModel(backend)
	b, err := os.ReadFile("../../models/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	if err := model.UnmarshalBinary(b); err != nil {
		log.Fatal(err)
	}
	picture := tensor.New(tensor.WithShape(1, 1, 28, 28), tensor.Of(tensor.Float32)) // all black
	if err := model.SetInput(0, picture); err != nil {
		log.Fatal(err)
	}
	if err := backend.Run(); err != nil {
		log.Fatal(err)
	}
	output, err := model.GetOutputTensors()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(output[0].Dtype(), output[0].Shape())
	// Output: float32 (1, 10)
}
