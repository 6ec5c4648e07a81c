package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A spec is what the spec.json of a weight-stripped model says of its inputs and reference outputs.
type spec struct {
	Inputs    []feed.Recipe
	Outputs   []specOutput
	Tolerance *struct{ Peak, L2 float64 }
}

type specOutput struct {
	Name       string
	DType      string
	Shape      []int
	Stored     string // "npz": array out_<i> of ref.npz; "json": Value
	Subsampled bool   // the array holds elements floor(k N / its length), not the whole tensor
	Value      []map[string]float64
}

// runStripped generates weights and inputs, runs the model and compares with the reference outputs.
func (c *Case) runStripped(ctx context.Context, opts Options) (worst float64, err error) {
	sp, err := c.readSpec()
	if err != nil {
		return 0, err
	}
	recipes, err := feed.ReadRecipes(c.Files, "fill.json")
	if err != nil {
		return 0, err
	}
	file, err := c.open()
	if err != nil {
		return 0, err
	}
	if err := feed.Fill(file.Model, recipes); err != nil {
		return 0, err
	}
	s, traits, err := opts.session(file)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	in := map[string]*tensor.Tensor{}
	for i := range sp.Inputs {
		if in[sp.Inputs[i].Name], err = sp.Inputs[i].Tensor(); err != nil {
			return 0, err
		}
	}
	out, err := s.Run(ctx, in)
	if err != nil {
		return 0, err
	}
	ref, err := c.readReferences()
	if err != nil {
		return 0, err
	}
	return c.compareSpec(sp, s.Outputs(), out, ref, traits)
}

func (c *Case) readSpec() (*spec, error) {
	data, err := fs.ReadFile(c.Files, "spec.json")
	if err != nil {
		return nil, err
	}
	sp := &spec{}
	if err := json.Unmarshal(data, sp); err != nil {
		return nil, fmt.Errorf("conform: spec.json: %w", err)
	}
	return sp, nil
}

// readReferences reads the arrays of ref.npz.
func (c *Case) readReferences() (map[string]*tensor.Tensor, error) {
	data, err := fs.ReadFile(c.Files, "ref.npz")
	if err != nil {
		return nil, err
	}
	return tensor.ReadNPZ(bytes.NewReader(data), int64(len(data)))
}

// compareSpec brings outputs and references into one form and compares them.
func (c *Case) compareSpec(sp *spec, infos []runtime.ValueInfo, out, ref map[string]*tensor.Tensor, traits traits) (float64, error) {
	if len(sp.Outputs) != len(infos) {
		return 0, fmt.Errorf("conform: spec.json lists %d outputs, the model has %d", len(sp.Outputs), len(infos))
	}
	own := *c
	if sp.Tolerance != nil {
		own.Rule = &Rule{Peak: sp.Tolerance.Peak, L2: sp.Tolerance.L2}
	}
	got, want := make([]*tensor.Tensor, len(infos)), make([]*tensor.Tensor, len(infos))
	for i, o := range sp.Outputs {
		got[i] = out[infos[i].Name]
		if got[i] == nil {
			return 0, mismatch("output %d (%s) is missing", i, infos[i].Name)
		}
		if o.Stored == "json" {
			want[i] = mapsOf(o.Value, got[i])
			continue
		}
		want[i] = ref["out_"+strconv.Itoa(i)]
		if want[i] == nil {
			return 0, fmt.Errorf("conform: ref.npz has no array out_%d", i)
		}
		var err error
		if got[i], err = o.align(got[i], want[i]); err != nil {
			return 0, fmt.Errorf("output %d (%s): %w", i, infos[i].Name, err)
		}
	}
	return own.compare(got, want, infos, traits)
}

// align checks an output against the dtype and shape that the spec gives, and returns the part and form of
// it that the reference holds.
func (o *specOutput) align(got, want *tensor.Tensor) (*tensor.Tensor, error) {
	if isMaps(got) {
		return got, nil
	}
	if got.Kind() != tensor.KindTensor || got.DType().String() != o.DType || !slices.Equal(got.Shape(), o.Shape) {
		return nil, mismatch("%v of %v%v, want %s%v", got.Kind(), got.DType(), []int(got.Shape()), o.DType, o.Shape)
	}
	if got.DType() == tensor.BFloat16 && want.DType() == tensor.Float32 {
		wide := tensor.New(tensor.Float32, got.Shape()...)
		vec.FromBFloat16(tensor.Raw[float32](wide), tensor.Raw[tensor.BFloat16Bits](got))
		got = wide
	}
	if !o.Subsampled {
		return got, nil
	}
	n, size := want.Len(), got.DType().Size()
	if size == 0 {
		return nil, fmt.Errorf("conform: a part of %v elements cannot be compared", got.DType())
	}
	part := make([]byte, 0, n*size)
	for k := range n {
		at := k * got.Len() / n
		part = append(part, got.Bytes()[at*size:][:size]...)
	}
	return tensor.FromBytes(got.DType(), want.Shape(), part)
}

// mapsOf makes a sequence of maps with keys of the type that got has.
func mapsOf(rows []map[string]float64, got *tensor.Tensor) *tensor.Tensor {
	integers := false
	if isMaps(got) {
		integers = got.Elems()[0].Keys().DType() == tensor.Int64
	}
	var list []*tensor.Tensor
	for _, row := range rows {
		var names []string
		var numbers []int64
		var vals []*tensor.Tensor
		for k, v := range row {
			i, _ := strconv.ParseInt(k, 10, 64)
			names, numbers = append(names, k), append(numbers, i)
			vals = append(vals, tensor.Scalar(float32(v)))
		}
		keys := tensor.FromSlice(names)
		if integers {
			keys = tensor.FromSlice(numbers)
		}
		if m, err := tensor.NewMap(keys, vals...); err == nil {
			list = append(list, m)
		}
	}
	return tensor.NewSequence(tensor.Float32, list...)
}
