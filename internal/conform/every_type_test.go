package conform_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestEveryType runs every version of every standard operator with every element type that its schema allows, one type
// constraint at a time: nothing may be unsupported. The nodes are those of the recorded cases and of moreNodes, rewritten to
// the version: the values become the nearest of the type, inputs become attributes and attributes inputs where versions
// differ in that.
func TestEveryType(t *testing.T) {
	templates := templatesByOperator(t)
	tried, ran := 0, 0
	for s := range schema.All() {
		if s.Deprecated || s.Domain == schema.Microsoft || s.Domain == schema.Internal {
			continue
		}
		if s.Domain == schema.PreviewTraining && s.Name == "Gradient" {
			continue // is expanded for the graph that it stands in
		}
		list := templatesFor(templates[s.Domain+":"+s.Name], s)
		before := ran
		for _, v := range variants(s) {
			tried++
			if err := runFirst(list, s, v); err == nil {
				ran++
			} else if unfit(err) {
				t.Errorf("%s:%s version %d, %v: %v", s.Domain, s.Name, s.Since, v, err)
			} else {
				t.Logf("%s:%s version %d, %v: %v", s.Domain, s.Name, s.Since, v, err)
			}
		}
		if ran == before {
			t.Errorf("%s:%s version %d runs with no type", s.Domain, s.Name, s.Since)
		}
	}
	t.Logf("%d of %d pairs of a version and a type ran; values or attributes of the others do not fit the type", ran, tried)
}

// runFirst runs the first template that fits, and returns what is wrong with the nearest if none does.
func runFirst(list []*template, s *schema.Schema, v variant) error {
	err := errors.New("no node shows how it is used")
	for i, tpl := range list {
		e := tpl.run(s, v)
		if e == nil || unfit(e) {
			return e
		}
		if i == 0 {
			err = e
		}
	}
	return err
}

// unfit tells what this test is about from values that do not fit a type.
func unfit(err error) bool {
	var missing *ops.UnsupportedError
	return errors.As(err, &missing) || strings.Contains(err.Error(), "internal error")
}

// variant sets one type constraint to an element type.
type variant struct {
	param string
	elem  tensor.DType
}

func (v variant) String() string { return fmt.Sprintf("%s = %v", v.param, v.elem) }

func variants(s *schema.Schema) []variant {
	var list []variant
	for _, c := range s.Constraints {
		for d := range tensor.DType(tensor.NumDTypes) {
			if allElems(c.Allowed).Has(int(d)) {
				list = append(list, variant{c.Param, d})
			}
		}
	}
	return append(list, variant{})
}

// allElems is the set of element types of all kinds of values.
func allElems(t schema.Types) schema.Set { return t.Tensor | t.Seq | t.Optional | t.OptionalSeq }

// template is a recorded case of one node.
type template struct {
	model *onnx.Model
	node  *onnx.Node
	in    []*tensor.Tensor
}

func templatesByOperator(t *testing.T) map[string][]*template {
	t.Helper()
	out := map[string][]*template{}
	add := func(tpl *template) {
		key := onnx.NormalDomain(tpl.node.Domain) + ":" + tpl.node.OpType
		out[key] = append(out[key], tpl)
	}
	for _, tpl := range moreNodes() {
		add(tpl)
	}
	for _, name := range archiveNames(t) {
		suite, err := conform.Find(filepath.Join(archives, name))
		if err != nil {
			t.Fatal(err)
		}
		defer suite.Close()
		for _, c := range suite.Cases {
			if tpl := newTemplate(c); tpl != nil {
				add(tpl)
			}
		}
	}
	return out
}

// newTemplate returns nil for cases that are not of one node.
func newTemplate(c *conform.Case) *template {
	msg, err := fs.ReadFile(c.Files, "model.onnx")
	if err != nil {
		return nil
	}
	m, err := onnx.Decode(msg)
	if err != nil || len(m.Graph.Nodes) != 1 || len(m.Functions) > 0 || len(c.Sets) == 0 {
		return nil
	}
	tpl := &template{model: m, node: m.Graph.Nodes[0]}
	values := map[string]*tensor.Tensor{}
	for _, p := range m.Graph.Initializers {
		if values[p.Name], err = p.Value(); err != nil {
			return nil
		}
	}
	at := 0
	for _, v := range m.Graph.Inputs {
		if values[v.Name] != nil {
			continue
		}
		if at >= len(c.Sets[0].Inputs) || v.Type == nil {
			return nil
		}
		msg, err := fs.ReadFile(c.Files, c.Sets[0].Inputs[at])
		if err != nil {
			return nil
		}
		if values[v.Name], err = tensor.DecodeValue(kindOf(v.Type), msg); err != nil {
			return nil
		}
		at++
	}
	for _, name := range tpl.node.Inputs {
		tpl.in = append(tpl.in, values[name])
	}
	return tpl
}

