package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A source makes graphs of one model. The same calls give the same graphs, with the same names.
type source struct {
	model *onnx.Model
}

// built returns the model's graph, not inferred, in which all names of values are different.
func (s *source) built() (*graph.Graph, error) {
	g, err := graph.Build(s.model, ops.Default())
	if err != nil {
		return nil, err
	}
	distinct(g)
	return g, nil
}

// resolved returns the model's graph with inferred types. Inputs get the given shapes, where there are any; the given
// weights become float32 inputs after the model's own, in order.
func (s *source) resolved(shapes map[string]tensor.Shape, train []*Weight) (*graph.Graph, error) {
	g, _, err := s.live(shapes, train, nil)
	return g, err
}

// plain is live without a change, and with the element types that the model has.
func (s *source) plain(train []*Weight) (*graph.Graph, []*graph.Value, error) {
	g, err := s.built()
	if err != nil {
		return nil, nil, err
	}
	live, err := promote(g, train)
	if err != nil {
		return nil, nil, err
	}
	return g, live, opt.Resolve(g)
}

// live is resolved with a change of the graph before it is inferred. It also returns the values that stand for the
// weights. Where the model computes in half precision, the graph computes in float32.
func (s *source) live(shapes map[string]tensor.Shape, train []*Weight, change func(*graph.Graph) error) (*graph.Graph, []*graph.Value, error) {
	g, err := s.built()
	if err != nil {
		return nil, nil, err
	}
	fixShapes(g, shapes)
	if change != nil {
		if err := change(g); err != nil {
			return nil, nil, err
		}
	}
	if !hasHalf(g) {
		live, err := promote(g, train)
		if err != nil {
			return nil, nil, err
		}
		return g, live, opt.Resolve(g)
	}
	if err := opt.Resolve(g); err != nil {
		return nil, nil, err
	}
	for _, half := range []tensor.DType{tensor.Float16, tensor.BFloat16} {
		if _, err := opt.Widen(g, half); err != nil {
			return nil, nil, err
		}
	}
	live, err := promote(g, train)
	if err != nil {
		return nil, nil, err
	}
	return g, live, opt.Resolve(g)
}

// hasHalf reports whether g has constants or inputs in half precision.
func hasHalf(g *graph.Graph) bool {
	half := func(v *graph.Value) bool {
		return v != nil && (v.DType == tensor.Float16 || v.DType == tensor.BFloat16)
	}
	found := slices.ContainsFunc(g.Inputs, half)
	g.Walk(func(sub *graph.Graph) {
		for _, n := range sub.Nodes {
			found = found || slices.ContainsFunc(n.In, half)
		}
	})
	return found
}

// distinct renames values whose name another one has: those of functions that are called more than once.
func distinct(g *graph.Graph) {
	taken := map[string]bool{}
	g.Walk(func(sub *graph.Graph) {
		rename := func(v *graph.Value) {
			if v == nil || v.Name == "" {
				return
			}
			name := v.Name
			for i := 2; taken[name]; i++ {
				name = fmt.Sprintf("%s#%d", v.Name, i)
			}
			v.Name, taken[name] = name, true
		}
		for _, v := range sub.Inputs {
			rename(v)
		}
		for _, n := range sub.Nodes {
			for _, v := range n.Out {
				rename(v)
			}
		}
	})
}

func fixShapes(g *graph.Graph, shapes map[string]tensor.Shape) {
	for _, v := range g.Inputs {
		shape, ok := shapes[v.Name]
		if !ok || v.Kind != tensor.KindTensor {
			continue
		}
		v.Type = ops.TensorType(v.DType, dimsOf(shape)...)
	}
}

func dimsOf(shape tensor.Shape) []ops.Dim {
	dims := make([]ops.Dim, len(shape))
	for i, d := range shape {
		dims[i] = sym.Const(int64(d))
	}
	return dims
}

// promote makes weights inputs of g and returns these. One that is not float32 becomes a float32 input and a cast.
func promote(g *graph.Graph, train []*Weight) ([]*graph.Value, error) {
	roots := map[string]*graph.Value{}
	if len(train) > 0 {
		roots = rootsOf(g)
	}
	var casts []*graph.Node
	var live []*graph.Value
	for _, w := range train {
		v := roots[w.Name]
		if v == nil {
			return nil, fmt.Errorf("finetune: the model has no weight %q", w.Name)
		}
		dtype := v.DType
		if v.From != nil {
			removeNode(g, v.From)
			if dtype == tensor.Undefined { // not inferred yet
				dtype = w.DType
			}
		}
		v.From, v.Index = nil, 0
		v.Value = ops.Value{Type: ops.TensorType(tensor.Float32, dimsOf(w.Shape)...)}
		if dtype == tensor.Float32 {
			live = append(live, v)
			continue
		}
		master := &graph.Value{Name: v.Name + masterSuffix, Value: v.Value}
		cast, err := graph.NewNode(ops.Default(), "", "Cast", ops.Attrs{onnx.NewInt("to", int64(dtype))}, []*graph.Value{master})
		if err != nil {
			return nil, err
		}
		cast.Name, cast.Out = v.Name, []*graph.Value{v}
		v.From, v.Value = cast, ops.Value{}
		casts = append(casts, cast)
		live = append(live, master)
	}
	g.Inputs = append(g.Inputs, live...)
	g.Nodes = append(casts, g.Nodes...)
	return live, nil
}

// masterSuffix marks the float32 copy of a weight that the model holds in another type.
const masterSuffix = "/float32"

// rootsOf maps names to constants that may be weights: initializers and the outputs of Constant nodes, those of bodies
// included.
func rootsOf(g *graph.Graph) map[string]*graph.Value {
	roots := map[string]*graph.Value{}
	g.Walk(func(sub *graph.Graph) {
		for _, n := range sub.Nodes {
			for _, v := range n.In {
				if v != nil && v.From == nil && v.IsConst() && roots[v.Name] == nil {
					roots[v.Name] = v
				}
			}
			if n.Type == "Constant" && n.Domain == "" && len(n.Out) == 1 && n.Out[0] != nil {
				roots[n.Out[0].Name] = n.Out[0]
			}
		}
	})
	return roots
}

func removeNode(g *graph.Graph, n *graph.Node) {
	g.Walk(func(sub *graph.Graph) {
		if i := slices.Index(sub.Nodes, n); i >= 0 {
			sub.Nodes = slices.Delete(sub.Nodes, i, i+1)
		}
	})
}
