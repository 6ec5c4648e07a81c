package runtime

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// A ValueInfo describes an input or output of a model.
type ValueInfo struct {
	Name   string
	Kind   tensor.Kind
	DType  tensor.DType
	Ranked bool // the number of dimensions is known
	Dims   []Dim
	Type   string // all of the above, and the types inside of containers, as text
}

// A Dim is one dimension: a number, or the name of one that is open until a Run.
type Dim struct {
	Name  string
	Value int // -1 if open
}

// String returns the number or the name.
func (d Dim) String() string {
	if d.Value >= 0 {
		return fmt.Sprint(d.Value)
	}
	return d.Name
}

func infoOf(v *graph.Value) ValueInfo {
	info := ValueInfo{Name: v.Name, Kind: v.Kind, DType: v.DType, Ranked: v.Ranked, Type: v.Type.String()}
	for _, d := range v.Dims {
		if n, ok := d.Const(); ok {
			info.Dims = append(info.Dims, Dim{Value: int(n)})
		} else {
			info.Dims = append(info.Dims, Dim{Name: d.String(), Value: -1})
		}
	}
	return info
}
