package survey

import (
	"errors"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// A Verdict says whether a model is valid, and what was found. Findings of the rule "unsupported" do not make
// a model invalid.
type Verdict struct {
	OK       bool          `json:"ok"`
	Findings onnx.Findings `json:"findings"`
}

// Check reads the model at a path and checks its format, its structure, and the types and shapes of its
// values; weights may come from a fill.json. An error is returned only when the files cannot be read.
func Check(path, externalRoot, fill string) (*Verdict, error) {
	v := &Verdict{OK: true, Findings: onnx.Findings{}}
	f, err := onnx.Open(path, &onnx.OpenOptions{ExternalRoot: externalRoot})
	if err != nil {
		var format *onnx.FormatError
		if !errors.As(err, &format) {
			return nil, err
		}
		v.add("format", err)
		return v, nil
	}
	defer f.Close()
	if fill != "" {
		if err := feed.FillFrom(f.Model, fill); err != nil {
			return nil, err
		}
	}
	return CheckModel(f.Model), nil
}

// CheckModel checks the structure of a model, and if that is sound the types and shapes of all its values.
func CheckModel(m *onnx.Model) *Verdict {
	if found := onnx.Check(m); len(found) > 0 {
		return &Verdict{Findings: found}
	}
	v := &Verdict{OK: true, Findings: onnx.Findings{}}
	err := mmap.Guard(func() error {
		facts, err := graph.Study(m, ops.Default())
		if err != nil {
			return err
		}
		for _, p := range append(facts.Problems, facts.Contradictions()...) {
			v.add("types", p)
		}
		return graph.Verify(facts.Graph)
	})
	if err != nil {
		v.add("types", err)
	}
	return v
}

// add splits joined errors into findings.
func (v *Verdict) add(rule string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			v.add(rule, e)
		}
		return
	}
	var missing *ops.UnsupportedError
	if errors.As(err, &missing) {
		for _, m := range missing.Missing {
			v.Findings = append(v.Findings, onnx.Finding{Rule: "unsupported", Message: m})
		}
		return
	}
	f := onnx.Finding{Rule: rule, Message: err.Error()}
	var node *ops.NodeError
	if errors.As(err, &node) {
		f.Node, f.Message = node.Path, node.Op+": "+node.Err.Error()
	}
	v.OK = false
	v.Findings = append(v.Findings, f)
}
