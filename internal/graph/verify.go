package graph

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// Verify compares an inferred graph with what the model declares of its outputs and returns every
// contradiction. What inference itself finds wrong (element types, ranks, sizes, attributes of nodes) is an
// error of Infer.
func Verify(g *Graph) error {
	var found []error
	g.Walk(func(g *Graph) {
		for i, v := range g.Outputs {
			if i < len(g.declared) {
				check := contradiction
				if g.Parent != nil && single(g.declared[i]) && single(v.Type) {
					check = sameElements // a body may return a vector of one element for a scalar, and the other way round
				}
				if err := check(g.declared[i], v.Type); err != nil {
					found = append(found, onnx.Malformed("graph", "output %q: %w", v.Name, err))
				}
			}
		}
	})
	return errors.Join(found...)
}

// single reports whether a tensor has one element whatever the sizes.
func single(t ops.Type) bool {
	shape, ok := t.Static()
	return ok && t.Kind == tensor.KindTensor && shape.Len() == 1
}

func contradiction(declared, got ops.Type) error {
	if err := sameElements(declared, got); err != nil {
		return err
	}
	if !declared.Present() || got.Kind != tensor.KindTensor || !declared.Ranked || !got.Ranked {
		return nil
	}
	wrong := len(declared.Dims) != len(got.Dims)
	for i := 0; !wrong && i < len(got.Dims); i++ {
		want, fixed := declared.Dims[i].Const()
		have, known := got.Dims[i].Const()
		wrong = fixed && known && want != have
	}
	if wrong {
		return fmt.Errorf("declared as %v, but is %v", declared, got)
	}
	return nil
}

// sameElements reports whether kinds and element types agree where the declaration gives them.
func sameElements(declared, got ops.Type) error {
	if declared.Present() && declared.DType != tensor.Undefined && got.DType != tensor.Undefined && (declared.Kind != got.Kind || declared.DType != got.DType) {
		return fmt.Errorf("declared as %v, but is %v", declared, got)
	}
	return nil
}

// checkTypes compares the inputs of n with the type constraints of its schema: each is allowed, and those
// that share a type parameter are of one type, and those that are not optional are there. Kernels rely on it.
func (n *Node) checkTypes() error {
	if n.Schema == nil {
		return nil
	}
	if len(n.In) < n.Schema.MinInputs {
		return fmt.Errorf("has %d inputs, want at least %d", len(n.In), n.Schema.MinInputs)
	}
	var typeParams [4]string // room for what most schemas have
	var boundTypes [4]ops.Type
	names, bound := typeParams[:0], boundTypes[:0]
	for i, v := range n.In {
		p := n.Schema.Input(i)
		if v == nil && p != nil && p.Option != schema.Optional {
			return fmt.Errorf("input %d (%s) is left out", i, p.Name)
		}
		if v == nil || p == nil {
			continue
		}
		if allowed := n.Schema.Allowed(p.TypeStr); !permits(allowed, v.Type) {
			return fmt.Errorf("input %d (%s) is %v, want one of %v", i, p.Name, v.Type, allowed)
		}
		if p.Option == schema.Variadic && !p.Homogeneous {
			continue
		}
		k := 0
		for k < len(names) && names[k] != p.TypeStr {
			k++
		}
		if k == len(names) {
			names, bound = append(names, p.TypeStr), append(bound, v.Type)
		} else if bound[k].Kind != v.Kind || bound[k].DType != v.DType {
			return fmt.Errorf("input %d (%s) is %v, want %v as another input", i, p.Name, v.Type, bound[k].DType)
		}
	}
	return nil
}

// permits reports whether a type constraint allows a value of type t. Half-precision floats are taken wherever
// float32 is: exporters write them at versions that did not know them yet. Containers of containers are left
// to the operators.
func permits(allowed schema.Types, t ops.Type) bool {
	switch {
	case t.Kind == tensor.KindTensor:
		half := t.DType == tensor.Float16 || t.DType == tensor.BFloat16
		return allowed.Tensor.Has(int(t.DType)) || half && allowed.Tensor.Has(int(tensor.Float32))
	case t.Kind == tensor.KindSequence && t.Elem.Kind == tensor.KindTensor && t.DType != tensor.Undefined:
		return allowed.Seq.Has(int(t.DType))
	}
	return true
}
