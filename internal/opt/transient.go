package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// Transient lets the derived filters of convolutions be made in each run, just before they are read, so that they take memory in
// the arena alone: for programs whose kernels keep no packed forms of weights (plan.Options.Lean). The order of the nodes of g is
// that in which they run.
func Transient(g *graph.Graph) {
	readers := constReaders(g)
	var nodes []*graph.Node
	for _, n := range g.Nodes {
		if readsFilter(n) && readers[storageOf(n.In[1])] == 1 {
			if d := transient(n.In[1]); d != nil {
				nodes = append(nodes, d)
				n.In = slices.Clone(n.In)
				n.In[1] = d.Out[0]
			}
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
}

func readsFilter(n *graph.Node) bool {
	return n.Domain == "onnxrun" && (n.Type == "NhwcConv" || n.Type == "NhwcConvTranspose") && n.In[1] != nil && n.In[1].IsConst()
}

func storageOf(v *graph.Value) *byte { return v.Const.Start() }

// constReaders counts the readers of the storage of constants, in g and the graphs inside it.
func constReaders(g *graph.Graph) map[*byte]int {
	count := map[*byte]int{}
	g.Walk(func(sub *graph.Graph) {
		for _, n := range sub.Nodes {
			for _, v := range n.In {
				if v != nil && v.IsConst() {
					count[storageOf(v)]++
				}
			}
		}
		for _, v := range sub.Outputs {
			if v.IsConst() {
				count[storageOf(v)]++
			}
		}
	})
	return count
}

// transient returns a node that makes the derived constant v, which it discards; nil if v is none.
func transient(v *graph.Value) *graph.Node {
	if v == nil || v.Derived == nil || v.DType != tensor.Float32 {
		return nil
	}
	d := v.Derived
	kernel := func(*ops.KernelCtx) (ops.Kernel, error) {
		return ops.Kernel{Run: func(c *ops.Call) error {
			d.Fill(tensor.Of[float32](c.Out[0]))
			return nil
		}}, nil
	}
	d.Discard()
	n := &graph.Node{Name: v.Name + "/derived", Domain: "onnxrun", Type: "Derived", Version: 1, Op: &ops.Op{Domain: "onnxrun", Name: "Derived", Since: 1, Kernel: kernel}}
	n.Out = []*graph.Value{{Name: n.Name, From: n, Value: ops.Value{Type: v.Type}}}
	return n
}