func kindOf(t *onnx.Type) tensor.Kind {
	switch t.Kind {
	case onnx.TypeSequence:
		return tensor.KindSequence
	case onnx.TypeOptional:
		return tensor.KindOptional
	case onnx.TypeMap:
		return tensor.KindMap
	case onnx.TypeSparse:
		return tensor.KindSparse
	}
	return tensor.KindTensor
}

// templatesFor sorts templates by how near their version is to that of s.
func templatesFor(list []*template, s *schema.Schema) []*template {
	distance := func(t *template) int {
		d := int(t.model.Opset(s.Domain)) - s.Since
		if d < 0 {
			d = -10 * d
		}
		return d
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *template) int { return distance(a) - distance(b) })
	return list
}

// run runs the template as version s with the types of v.
func (tpl *template) run(s *schema.Schema, v variant) error {
	n := &onnx.Node{OpType: s.Name, Domain: s.Domain, Outputs: slices.Clone(tpl.node.Outputs)}
	n.Outputs = n.Outputs[:min(len(n.Outputs), s.MaxOutputs)]
	in := tpl.arguments(s, n)
	types := map[string]tensor.DType{}
	if v.param != "" {
		types[v.param] = v.elem
		if strings.HasPrefix(s.Name, "Sequence") { // the type of a sequence and of its elements
			types["S"], types["T"] = v.elem, v.elem
		}
	}
	for i, x := range in {
		if p := s.Input(i); x != nil && p != nil {
			allowed := allElems(s.Allowed(p.TypeStr))
			if d, ok := types[p.TypeStr]; ok {
				in[i] = converted(x, d)
			} else if allowed != 0 && !allowed.Has(int(x.DType())) {
				in[i] = converted(x, firstOf(allowed))
			}
			types[p.TypeStr] = in[i].DType()
		}
	}
	retype(s, n, v)
	m := &onnx.Model{IRVersion: 12, Opsets: []onnx.OpsetID{{Version: max(int64(s.Since), 1)}}, Graph: &onnx.Graph{Name: "g", Nodes: []*onnx.Node{n}}}
	if s.Domain != "" {
		m.Opsets = []onnx.OpsetID{{Version: 21}, {Domain: s.Domain, Version: int64(s.Since)}}
	}
	feeds := map[string]*tensor.Tensor{}
	for i, x := range in {
		name := ""
		if x != nil {
			name = fmt.Sprint("i", i)
			feeds[name] = x
			m.Graph.Inputs = append(m.Graph.Inputs, &onnx.ValueInfo{Name: name, Type: typeProto(x)})
		}
		n.Inputs = append(n.Inputs, name)
	}
	for _, o := range n.Outputs {
		if o != "" {
			m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: o})
		}
	}
	session, err := runtime.OpenBytes(onnx.Encode(m), nil)
	if err != nil {
		return err
	}
	defer session.Close()
	_, err = session.Run(context.Background(), feeds)
	return err
}

// arguments returns the inputs for the formal parameters of s and gives n its attributes.
func (tpl *template) arguments(s *schema.Schema, n *onnx.Node) []*tensor.Tensor {
	old := schema.Lookup(s.Domain, s.Name, int(tpl.model.Opset(s.Domain)))
	var in []*tensor.Tensor
	for i, x := range tpl.in {
		p := old.Input(i)
		switch {
		case p == nil || s.Input(i) != nil && (s.Input(i).Option == schema.Variadic || s.Input(i).Name == p.Name) || s.Attribute(p.Name) == nil:
			if len(in) == i && i < s.MaxInputs {
				in = append(in, x)
			}
		case x != nil:
			n.Attributes = append(n.Attributes, asAttribute(s.Attribute(p.Name), x))
		}
	}
	for _, a := range tpl.node.Attributes {
		if s.Attribute(a.Name) != nil {
			n.Attributes = append(n.Attributes, a)
			continue
		}
		for i, p := range s.Inputs {
			if p.Name == a.Name || p.Name+"s" == a.Name {
				for len(in) <= i {
					in = append(in, nil)
				}
				in[i] = asInput(a)
			}
		}
	}
	return in
}

