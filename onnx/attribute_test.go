package onnx_test

import (
	"fmt"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

func TestNewAttribute(t *testing.T) {
	for _, tc := range []struct {
		value any
		typ   onnx.AttributeType
		want  string
	}{
		{true, onnx.AttrInt, "1"}, {false, onnx.AttrInt, "0"}, {-3, onnx.AttrInt, "-3"}, {int64(1) << 40, onnx.AttrInt, "1099511627776"},
		{tensor.Float16, onnx.AttrInt, "10"}, {float32(0.5), onnx.AttrFloat, "0.5"}, {0.25, onnx.AttrFloat, "0.25"}, {"none", onnx.AttrString, "none"},
		{[]int{1, 2}, onnx.AttrInts, "[1 2]"}, {[]int64{3}, onnx.AttrInts, "[3]"}, {[]int(nil), onnx.AttrInts, "[]"},
		{[]float32{0.5}, onnx.AttrFloats, "[0.5]"}, {[]string{"a", "b"}, onnx.AttrStrings, "[a b]"},
		{tensor.Scalar[int64](7), onnx.AttrTensor, "7"}, {&onnx.Graph{Name: "body"}, onnx.AttrGraph, "body"},
	} {
		a, err := onnx.NewAttribute("a", tc.value)
		if err != nil || a.Name != "a" || a.Type != tc.typ {
			t.Errorf("%T: %v, %v", tc.value, a, err)
			continue
		}
		if got := held(t, a); got != tc.want {
			t.Errorf("%T: holds %s, want %s", tc.value, got, tc.want)
		}
	}
	if _, err := onnx.NewAttribute("a", 1i); err == nil || err.Error() != `onnx: attribute "a" is a complex128, which no attribute can hold` {
		t.Errorf("error %v", err)
	}
}

// held returns the value of an attribute as text.
func held(t *testing.T, a *onnx.Attribute) string {
	t.Helper()
	switch a.Type {
	case onnx.AttrInt:
		return fmt.Sprint(a.I)
	case onnx.AttrFloat:
		return fmt.Sprint(a.F)
	case onnx.AttrString:
		return string(a.S)
	case onnx.AttrInts:
		return fmt.Sprint(a.Ints)
	case onnx.AttrFloats:
		return fmt.Sprint(a.Floats)
	case onnx.AttrStrings:
		return fmt.Sprintf("%s", a.Strings)
	case onnx.AttrTensor:
		v, err := a.T.Value()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(tensor.Of[int64](v)[0])
	}
	return a.G.Name
}
