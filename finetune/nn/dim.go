package nn

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// A Dim is one dimension of an input: a size, or one of the names below or of Builder.Dim for a size that only running
// tells.
type Dim int

// The names of dimensions that most models have.
const (
	Batch    Dim = -1 - iota // "batch"
	Sequence                 // "sequence": positions in time or text
	Height                   // "height"
	Width                    // "width"
	named                    // the first that Builder.Dim gives
)

var dimNames = [...]string{"batch", "sequence", "height", "width"}

// Dim returns a dimension of another name. Equal names are equal dimensions.
func (b *Builder) Dim(name string) Dim {
	for i, known := range b.dims {
		if known == name {
			return Batch - Dim(i)
		}
	}
	if name == "" {
		b.fail("a dimension has no name")
	}
	b.dims = append(b.dims, name)
	return Batch - Dim(len(b.dims)-1)
}

// expr returns d as inference knows dimensions.
func (b *Builder) expr(d Dim) (ops.Dim, error) {
	if d >= 0 {
		return sym.Const(int64(d)), nil
	}
	if i := int(Batch - d); i < len(b.dims) {
		return sym.Symbol(b.dims[i]), nil
	}
	return ops.Dim{}, fmt.Errorf("dimension %d is neither a size nor a name of this builder", int(d))
}

// declared returns an inferred type as a model declares it. Dimensions that are neither numbers nor names stay open.
func (b *Builder) declared(t ops.Type) *onnx.Type {
	out := onnx.NewTensorType(t.DType)
	out.HasShape = t.Ranked
	for _, d := range t.Dims {
		dim := onnx.Dim{}
		if n, ok := d.Const(); ok {
			dim = onnx.FixedDim(n)
		} else {
			for _, name := range b.dims {
				if d.Equal(sym.Symbol(name)) {
					dim = onnx.NamedDim(name)
				}
			}
		}
		out.Dims = append(out.Dims, dim)
	}
	return out
}
