package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// decodeJSON reads nested lists of numbers, booleans or strings as a value for an input: the lists give the
// shape, the input gives the element type. "nan", "inf" and "-inf" stand for floats that JSON lacks, and an
// object for a map.
func decodeJSON(data []byte, info runtime.ValueInfo) (*tensor.Tensor, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if m, ok := v.(map[string]any); ok {
		return mapFromJSON(m, info)
	}
	shape := tensor.Shape{}
	for list, ok := v.([]any); ok; list, ok = list[0].([]any) {
		shape = append(shape, len(list))
		if len(list) == 0 {
			break
		}
	}
	var flat []any
	if err := flatten(v, shape, &flat); err != nil {
		return nil, err
	}
	return fromFlat(flat, shape, info.DType)
}

// flatten appends the leaves of nested lists, which must have the given shape.
func flatten(v any, shape tensor.Shape, flat *[]any) error {
	if len(shape) == 0 {
		if _, isList := v.([]any); isList {
			return fmt.Errorf("json: lists of different depths")
		}
		*flat = append(*flat, v)
		return nil
	}
	list, ok := v.([]any)
	if !ok || len(list) != shape[0] {
		return fmt.Errorf("json: lists of different lengths")
	}
	for _, e := range list {
		if err := flatten(e, shape[1:], flat); err != nil {
			return err
		}
	}
	return nil
}

func fromFlat(flat []any, shape tensor.Shape, dtype tensor.DType) (*tensor.Tensor, error) {
	if dtype == tensor.String {
		return (&Recipe{Name: "json", DType: "string", Dist: "strings", Values: flat, Shape: shape}).Tensor()
	}
	for i, v := range flat {
		if n, ok := v.(json.Number); ok {
			flat[i] = n.String()
		}
	}
	return (&Recipe{Name: "json", DType: dtype.String(), Dist: "list", Values: flat, Shape: shape}).Tensor()
}

// mapFromJSON makes a map with text keys, in their order.
func mapFromJSON(m map[string]any, info runtime.ValueInfo) (*tensor.Tensor, error) {
	var keys []string
	var vals []*tensor.Tensor
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := m[k]
		if n, ok := v.(json.Number); ok {
			v = n.String()
		}
		t, err := fromFlat([]any{v}, tensor.Shape{}, info.DType)
		if err != nil {
			return nil, err
		}
		keys, vals = append(keys, k), append(vals, t)
	}
	return tensor.NewMap(tensor.FromSlice(keys), vals...)
}

// readNPZ reads an .npz file.
func readNPZ(file string) (map[string]*tensor.Tensor, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return tensor.ReadNPZ(f, info.Size())
}
