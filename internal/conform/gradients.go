package conform

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"path"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A GradientCase is a model with recorded inputs, gradients of outputs and gradients of inputs.
type GradientCase struct {
	Name      string   `json:"id"`
	DType     string   `json:"dtype"`
	Inputs    []string `json:"inputs"`
	Diff      []string `json:"diff"` // inputs whose gradients are recorded
	Dy        []string `json:"dy"`   // outputs that have gradients
	ATol      float64  `json:"atol"`
	RTol      float64  `json:"rtol"`
	PeerError float64  `json:"torch_f32_err"` // that of another implementation

	files fs.FS
}

// A GradientArchive is a zip with manifest.json and cases/<id>/{model.onnx,data.npz}. The arrays of a case are
// in.<input>, dy.<output>, and grad64.<input>, the gradient computed in float64.
type GradientArchive struct {
	Cases []*GradientCase
	zip   *zip.ReadCloser
}

// OpenGradients opens an archive of gradient cases.
func OpenGradients(name string) (*GradientArchive, error) {
	a := &GradientArchive{}
	var err error
	if a.zip, err = openManifest(name, a); err != nil {
		return nil, err
	}
	for _, c := range a.Cases {
		c.files = a.zip
	}
	return a, nil
}

// openManifest opens an archive and decodes its manifest.json.
func openManifest(name string, into any) (*zip.ReadCloser, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("conform: %s: %w", name, err)
	}
	data, err := fs.ReadFile(z, "manifest.json")
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		z.Close()
		return nil, fmt.Errorf("conform: %s: manifest.json: %w", name, err)
	}
	return z, nil
}

// Close closes the archive.
func (a *GradientArchive) Close() error { return a.zip.Close() }

// A GradientError is what the worst gradient of a case is off by.
type GradientError struct {
	Abs  float64 // largest difference
	Peak float64 // largest magnitude of the reference it belongs to

	// Coarse is set if a gradient is off by more than max(2 PeerError, 1e-6 max(1, peak)), for its own peak.
	Coarse bool
}

// Quality counts how many of some gradient cases in float32 are at least half as exact as another implementation.
type Quality struct {
	Cases  int      `json:"cases"`            // in float32 that were compared
	Within int      `json:"within"`           // of them without a coarse gradient
	Coarse []string `json:"coarse,omitempty"` // the names of the others
}

// Add counts a case that did not fail to run, and leaves out those in float64.
func (q *Quality) Add(c *GradientCase, r Result, e GradientError) {
	switch {
	case c.DType != "f32" || r.Status == Skipped:
		return
	case e.Coarse || r.Status == Failed:
		q.Coarse = append(q.Coarse, c.Name)
	default:
		q.Within++
	}
	q.Cases++
}

// Run computes the gradients of the case and compares: |got-want| <= atol + rtol*max|want| for each array. A
// case whose model has an operator without a gradient is skipped.
func (c *GradientCase) Run(ctx context.Context, opts Options) (Result, GradientError) {
	var worst GradientError
	err := guardPanic(func() (err error) {
		worst, err = c.run(ctx, opts.Runtime)
		return err
	})
	rel := worst.Abs
	if worst.Peak > 0 {
		rel /= worst.Peak
	}
	return (&Case{Name: c.Name}).result(rel, err), worst
}

func (c *GradientCase) run(ctx context.Context, o runtime.Options) (worst GradientError, err error) {
	dir := path.Join("cases", c.Name)
	model, err := fs.ReadFile(c.files, path.Join(dir, modelFile))
	if err != nil {
		return worst, fmt.Errorf("conform: %w", err)
	}
	data, err := fs.ReadFile(c.files, path.Join(dir, "data.npz"))
	if err != nil {
		return worst, fmt.Errorf("conform: %w", err)
	}
	arrays, err := tensor.ReadNPZ(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return worst, fmt.Errorf("conform: data.npz: %w", err)
	}
	o.Gradients = &runtime.Gradients{Of: c.Dy, Wrt: c.Diff}
	s, err := runtime.OpenBytes(model, &o)
	if err != nil {
		return worst, err
	}
	defer s.Close()
	in := map[string]*tensor.Tensor{}
	for _, info := range s.Inputs() {
		t := arrays["in."+info.Name]
		if t == nil {
			t = arrays[info.Name] // dy.<output>
		}
		if t != nil && t.DType() != info.DType { // the gradient of a cast is recorded as it was before it
			if t, err = tensor.FromFloat64s(info.DType, t.Shape(), tensor.Float64s(t, t.Len())); err != nil {
				return worst, err
			}
		}
		if t != nil {
			in[info.Name] = t
		}
	}
	out, err := s.Run(ctx, in)
	if err != nil {
		return worst, err
	}
	for _, name := range c.Diff {
		if e := c.compare(name, out["grad."+name], arrays["grad64."+name], &worst); e != nil && err == nil {
			err = e
		}
	}
	return worst, err
}

func (c *GradientCase) compare(name string, got, want *tensor.Tensor, worst *GradientError) error {
	if got == nil || want == nil {
		return fmt.Errorf("conform: no gradient of %q", name)
	}
	if !got.Shape().Equal(want.Shape()) {
		return fmt.Errorf("gradient of %q has shape %v, want %v", name, got.Shape(), want.Shape())
	}
	g, w := tensor.Float64s(got, got.Len()), tensor.Float64s(want, want.Len())
	e, at := GradientError{}, 0
	for i := range w {
		e.Peak = max(e.Peak, math.Abs(w[i]))
		if d := math.Abs(g[i] - w[i]); d > e.Abs || math.IsNaN(d) && !(math.IsNaN(g[i]) && math.IsNaN(w[i])) {
			if e.Abs, at = d, i; math.IsNaN(d) {
				e.Abs = math.Inf(1)
			}
		}
	}
	e.Coarse = worst.Coarse || e.Abs > max(2*c.PeerError, 1e-6*max(1, e.Peak))
	if e.Abs/max(e.Peak, 1) >= worst.Abs/max(worst.Peak, 1) {
		*worst = e
	}
	worst.Coarse = e.Coarse
	if allowed := c.ATol + c.RTol*e.Peak; e.Abs > allowed {
		return fmt.Errorf("gradient of %q: element %d is %v, want %v: off by %.3g, allowed %.3g", name, at, g[at], w[at], e.Abs, allowed)
	}
	return nil
}
