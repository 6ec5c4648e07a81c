package finetune

import (
	"context"
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// StepThrough is a Step of one batch that is interrupted when the value of the given name is there, for visit to look at it. What
// visit does to weights of Spec.Held counts in the rest of the step; the value must not depend on them. So a generator and the
// discriminator that learns from its samples train with one run of the generator. The tensor is valid while visit runs, the
// memory of the step is in use meanwhile. An error of visit ends the step, which then moves no weight.
func (t *Trainer) StepThrough(ctx context.Context, b Batch, name string, visit func(*tensor.Tensor) error) (StepResult, error) {
	if t.private != nil {
		return StepResult{}, ops.Unsupported("private training: a step that is interrupted")
	}
	t.through, t.b.visit = throughPrefix+purpose(name), visit
	defer func() { t.through, t.b.visit = "", nil }()
	return t.step(ctx, t.rateAt(t.steps, t.spec.Total), []Batch{b})
}

const (
	throughPrefix = "training through " // of purposes
	visitPrefix   = "onnxrun.visit."    // of the outputs that are visited
)

// visited returns the value of a name in the training graph, which a step may visit.
func (b *builder) visited(g *graph.Graph, live []*graph.Value, name string) (*graph.Value, error) {
	found, err := find(g, []string{name})
	if err != nil {
		return nil, err
	}
	held := live[len(b.train) : len(b.train)+len(b.held)]
	if dependsOn(g, held)[found[0]] {
		return nil, fmt.Errorf("finetune: value %q depends on weights that the caller changes", name)
	}
	return found[0], nil
}

// pause lets g call the builder's visitor.
func (b *builder) pause(g *graph.Graph, output int) {
	kernel := func(*ops.KernelCtx) (ops.Kernel, error) {
		return ops.Kernel{Run: func(c *ops.Call) error {
			tensor.Of[float32](c.Out[0])[0] = 0
			return b.visit(c.In[0])
		}}, nil
	}
	opt.Pause(g, output, &ops.Op{Domain: "onnxrun", Name: "Visit", Since: 1, Kernel: kernel, Flags: ops.Random})
}

// visits returns the name of the value that a program of some purpose visits.
func (p purpose) visits() (name string, ok bool) { return strings.CutPrefix(string(p), throughPrefix) }
