package ops

import (
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Attrs are the attributes of one node, with the defaults of its schema filled in when the graph was
// built, so that a kernel never repeats a default.
type Attrs []*onnx.Attribute

// Find returns the named attribute, nil if it is absent and has no default.
func (a Attrs) Find(name string) *onnx.Attribute {
	for _, x := range a {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// HasAttr reports whether the attribute is given or has a default.
func (a Attrs) HasAttr(name string) bool { return a.Find(name) != nil }

// values returns the numbers, strings and lists of them in the form that GradCtx.Emit takes.
func (a Attrs) values() map[string]any {
	out := map[string]any{}
	for _, x := range a {
		switch x.Type {
		case onnx.AttrInt:
			out[x.Name] = x.I
		case onnx.AttrFloat:
			out[x.Name] = x.F
		case onnx.AttrString:
			out[x.Name] = string(x.S)
		case onnx.AttrInts:
			out[x.Name] = x.Ints
		case onnx.AttrFloats:
			out[x.Name] = x.Floats
		case onnx.AttrStrings:
			out[x.Name] = a.StrList(x.Name)
		}
	}
	return out
}

// Int returns an integer attribute, 0 if it is absent.
func (a Attrs) Int(name string) int {
	if x := a.Find(name); x != nil {
		return int(x.I)
	}
	return 0
}

// IntOr returns an integer attribute, or def where neither the node nor the schema gives a value.
func (a Attrs) IntOr(name string, def int) int {
	if x := a.Find(name); x != nil {
		return int(x.I)
	}
	return def
}

// Bool returns whether an integer attribute is not zero.
func (a Attrs) Bool(name string) bool { return a.Int(name) != 0 }

// Float returns a float attribute, 0 if it is absent.
func (a Attrs) Float(name string) float32 {
	if x := a.Find(name); x != nil {
		return x.F
	}
	return 0
}

// Str returns a string attribute, "" if it is absent.
func (a Attrs) Str(name string) string {
	if x := a.Find(name); x != nil {
		return string(x.S)
	}
	return ""
}

// IntList returns a list of integers, nil if it is absent.
func (a Attrs) IntList(name string) []int64 {
	if x := a.Find(name); x != nil {
		return x.Ints
	}
	return nil
}

// FloatList returns a list of floats, nil if it is absent.
func (a Attrs) FloatList(name string) []float32 {
	if x := a.Find(name); x != nil {
		return x.Floats
	}
	return nil
}

// StrList returns a list of strings, nil if it is absent.
func (a Attrs) StrList(name string) []string {
	x := a.Find(name)
	if x == nil {
		return nil
	}
	out := make([]string, len(x.Strings))
	for i, s := range x.Strings {
		out[i] = string(s)
	}
	return out
}

// Tensor returns a tensor attribute, nil if it is absent.
func (a Attrs) Tensor(name string) (*tensor.Tensor, error) {
	x := a.Find(name)
	if x == nil || x.T == nil {
		return nil, nil
	}
	return x.T.Value()
}

// DefaultAttr returns the attribute for a default value as onnx/schema gives it: float32, int64, string,
// []int64 or []string.
func DefaultAttr(name string, value any) *onnx.Attribute {
	switch v := value.(type) {
	case float32:
		return onnx.NewFloat(name, v)
	case int64:
		return onnx.NewInt(name, v)
	case string:
		return onnx.NewString(name, v)
	case []int64:
		return onnx.NewInts(name, v...)
	case []string:
		return onnx.NewStrings(name, v...)
	}
	return &onnx.Attribute{Name: name}
}
