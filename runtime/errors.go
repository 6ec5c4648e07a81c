package runtime

import (
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/ops"
)

// A NodeError says which node failed and why.
type NodeError = ops.NodeError

// A LimitError says that a run would take more memory than Options.MemoryLimit.
type LimitError = plan.LimitError

// A ShapeError says that an input's shape contradicts the model or another input.
type ShapeError = plan.ShapeError
