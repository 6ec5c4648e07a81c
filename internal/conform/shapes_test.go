package conform_test

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/survey"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// An inferredGraph is what ONNX's own inference (strict, with data propagation, shapes of outputs removed
// before) says of a graph. Sub names bodies by the index and type of the node and the attribute.
type inferredGraph struct {
	Inputs, Values, Outputs map[string]inferredType
	Declared                map[string]inferredType `json:"declared_outputs"`
	Sub                     map[string]inferredGraph
}

// An inferredType has one of E, Sequence and Optional. A dimension of S is a number, a name or nil.
type inferredType struct {
	E        string
	S        *[]any
	Sequence *inferredType
	Optional *inferredType
}

// TestInferredShapes infers every official model without the declared shapes of its outputs. Nothing may
// contradict ONNX's inference or the declared shapes, and nothing that it knows may stay unknown; names of
// dimensions of tensors in the main graph are compared up to renaming. Elements of a sequence may differ in
// size here, whatever the names that ONNX carries through it (so does the data of sequence_map_add_2_sequences).
// Sequences declared without a shape stand in the record as rank 0, which the data of loop13_seq denies: there
// only the element type counts. In a branch that is never taken a node may fail, and what follows it is open.
func TestInferredShapes(t *testing.T) {
	want, listed := readInferred(t), readExclusions(t)
	known, ours, dead := 0, 0, 0
	for _, name := range []string{"node.zip", "models.zip"} {
		suite, err := conform.Find(filepath.Join(archives, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { suite.Close() })
		for _, c := range suite.Cases {
			w, ok := want[c.Name]
			if !ok {
				t.Errorf("%s: shapes.zip does not have it", c.Name)
				continue
			}
			delete(want, c.Name)
			g, err := inferBare(c)
			var missing *ops.UnsupportedError
			if listed[c.Name] != "" && errors.As(err, &missing) {
				continue // exclusions.txt says so
			}
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			cmp := &shapeComparison{names: map[string]string{}, report: func(s string) { t.Errorf("%s: %s", c.Name, s) }}
			cmp.graph(g, w, "")
			cmp.declared(g, w.Declared)
			known, ours, dead = known+cmp.known, ours+cmp.more, dead+cmp.dead
		}
	}
	for name := range want {
		t.Errorf("shapes.zip has %s, which no archive has", name)
	}
	t.Logf("%d dimensions as in ONNX's inference, %d of them numbers where it has names; %d values of dead branches left open", known, ours, dead)
	if known < 49000 || dead > 100 {
		t.Errorf("too little was compared")
	}
}

func readInferred(t *testing.T) map[string]inferredGraph {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join(archives, "shapes.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open("inferred_shapes.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list map[string]inferredGraph
	if err := json.NewDecoder(f).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

// inferBare builds and infers the model of a case, the shapes of its outputs removed.
func inferBare(c *conform.Case) (*graph.Graph, error) {
	data, err := fs.ReadFile(c.Files, "model.onnx")
	if err != nil {
		return nil, err
	}
	m, err := onnx.Decode(data)
	if err != nil {
		return nil, err
	}
	for _, o := range m.Graph.Outputs {
		for typ := o.Type; typ != nil; typ = typ.Elem {
			typ.HasShape, typ.Dims = false, nil
		}
	}
	g, err := survey.Infer(m)
	if err != nil {
		return nil, err
	}
	graph.Complete(g)
	return g, nil
}

// A shapeComparison holds what was found while comparing one model.
type shapeComparison struct {
	names             map[string]string // dimension names of ONNX's inference, and what they are here
	report            func(string)
	known, more, dead int
}

func (c *shapeComparison) graph(g *graph.Graph, want inferredGraph, where string) {
	values := map[string]ops.Type{}
	for _, v := range g.Inputs {
		values[v.Name] = v.Type
	}
	for i, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				values[v.Name] = v.Type
			}
		}
		for _, b := range n.Bodies {
			key := fmt.Sprintf("%d:%s.%s", i, n.Type, b.Name)
			if sub, ok := want.Sub[key]; ok {
				c.graph(b.Graph, sub, where+key+"/")
			}
		}
	}
	for _, list := range []map[string]inferredType{want.Inputs, want.Values, want.Outputs} {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			got, ok := values[name]
			switch {
			case ok && !got.Present() && where != "":
				c.dead++
			case ok:
				c.value(where, name, got, list[name])
			}
		}
	}
}

// declared compares the outputs with what the model declared of them: numbers may not differ.
func (c *shapeComparison) declared(g *graph.Graph, want map[string]inferredType) {
	for _, v := range g.Outputs {
		w := want[v.Name]
		if w.S == nil || !v.Ranked {
			continue
		}
		if len(*w.S) != len(v.Dims) {
			c.report(fmt.Sprintf("output %s has rank %d, declared is %v", v.Name, len(v.Dims), *w.S))
			continue
		}
		for i, d := range *w.S {
			number, isNumber := d.(float64)
			if n, ok := v.Dims[i].Const(); ok && isNumber && float64(n) != number {
				c.report(fmt.Sprintf("output %s has dimensions %v, declared are %v", v.Name, v.Dims, *w.S))
			}
		}
	}
}

// value compares the value called name in the body where; there, and in sequences, dimensions have names of
// their own.
func (c *shapeComparison) value(where, name string, got ops.Type, want inferredType) {
	for _, level := range []struct {
		elem *inferredType
		kind tensor.Kind
	}{{want.Optional, tensor.KindOptional}, {want.Sequence, tensor.KindSequence}} {
		if level.elem == nil {
			continue
		}
		if got.Kind != level.kind || got.Elem == nil {
			c.report(fmt.Sprintf("%s%s is a %v, want a %v", where, name, got.Kind, level.kind))
			return
		}
		c.value(where, name+"[]", *got.Elem, *level.elem)
		return
	}
	if got.Kind != tensor.KindTensor || elemName(got.DType) != want.E {
		c.report(fmt.Sprintf("%s%s is a %v of %v, want a tensor of %s", where, name, got.Kind, got.DType, want.E))
		return
	}
	inSequence := strings.HasSuffix(name, "[]")
	if want.S == nil || inSequence && len(*want.S) == 0 {
		return
	}
	if !got.Ranked || len(got.Dims) != len(*want.S) {
		c.report(fmt.Sprintf("%s%s has dimensions %v (rank known: %v), want %v", where, name, got.Dims, got.Ranked, *want.S))
		return
	}
	for i, w := range *want.S {
		if err := c.dim(got.Dims[i], w, where == "" && !inSequence); err != "" {
			c.report(fmt.Sprintf("%s%s has dimensions %v, want %v: %s", where, name, got.Dims, *want.S, err))
		}
	}
}

// dim compares one dimension and returns what is wrong with it. With named, its name stands for one size.
func (c *shapeComparison) dim(got ops.Dim, want any, named bool) string {
	n, isInt := got.Const()
	switch w := want.(type) {
	case float64:
		if !isInt || float64(n) != w {
			return fmt.Sprintf("%v is not %v", got, w)
		}
		c.known++
	case string:
		text := got.String()
		if was, ok := c.names[w]; ok && named && was != text {
			return fmt.Sprintf("%s is both %s and %s", w, was, text)
		}
		if named {
			c.names[w] = text
		}
		if c.known++; isInt {
			c.more++
		}
	}
	return ""
}

// elemName spells an element type as TensorProto does, in lower case.
func elemName(d tensor.DType) string {
	switch d {
	case tensor.Float32:
		return "float"
	case tensor.Float64:
		return "double"
	}
	return d.String()
}
