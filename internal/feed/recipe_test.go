package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

func TestSplitmix(t *testing.T) {
	for i, want := range []uint64{0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4} {
		if got := splitmix(0, uint64(i)); got != want {
			t.Errorf("element %d: %X, want %X", i, got, want)
		}
	}
}

func ptr(i int64) *int64 { return &i }

// TestGeneratedBytes holds hashes of the little-endian bytes that the Python form of the recipe makes.
func TestGeneratedBytes(t *testing.T) {
	for _, tc := range goldenRecipes {
		x, err := tc.r.Tensor()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(x.Bytes())
		if got := hex.EncodeToString(sum[:8]); got != tc.sum {
			t.Errorf("%s %s: hash %s, want %s", tc.r.Dist, tc.r.DType, got, tc.sum)
		}
	}
}

func TestListedContents(t *testing.T) {
	for _, tc := range []struct {
		r    Recipe
		want []float32
	}{
		{Recipe{Dist: "const", Value: "nan"}, []float32{float32(math.NaN()), float32(math.NaN()), float32(math.NaN())}},
		{Recipe{Dist: "list", Values: []any{1.5, "-inf", 2.0}}, []float32{1.5, float32(math.Inf(-1)), 2}},
		{Recipe{Dist: "rle", RawRun: []byte(`[[0.25,2],[3,1]]`)}, []float32{0.25, 0.25, 3}},
		{Recipe{Dist: "arange", Start: -1, Step: 2}, []float32{-1, 1, 3}},
	} {
		tc.r.DType, tc.r.Shape = "float32", []int{3}
		x, err := tc.r.Tensor()
		if err != nil {
			t.Fatal(err)
		}
		same := func(a, b float32) bool { return a == b || a != a && b != b }
		if got := tensor.Of[float32](x); !slices.EqualFunc(got, tc.want, same) {
			t.Errorf("%s: %v, want %v", tc.r.Dist, got, tc.want)
		}
	}
	big := Recipe{Dist: "const", DType: "int64", Shape: []int{1}, Value: "9223372036854775807"}
	if x, err := big.Tensor(); err != nil || tensor.Of[int64](x)[0] != math.MaxInt64 {
		t.Errorf("int64 from a string: %v %v", x, err)
	}
}

func TestBadRecipes(t *testing.T) {
	for _, r := range []Recipe{
		{DType: "float31", Dist: "const", Value: 1.0},
		{DType: "float32", Shape: []int{-1}, Dist: "const", Value: 1.0},
		{DType: "float32", Shape: []int{math.MaxInt, 8}, Dist: "const", Value: 1.0},
		{DType: "float32", Shape: []int{2}, Dist: "list", Values: []any{1.0}},
		{DType: "float32", Shape: []int{2}, Dist: "rle", RawRun: []byte(`[[1,3]]`)},
		{DType: "float32", Shape: []int{2}, Dist: "rle", RawRun: []byte(`[[1]]`)},
		{DType: "float32", Shape: []int{2}, Dist: "rle"},
		{DType: "float32", Shape: []int{3}, Dist: "normal", Seed: "1", Center: 2},
		{DType: "float32", Shape: []int{3}, Dist: "normal", Seed: "-1"},
		{DType: "float32", Shape: []int{3}, Dist: "gamma", Seed: "1"},
		{DType: "float32", Shape: []int{1}, Dist: "const", Value: "x"},
		{DType: "string", Shape: []int{1}, Dist: "strings", Values: []any{1.0}},
		{DType: "complex64", Shape: []int{1}, Dist: "const", Value: 1.0},
	} {
		if _, err := r.Tensor(); err == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
}

// goldenRecipes were made by the Python form of the recipe.
var goldenRecipes = []struct {
	r   Recipe
	sum string
}{
	{Recipe{Dist: "normal", DType: "float32", Shape: []int{3, 7000, 48}, Seed: "14123063380360262059", Scale: 4.03099045e-06, Mean: 0.0109986421}, "0767a67abb00eaa8"},
	{Recipe{Dist: "normal", DType: "float32", Shape: []int{3000, 48}, Seed: "5", Scale: 4.03099045e-06, Mean: -0.3, Center: 48}, "c659622bb8c6096b"},
	{Recipe{Dist: "normal", DType: "float16", Shape: []int{1000}, Seed: "18446744073709551615", Scale: 1e-10, Mean: 0.0}, "675e96e1d6c3178f"},
	{Recipe{Dist: "normal", DType: "bfloat16", Shape: []int{1000}, Seed: "7", Scale: 2.1e-06, Mean: 0.1}, "5851b4548ef03bc8"},
	{Recipe{Dist: "normal", DType: "int8", Shape: []int{1000}, Seed: "7", Scale: 0.00081, Mean: 0.1, Lo: ptr(-127), Hi: ptr(100)}, "3903c420a7a76f22"},
	{Recipe{Dist: "uniform", DType: "float64", Shape: []int{1000}, Seed: "99", LoF: -0.7, Width: 1.9}, "5ead104e4d648194"},
	{Recipe{Dist: "uniform", DType: "float32", Shape: []int{100000}, Seed: "99", LoF: -0.7, Width: 1.9}, "89183da609a5c641"},
	{Recipe{Dist: "uniform", DType: "uint8", Shape: []int{1000}, Seed: "99", LoF: -0.7, Width: 199.3, Lo: ptr(3), Hi: ptr(180)}, "4b425820514c1049"},
	{Recipe{Dist: "randint", DType: "int64", Shape: []int{1000}, Seed: "11", Lo: ptr(-3), N: 30522}, "d2503ec1c0392570"},
	{Recipe{Dist: "randint", DType: "bool", Shape: []int{1000}, Seed: "11", Lo: ptr(0), N: 2}, "162aef5fa3c43355"},
}