func asAttribute(def *schema.Attribute, x *tensor.Tensor) *onnx.Attribute {
	f := tensor.Float64s(x, x.Len())
	ints, floats := make([]int64, len(f)), make([]float32, len(f))
	for i, v := range f {
		ints[i], floats[i] = int64(v), float32(v)
	}
	switch {
	case def.Type == schema.Ints:
		return onnx.NewInts(def.Name, ints...)
	case def.Type == schema.Floats:
		return onnx.NewFloats(def.Name, floats...)
	case def.Type == schema.Int && len(f) > 0:
		return onnx.NewInt(def.Name, ints[0])
	case def.Type == schema.Float && len(f) > 0:
		return onnx.NewFloat(def.Name, floats[0])
	}
	return onnx.NewInts(def.Name, ints...)
}

func asInput(a *onnx.Attribute) *tensor.Tensor {
	switch a.Type {
	case onnx.AttrInts:
		return tensor.FromSlice(a.Ints, len(a.Ints))
	case onnx.AttrInt:
		return tensor.Scalar(a.I)
	case onnx.AttrFloats:
		return tensor.FromSlice(a.Floats, len(a.Floats))
	}
	return tensor.Scalar(a.F)
}

// retype sets the attribute that names the type of an output, where the varied constraint is of outputs alone.
func retype(s *schema.Schema, n *onnx.Node, v variant) {
	if v.param == "" || slices.ContainsFunc(s.Inputs, func(p schema.Param) bool { return p.TypeStr == v.param }) {
		return
	}
	for _, name := range []string{"to", "dtype", "output_dtype"} {
		def := s.Attribute(name)
		if def == nil {
			continue
		}
		n.Attributes = slices.DeleteFunc(n.Attributes, func(a *onnx.Attribute) bool { return a.Name == name })
		if def.Type == schema.String {
			names := map[tensor.DType]string{tensor.Float32: "FLOAT", tensor.Float64: "DOUBLE"}
			text := names[v.elem]
			if text == "" {
				text = strings.ToUpper(v.elem.String())
			}
			n.Attributes = append(n.Attributes, onnx.NewString(name, text))
			continue
		}
		n.Attributes = append(n.Attributes, onnx.NewInt(name, int64(v.elem)))
	}
}

func firstOf(s schema.Set) tensor.DType {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Int64} {
		if s.Has(int(d)) {
			return d
		}
	}
	for d := range tensor.DType(tensor.NumDTypes) {
		if s.Has(int(d)) {
			return d
		}
	}
	return tensor.Undefined
}

// converted returns x with elements of type d, the nearest that it has.
func converted(x *tensor.Tensor, d tensor.DType) *tensor.Tensor {
	switch x.Kind() {
	case tensor.KindSequence:
		var list []*tensor.Tensor
		for _, e := range x.Elems() {
			list = append(list, converted(e, d))
		}
		return tensor.NewSequence(d, list...)
	case tensor.KindOptional:
		if len(x.Elems()) == 0 {
			return tensor.NewOptional(d, nil)
		}
		return tensor.NewOptional(d, converted(x.Elems()[0], d))
	}
	if x.Kind() != tensor.KindTensor || x.DType() == d {
		return x
	}
	f := tensor.Float64s(x, x.Len())
	if f == nil {
		f = make([]float64, x.Len())
	}
	if d == tensor.String {
		text := make([]string, len(f))
		for i, v := range f {
			text[i] = fmt.Sprint(v)
		}
		return tensor.FromSlice(text, x.Shape()...)
	}
	for i, v := range f {
		if !d.IsFloat() && d != tensor.Complex64 && d != tensor.Complex128 {
			f[i] = math.Trunc(min(max(v, 0), float64(int(1)<<(min(d.Bits(), 8)-1)-1)))
			if d == tensor.Bool {
				f[i] = min(f[i], 1)
			}
		}
	}
	y, err := tensor.FromFloat64s(d, x.Shape(), f)
	if err != nil {
		return x
	}
	return y
}

// typeProto is the declared type of x, without a shape.
func typeProto(x *tensor.Tensor) *onnx.Type {
	switch x.Kind() {
	case tensor.KindSequence, tensor.KindOptional:
		kind := onnx.TypeSequence
		if x.Kind() == tensor.KindOptional {
			kind = onnx.TypeOptional
		}
		elem := &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(x.DType())}
		if len(x.Elems()) > 0 {
			elem = typeProto(x.Elems()[0])
			elem.HasShape, elem.Dims = false, nil
		}
		return &onnx.Type{Kind: kind, Elem: elem}
	case tensor.KindMap:
		return &onnx.Type{Kind: onnx.TypeMap, ElemType: int32(x.Keys().DType()), Elem: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(x.DType())}}
	}
	t := &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(x.DType()), HasShape: true}
	for _, d := range x.Shape() {
		t.Dims = append(t.Dims, onnx.FixedDim(int64(d)))
	}
	return t
}
