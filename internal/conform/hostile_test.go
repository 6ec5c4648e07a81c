package conform_test

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestHostileInputs runs the recorded cases on what they do not expect: inputs of other ranks and sizes, indices
// out of range, numbers that are none, attributes of other values, inputs that are absent or constant. Anything
// may be refused; nothing may panic, which a session reports as an internal error, or go on for seconds.
// ONNXRUN_HOSTILE sets the number of rounds.
func TestHostileInputs(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("ONNXRUN_HOSTILE"))
	var group sync.WaitGroup
	turn := make(chan struct{}, 2)
	for _, name := range archiveNames(t) {
		suite, err := conform.Find(filepath.Join(archives, name))
		if err != nil {
			t.Fatal(err)
		}
		defer suite.Close()
		for i, c := range suite.Cases {
			if strings.HasPrefix(c.Name, "light/") || len(c.Sets) == 0 || testing.Short() && i%8 != 0 {
				continue
			}
			model, err := fs.ReadFile(c.Files, "model.onnx")
			if err != nil || len(model) > 1<<17 {
				continue // real models take too long for what they show
			}
			turn <- struct{}{}
			group.Go(func() {
				defer func() { <-turn }()
				for round := range max(rounds, 1) {
					attack(t, c, model, rand.New(rand.NewPCG(uint64(round), uint64(i))))
				}
			})
		}
	}
	group.Wait()
}

// attack runs one case once, changed at random.
func attack(t *testing.T, c *conform.Case, model []byte, rng *rand.Rand) {
	m, err := onnx.Decode(model)
	if err != nil {
		return
	}
	feeds, err := recorded(c, m)
	if err != nil {
		return
	}
	var did []string
	for range 1 + rng.IntN(2) {
		did = append(did, change(rng, m, feeds))
	}
	loosen(rng, m, feeds)
	done := make(chan error, 1)
	start := time.Now()
	go func() { done <- tryRun(m, feeds, 1+3*rng.IntN(2)) }()
	select {
	case err = <-done:
	case <-time.After(20 * time.Second):
		err = fmt.Errorf("internal error: neither open nor run ends")
	}
	if err != nil && strings.Contains(err.Error(), "internal error") {
		t.Errorf("%s with %s: %v", c.Name, strings.Join(did, ", "), err)
	}
	if d := time.Since(start); d > 15*time.Second {
		t.Errorf("%s with %s takes %v", c.Name, strings.Join(did, ", "), d)
	}
}

// recorded returns the inputs of the first data set by name.
func recorded(c *conform.Case, m *onnx.Model) (map[string]*tensor.Tensor, error) {
	feeds, constant := map[string]*tensor.Tensor{}, map[string]bool{}
	for _, p := range m.Graph.Initializers {
		constant[p.Name] = true
	}
	at := 0
	for _, v := range m.Graph.Inputs {
		if constant[v.Name] || v.Type == nil {
			continue
		}
		if at >= len(c.Sets[0].Inputs) {
			break
		}
		msg, err := fs.ReadFile(c.Files, c.Sets[0].Inputs[at])
		if err != nil {
			return nil, err
		}
		if feeds[v.Name], err = tensor.DecodeValue(kindOf(v.Type), msg); err != nil {
			return nil, err
		}
		at++
	}
	return feeds, nil
}

// change changes an input or an attribute and says what it did.
func change(rng *rand.Rand, m *onnx.Model, feeds map[string]*tensor.Tensor) string {
	n := m.Graph.Nodes[rng.IntN(len(m.Graph.Nodes))]
	if len(n.Attributes) > 0 && rng.IntN(3) == 0 {
		return changeAttribute(rng, n.Attributes[rng.IntN(len(n.Attributes))])
	}
	if len(n.Inputs) > 1 && rng.IntN(12) == 0 {
		i := 1 + rng.IntN(len(n.Inputs)-1)
		n.Inputs[i] = ""
		return fmt.Sprintf("input %d absent", i)
	}
	if i := rng.IntN(len(n.Outputs) + 8); len(n.Outputs) > 1 && i < len(n.Outputs) {
		m.Graph.Outputs = slices.DeleteFunc(m.Graph.Outputs, func(v *onnx.ValueInfo) bool { return v.Name == n.Outputs[i] })
		n.Outputs[i] = ""
		return fmt.Sprintf("output %d absent", i)
	}
	for range 4 {
		v := m.Graph.Inputs[rng.IntN(max(len(m.Graph.Inputs), 1)):]
		if len(v) == 0 {
			break
		}
		x := feeds[v[0].Name]
		if x == nil || x.Kind() != tensor.KindTensor {
			continue
		}
		if rng.IntN(2) == 0 {
			feeds[v[0].Name] = reshaped(rng, x)
		} else {
			feeds[v[0].Name] = revalued(rng, x)
		}
		y := feeds[v[0].Name]
		return fmt.Sprintf("%s %v %v %.12v", v[0].Name, y.DType(), y.Shape(), tensor.Float64s(y, min(y.Len(), 6)))
	}
	return "no change"
}

