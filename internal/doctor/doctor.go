// Package doctor says what the machine offers, which kernels are in use, and whether they compute what they
// should.
//
// It may import everything of the library; today internal/cpu, internal/par, internal/kernel/gemm, internal/kernel/vec, models, pipeline,
// runtime and tensor.
package doctor

import (
	"context"
	"fmt"
	goruntime "runtime"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Report is what Examine found.
type Report struct {
	CPU      string   `json:"cpu"`
	Platform string   `json:"platform"`
	CPUs     int      `json:"cpus"`
	L1       int      `json:"l1_bytes"`
	L2       int      `json:"l2_bytes"`
	L3       int      `json:"l3_bytes"`
	Detected string   `json:"detected"` // what processor and system offer
	InUse    string   `json:"in_use"`   // after ONNXRUN_CPU
	Problem  string   `json:"problem,omitempty"`
	Kernels  []string `json:"kernels"` // kernel sets for float32 products, best first
	Tests    []Test   `json:"tests"`
	GFlops   float64  `json:"peak_gflops,omitempty"` // float32 multiply-adds of one core, if measured
}

// A Test is one part of the self-test.
type Test struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// OK reports whether all tests passed.
func (r *Report) OK() bool {
	for _, t := range r.Tests {
		if !t.OK {
			return false
		}
	}
	return true
}

// Examine looks at the machine and tests every kernel set that it can run; with peak it also measures how
// fast one core multiplies and adds.
func Examine(ctx context.Context, peak bool) *Report {
	r := &Report{
		CPU: cpu.Brand(), Platform: goruntime.GOOS + "/" + goruntime.GOARCH, CPUs: goruntime.NumCPU(),
		Detected: cpu.Detected().String(), InUse: cpu.Features().String(), Problem: cpu.Problem(), Kernels: gemm.Kernels(),
	}
	r.L1, r.L2, r.L3 = cpu.Caches()
	for _, name := range r.Kernels {
		undo, ok := gemm.Use(name)
		if !ok {
			continue
		}
		r.add("product with "+name, product())
		r.add("digits with "+name, digits(ctx))
		undo()
	}
	if peak {
		r.GFlops = gemm.Peak() / 1e9
	}
	return r
}

func (r *Report) add(name string, err error) {
	t := Test{Name: name, OK: err == nil}
	if err != nil {
		t.Reason = err.Error()
	}
	r.Tests = append(r.Tests, t)
}

// product multiplies two matrices of small integers, on which every order of summation is exact.
func product() error {
	const m, k, n = 37, 65, 83
	a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	for i := range a {
		a[i] = float32(i%7 - 3)
	}
	for i := range b {
		b[i] = float32(i%11 - 5)
	}
	gemm.Run(&gemm.Args{M: m, N: n, K: k, A: a, ARS: k, ACS: 1, B: b, BRS: n, BCS: 1, C: c, LDC: n, Threads: 2})
	for i := range m {
		for j := range n {
			var want float32
			for l := range k {
				want += a[i*k+l] * b[l*n+j]
			}
			if c[i*n+j] != want {
				return fmt.Errorf("doctor: element %d,%d of a product is %v, want %v", i, j, c[i*n+j], want)
			}
		}
	}
	return nil
}

// digits reads the embedded picture with the embedded model.
func digits(ctx context.Context) error {
	img, err := pipeline.DecodeImage(models.DigitsPicture)
	if err != nil {
		return err
	}
	s, err := runtime.OpenBytes(models.Digits, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	out, err := s.Run(ctx, map[string]*tensor.Tensor{models.DigitsInput: models.DigitCells(img)})
	if err != nil {
		return err
	}
	list, err := models.ReadDigits(out[models.DigitsOutput])
	if err != nil {
		return err
	}
	text := ""
	for _, d := range list {
		text += fmt.Sprint(d.Value)
	}
	if text != models.DigitsText {
		return fmt.Errorf("doctor: the model reads %s, want %s", text, models.DigitsText)
	}
	return nil
}
