package tensor_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

func TestJSON(t *testing.T) {
	cases := []struct {
		in    string
		dtype tensor.DType
		want  string // kind, dtype, shape, and the value written again
	}{
		{"[[1, 2], [3, 4]]", tensor.Undefined, "tensor int64 [2 2] [[1, 2], [3, 4]]"},
		{"[[1, 2], [3, 4]]", tensor.Int4, "tensor int4 [2 2] [[1, 2], [3, 4]]"},
		{"[1, 2.5, null]", tensor.Undefined, "tensor float32 [3] [1, 2.5, null]"},
		{"0.1", tensor.Float64, "tensor float64 [] 0.1"},
		{"[0.1]", tensor.Float32, "tensor float32 [1] [0.1]"},
		{"[true, false]", tensor.Undefined, "tensor bool [2] [true, false]"},
		{"[[\"a\"], [\"b\\n\"]]", tensor.Undefined, "tensor string [2 1] [[\"a\"], [\"b\\n\"]]"},
		{"[[], []]", tensor.Undefined, "tensor float32 [2 0] [[], []]"},
		{"[9007199254740993, -9223372036854775808]", tensor.Int64, "tensor int64 [2] [9007199254740993, -9223372036854775808]"},
		{"[18446744073709551615]", tensor.Uint64, "tensor uint64 [1] [18446744073709551615]"},
		{"[2.0]", tensor.Int64, "tensor int64 [1] [2]"},
		{"[1, -0.5]", tensor.Float8E5M2, "tensor float8e5m2 [2] [1, -0.5]"},
		{"[1, 3]", tensor.Float16, "tensor float16 [2] [1, 3]"},
		{`{"b": [1], "a": [2]}`, tensor.Undefined, `map int64 [] {"a": [2], "b": [1]}`},
		{`[{"a": 1}, {"a": 2}]`, tensor.Float32, `sequence float32 [] [{"a": 1}, {"a": 2}]`},
	}
	for _, c := range cases {
		v, err := tensor.ReadJSON(strings.NewReader(c.in), c.dtype)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		var out bytes.Buffer
		shape := v.Shape()
		if shape == nil {
			shape = tensor.Shape{}
		}
		if err := tensor.WriteJSON(&out, v); err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
		if got := v.Kind().String() + " " + v.DType().String() + " " + strings.TrimPrefix(sprint(shape), "tensor.Shape") + " " + out.String(); got != c.want {
			t.Errorf("%s as %v:\n got %s\nwant %s", c.in, c.dtype, got, c.want)
		}
	}
}

func TestBadJSON(t *testing.T) {
	for in, d := range map[string]tensor.DType{
		"[1, [2]]": 0, "[[1], [2, 3]]": 0, "[[1], 2]": 0, "[[], [[]]]": 0, "[\"a\", 1]": 0, "[1": 0, "1 2": 0, "": 0,
		"[\"a\"]": tensor.Float32, "[1.5]": tensor.Int64, "[300]": tensor.Uint8, "[-1]": tensor.Uint64, "[8]": tensor.Int4,
		"[1e400]": tensor.Int32, "[1]": tensor.String, "[{\"a\": [1, [2]]}]": 0, "[{}, [1, [2]]]": 0,
		strings.Repeat("[", 70) + strings.Repeat("]", 70): 0, strings.Repeat("[", 1<<20): 0,
	} {
		if v, err := tensor.ReadJSON(strings.NewReader(in), d); err == nil {
			t.Errorf("%.40s as %v: %v, want an error", in, d, v.Shape())
		}
	}
}

func TestFloat64s(t *testing.T) {
	for d := tensor.Float32; d < tensor.NumDTypes; d++ {
		if d == tensor.String {
			continue
		}
		want := []float64{0, 1, 1, 0, 1}
		if d == tensor.Float8E8M0 {
			want = []float64{2, 1, 4, 0.5, 1}
		}
		v, err := tensor.FromFloat64s(d, tensor.Shape{5}, want)
		if err != nil {
			t.Fatal(err)
		}
		got := tensor.Float64s(v, 99)
		for i := range want {
			if len(got) != 5 || got[i] != want[i] {
				t.Fatalf("%v: %v, want %v", d, got, want)
			}
		}
	}
	if _, err := tensor.FromFloat64s(tensor.Int8, tensor.Shape{1}, []float64{math.NaN()}); err == nil {
		t.Error("NaN became an int8")
	}
}

func TestNPZRoundTrip(t *testing.T) {
	in := map[string]*tensor.Tensor{
		"a": tensor.FromSlice([]float32{1, 2, 3}, 3, 1), "b": tensor.FromSlice([]string{"", "héllo", "x\x00y"}), "c": tensor.Scalar(int64(-1)),
	}
	var buf bytes.Buffer
	if err := tensor.WriteNPZ(&buf, in); err != nil {
		t.Fatal(err)
	}
	out, err := tensor.ReadNPZ(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil || len(out) != len(in) {
		t.Fatal(err, len(out))
	}
	for name, a := range in {
		b := out[name]
		if !bytes.Equal(a.Bytes(), b.Bytes()) || !a.Shape().Equal(b.Shape()) || sprint(a.Strings()) != sprint(b.Strings()) {
			t.Errorf("%s came back as %v", name, b)
		}
	}
}