var oddInts = []int64{0, -1, 1, 2, 3, -2, 5, 7, 255, 1 << 20, 1 << 31, -1 << 31, math.MaxInt64, math.MinInt64}

func changeAttribute(rng *rand.Rand, a *onnx.Attribute) string {
	odd := oddInts[rng.IntN(len(oddInts))]
	switch a.Type {
	case onnx.AttrInt:
		a.I = odd
		return fmt.Sprintf("%s=%d", a.Name, odd)
	case onnx.AttrFloat:
		a.F = []float32{0, -1, float32(math.NaN()), float32(math.Inf(1)), 1e30, 0.5}[rng.IntN(6)]
		return fmt.Sprintf("%s=%v", a.Name, a.F)
	case onnx.AttrInts:
		if len(a.Ints) > 0 && rng.IntN(3) > 0 {
			a.Ints[rng.IntN(len(a.Ints))] = odd
		} else if rng.IntN(2) == 0 {
			a.Ints = append(a.Ints, odd)
		} else {
			a.Ints = a.Ints[:len(a.Ints)/2]
		}
		return fmt.Sprintf("%s=%v", a.Name, a.Ints)
	case onnx.AttrFloats:
		a.Floats = a.Floats[:len(a.Floats)/2]
	case onnx.AttrStrings:
		a.Strings = a.Strings[:len(a.Strings)/2]
	}
	return a.Name + " changed"
}

// reshaped returns a tensor of another shape, with the elements of x over and over.
func reshaped(rng *rand.Rand, x *tensor.Tensor) *tensor.Tensor {
	dims := x.Shape().Clone()
	at := rng.IntN(len(dims) + 1)
	switch k := rng.IntN(7); {
	case k == 0 || len(dims) == 0:
		dims = append(append(dims[:at:at], 1+rng.IntN(2)), dims[at:]...)
	case k == 1:
		dims = dims[:len(dims)-1]
	case k == 2:
		dims = nil
	default:
		at %= len(dims)
		dims[at] = []int{0, 1, dims[at] + 1, max(dims[at]-1, 0), 2 * dims[at]}[rng.IntN(5)]
	}
	y := tensor.New(x.DType(), dims...)
	if x.DType() == tensor.String {
		from, to := tensor.Of[string](x), tensor.Of[string](y)
		for i := range to {
			to[i] = "x"
			if len(from) > 0 {
				to[i] = from[i%len(from)]
			}
		}
		return y
	}
	for b := y.Bytes(); len(b) > 0 && len(x.Bytes()) > 0; {
		b = b[copy(b, x.Bytes()):]
	}
	return y
}

// revalued returns x with a few elements of extreme values.
func revalued(rng *rand.Rand, x *tensor.Tensor) *tensor.Tensor {
	y := x.Clone()
	b, size := y.Bytes(), max(x.DType().Bits()/8, 1)
	if len(b) < size || x.DType() == tensor.String || x.DType() == tensor.Bool {
		return y
	}
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(b)/size) * size
		e := b[at : at+size]
		v := uint64(oddInts[rng.IntN(len(oddInts))])
		if f := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e30}[rng.IntN(5)]; x.DType() == tensor.Float32 {
			v = uint64(math.Float32bits(float32(f)))
		} else if x.DType() == tensor.Float64 {
			v = math.Float64bits(f)
		}
		for i := range e {
			e[i] = byte(v >> (8 * (i % 8)))
		}
	}
	return y
}

// loosen takes declared shapes out of the model and makes inputs constant, at random.
func loosen(rng *rand.Rand, m *onnx.Model, feeds map[string]*tensor.Tensor) {
	known := rng.IntN(2) == 0
	keep := m.Graph.Inputs[:0]
	for _, v := range m.Graph.Inputs {
		x := feeds[v.Name]
		if x != nil && x.Kind() == tensor.KindTensor && rng.IntN(4) == 0 {
			m.Graph.Initializers = append(m.Graph.Initializers, tensor.NewProto(v.Name, x))
			delete(feeds, v.Name)
			continue
		}
		if x != nil && v.Type != nil && v.Type.Kind == onnx.TypeTensor {
			v.Type = typeProto(x)
			if !known {
				v.Type.HasShape, v.Type.Dims = false, nil
			}
		}
		keep = append(keep, v)
	}
	m.Graph.Inputs, m.Graph.ValueInfos = keep, nil
	for _, v := range m.Graph.Outputs {
		if v.Type != nil && v.Type.Kind == onnx.TypeTensor {
			v.Type.HasShape, v.Type.Dims = false, nil
		}
	}
}

func tryRun(m *onnx.Model, feeds map[string]*tensor.Tensor, threads int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: panic: %v", p)
		}
	}()
	s, err := runtime.OpenBytes(onnx.Encode(m), &runtime.Options{MemoryLimit: 64 << 20, Threads: threads})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err = s.Run(ctx, feeds)
	return err
}
