package tensor_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// A typed view shares the elements of the tensor.
func ExampleOf() {
	t := tensor.New(tensor.Float32, 2, 2)
	tensor.Of[float32](t)[3] = 1.5
	fmt.Println(t.DType(), t.Shape(), tensor.Of[float32](t), tensor.Of[int64](t) == nil)
	// Output: float32 [2 2] [0 0 0 1.5] true
}

// Values are read from JSON and written to it.
func ExampleReadJSON() {
	t, err := tensor.ReadJSON(strings.NewReader("[[1, 2, 3], [4, 5, 6]]"), tensor.Uint4)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.DType(), t.Shape(), t.Bytes())
	if err := tensor.WriteJSON(os.Stdout, t); err != nil {
		fmt.Println(err)
	}
	// Output:
	// uint4 [2 3] [33 67 101]
	// [[1, 2, 3], [4, 5, 6]]
}

// Any element type can be looked at as float64.
func ExampleFloat64s() {
	t, err := tensor.FromFloat64s(tensor.Float8E4M3FN, tensor.Shape{3}, []float64{1, 0.3, 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tensor.Float64s(t, 3))
	// Output: [1 0.3125 448]
}
