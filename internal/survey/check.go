package survey

import (
	"errors"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/graph"
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
	if found := onnx.Check(f.Model); len(found) > 0 {
		return &Verdict{Findings: found}, nil
	}
	g, err := Infer(f.Model)
	if err == nil {
		err = graph.Verify(g)
	}
	if err != nil {
		v.add("types", err)
	}
	return v, nil
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
		f.Node = node.Path
	}
	v.OK = false
	v.Findings = append(v.Findings, f)
}
