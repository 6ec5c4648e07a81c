package onnx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/onnxrun/onnxrun/internal/onnxpb"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestOracle decodes every model at hand with the generated bindings and with this package, compares the
// content, encodes it and lets the bindings decode the result.
func TestOracle(t *testing.T) {
	n := 0
	models(t, func(name string, msg []byte) {
		n++
		want := new(onnxpb.ModelProto)
		if err := proto.Unmarshal(msg, want); err != nil {
			t.Fatalf("%s: the oracle: %v", name, err)
		}
		m, err := onnx.Decode(msg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		c := comparer{}
		c.model(m, want)
		for i, d := range c.diffs[:min(len(c.diffs), 3)] {
			t.Errorf("%s: difference %d of %d: %s", name, i+1, len(c.diffs), d)
		}
		back := new(onnxpb.ModelProto)
		out := onnx.Encode(m)
		if err := proto.Unmarshal(out, back); err != nil || !proto.Equal(want, back) {
			t.Errorf("%s: encoded again it is another model (%v)", name, err)
		}
		if !bytes.Equal(out, onnx.Encode(m)) {
			t.Errorf("%s: encoded twice it differs", name)
		}
	})
	t.Logf("%d models", n)
}

// comparer collects the differences between a model and the same model in the oracle's form.
type comparer struct {
	path  string
	diffs []string
}

func (c *comparer) in(path string, i int, f func()) {
	old := c.path
	c.path = fmt.Sprintf("%s/%s[%d]", c.path, path, i)
	f()
	c.path = old
}

func (c *comparer) eq(what string, got, want any) {
	if gv, wv := reflect.ValueOf(got), reflect.ValueOf(want); gv.Kind() == reflect.Slice && gv.Len() == 0 && wv.Len() == 0 {
		return
	}
	if fmt.Sprint(got) != fmt.Sprint(want) { // by text, so that NaN equals NaN
		c.diffs = append(c.diffs, fmt.Sprintf("%s/%s: %v, want %v", c.path, what, got, want))
	}
}

// each compares two lists element by element.
func each[G, W any](c *comparer, what string, got []G, want []W, f func(G, W)) {
	c.eq("number of "+what, len(got), len(want))
	for i := range min(len(got), len(want)) {
		c.in(what, i, func() { f(got[i], want[i]) })
	}
}

func (c *comparer) model(m *onnx.Model, w *onnxpb.ModelProto) {
	c.eq("ir_version", m.IRVersion, w.GetIrVersion())
	c.eq("producer_name", m.ProducerName, w.GetProducerName())
	c.eq("producer_version", m.ProducerVersion, w.GetProducerVersion())
	c.eq("domain", m.Domain, w.GetDomain())
	c.eq("model_version", m.ModelVersion, w.GetModelVersion())
	c.eq("doc", m.Doc, w.GetDocString())
	c.opsets(m.Opsets, w.OpsetImport)
	c.entries(m.Metadata, w.MetadataProps)
	c.graph(m.Graph, w.Graph)
	each(c, "function", m.Functions, w.Functions, c.function)
	each(c, "training", m.TrainingInfo, w.TrainingInfo, func(g *onnx.TrainingInfo, w *onnxpb.TrainingInfoProto) {
		c.graph(g.Initialization, w.Initialization)
		c.graph(g.Algorithm, w.Algorithm)
		c.entries(g.InitializationBinding, w.InitializationBinding)
		c.entries(g.UpdateBinding, w.UpdateBinding)
	})
}

func (c *comparer) opsets(got []onnx.OpsetID, want []*onnxpb.OperatorSetIdProto) {
	each(c, "opset", got, want, func(g onnx.OpsetID, w *onnxpb.OperatorSetIdProto) {
		c.eq("domain", g.Domain, w.GetDomain())
		c.eq("version", g.Version, w.GetVersion())
	})
}

func (c *comparer) entries(got []onnx.Entry, want []*onnxpb.StringStringEntryProto) {
	each(c, "entry", got, want, func(g onnx.Entry, w *onnxpb.StringStringEntryProto) {
		c.eq("key", g.Key, w.GetKey())
		c.eq("value", g.Value, w.GetValue())
	})
}

func (c *comparer) graph(g *onnx.Graph, w *onnxpb.GraphProto) {
	if c.eq("graph present", g != nil, w != nil); g == nil || w == nil {
		return
	}
	c.eq("name", g.Name, w.GetName())
	c.eq("doc", g.Doc, w.GetDocString())
	each(c, "node", g.Nodes, w.Node, c.node)
	each(c, "initializer", g.Initializers, w.Initializer, c.tensor)
	each(c, "sparse_initializer", g.SparseInitializers, w.SparseInitializer, c.sparse)
	each(c, "input", g.Inputs, w.Input, c.valueInfo)
	each(c, "output", g.Outputs, w.Output, c.valueInfo)
	each(c, "value_info", g.ValueInfos, w.ValueInfo, c.valueInfo)
	c.entries(g.Metadata, w.MetadataProps)
	each(c, "annotation", g.QuantizationAnnotations, w.QuantizationAnnotation, func(g onnx.Annotation, w *onnxpb.TensorAnnotation) {
		c.eq("tensor", g.TensorName, w.GetTensorName())
		c.entries(g.Params, w.QuantParameterTensorNames)
	})
}

func (c *comparer) node(g *onnx.Node, w *onnxpb.NodeProto) {
	c.eq("name", g.Name, w.GetName())
	c.eq("op_type", g.OpType, w.GetOpType())
	c.eq("domain", g.Domain, w.GetDomain())
	c.eq("overload", g.Overload, w.GetOverload())
	c.eq("doc", g.Doc, w.GetDocString())
	c.eq("inputs", g.Inputs, w.Input)
	c.eq("outputs", g.Outputs, w.Output)
	c.entries(g.Metadata, w.MetadataProps)
	each(c, "attribute", g.Attributes, w.Attribute, c.attribute)
}

func (c *comparer) attribute(g *onnx.Attribute, w *onnxpb.AttributeProto) {
	c.eq("name", g.Name, w.GetName())
	c.eq("ref", g.RefAttrName, w.GetRefAttrName())
	c.eq("type", int32(g.Type), int32(w.GetType()))
	c.eq("f", g.F, w.GetF())
	c.eq("i", g.I, w.GetI())
	c.eq("s", g.S, w.GetS())
	c.eq("floats", g.Floats, w.Floats)
	c.eq("ints", g.Ints, w.Ints)
	c.eq("strings", g.Strings, w.Strings)
	if c.eq("t present", g.T != nil, w.T != nil); g.T != nil && w.T != nil {
		c.tensor(g.T, w.T)
	}
	c.graph(g.G, w.G)
	each(c, "tensors", g.Tensors, w.Tensors, c.tensor)
	each(c, "graphs", g.Graphs, w.Graphs, c.graph)
	if c.eq("sparse present", g.SparseTensor != nil, w.SparseTensor != nil); g.SparseTensor != nil {
		c.sparse(g.SparseTensor, w.SparseTensor)
	}
	each(c, "sparse_tensors", g.SparseTensors, w.SparseTensors, c.sparse)
	c.typ(g.TypeProto, w.Tp)
	each(c, "type_protos", g.TypeProtos, w.TypeProtos, c.typ)
}

func (c *comparer) function(g *onnx.Function, w *onnxpb.FunctionProto) {
	c.eq("name", g.Name, w.GetName())
	c.eq("domain", g.Domain, w.GetDomain())
	c.eq("overload", g.Overload, w.GetOverload())
	c.eq("inputs", g.Inputs, w.Input)
	c.eq("outputs", g.Outputs, w.Output)
	c.eq("attributes", g.Attributes, w.Attribute)
	c.opsets(g.Opsets, w.OpsetImport)
	each(c, "attribute_proto", g.AttributeProtos, w.AttributeProto, c.attribute)
	each(c, "node", g.Nodes, w.Node, c.node)
	each(c, "value_info", g.ValueInfos, w.ValueInfo, c.valueInfo)
}

func (c *comparer) valueInfo(g *onnx.ValueInfo, w *onnxpb.ValueInfoProto) {
	c.eq("name", g.Name, w.GetName())
	c.eq("doc", g.Doc, w.GetDocString())
	c.typ(g.Type, w.Type)
}

func (c *comparer) typ(g *onnx.Type, w *onnxpb.TypeProto) {
	if c.eq("type present", g != nil, w != nil); g == nil || w == nil {
		return
	}
	switch {
	case w.GetTensorType() != nil:
		c.tensorType(g, onnx.TypeTensor, w.GetTensorType().GetElemType(), w.GetTensorType().Shape)
	case w.GetSparseTensorType() != nil:
		c.tensorType(g, onnx.TypeSparse, w.GetSparseTensorType().GetElemType(), w.GetSparseTensorType().Shape)
	case w.GetSequenceType() != nil:
		c.eq("kind", g.Kind, onnx.TypeSequence)
		c.typ(g.Elem, w.GetSequenceType().ElemType)
	case w.GetOptionalType() != nil:
		c.eq("kind", g.Kind, onnx.TypeOptional)
		c.typ(g.Elem, w.GetOptionalType().ElemType)
	case w.GetMapType() != nil:
		c.eq("kind", g.Kind, onnx.TypeMap)
		c.eq("key", g.ElemType, w.GetMapType().GetKeyType())
		c.typ(g.Elem, w.GetMapType().ValueType)
	case w.GetOpaqueType() != nil:
		c.eq("kind", g.Kind, onnx.TypeOpaque)
		c.eq("opaque", *g.Opaque, onnx.OpaqueType{Domain: w.GetOpaqueType().GetDomain(), Name: w.GetOpaqueType().GetName()})
	default:
		c.eq("kind", g.Kind, onnx.TypeNone)
	}
}

func (c *comparer) tensorType(g *onnx.Type, kind onnx.TypeKind, elem int32, shape *onnxpb.TensorShapeProto) {
	c.eq("kind", g.Kind, kind)
	c.eq("elem", g.ElemType, elem)
	c.eq("has shape", g.HasShape, shape != nil)
	each(c, "dim", g.Dims, shape.GetDim(), func(g onnx.Dim, w *onnxpb.TensorShapeProto_Dimension) {
		c.eq("value", g.Value, w.GetDimValue())
		c.eq("param", g.Param, w.GetDimParam())
		c.eq("denotation", g.Denotation(), w.GetDenotation())
		_, isValue := w.Value.(*onnxpb.TensorShapeProto_Dimension_DimValue)
		c.eq("is value", g.Kind == onnx.DimValue, isValue)
	})
}

func (c *comparer) sparse(g *onnx.SparseTensor, w *onnxpb.SparseTensorProto) {
	c.eq("dims", g.Dims, w.Dims)
	c.tensor(g.Values, w.Values)
	c.tensor(g.Indices, w.Indices)
}

func (c *comparer) tensor(g *onnx.TensorProto, w *onnxpb.TensorProto) {
	c.eq("name", g.Name, w.GetName())
	c.eq("doc", g.Doc, w.GetDocString())
	c.eq("dtype", g.DataType, w.GetDataType())
	c.eq("dims", g.Dims, w.Dims)
	c.eq("location", g.Location, int32(w.GetDataLocation()))
	c.entries(g.External, w.ExternalData)
	want, strs := elements(w)
	if w.GetDataLocation() == onnxpb.TensorProto_EXTERNAL || len(want) == 0 && len(strs) == 0 {
		return // weights elsewhere, or taken out
	}
	v, err := g.Value()
	if err != nil {
		c.diffs = append(c.diffs, c.path+": "+err.Error())
		return
	}
	if !bytes.Equal(tensor.LittleEndian(v), want) {
		c.diffs = append(c.diffs, c.path+": other elements")
	}
	c.eq("strings", v.Strings(), strs)
}

// elements returns the elements of an oracle's tensor: little-endian bytes, or strings.
func elements(w *onnxpb.TensorProto) (b []byte, strs []string) {
	b = append(b, w.RawData...)
	for _, v := range w.FloatData {
		b, _ = binary.Append(b, binary.LittleEndian, v)
	}
	for _, v := range w.DoubleData {
		b, _ = binary.Append(b, binary.LittleEndian, v)
	}
	for _, v := range w.Int64Data {
		b, _ = binary.Append(b, binary.LittleEndian, v)
	}
	size := max(1, tensor.DType(w.GetDataType()).Size())
	for _, v := range w.Int32Data {
		full, _ := binary.Append(nil, binary.LittleEndian, v)
		b = append(b, full[:size]...)
	}
	for _, v := range w.Uint64Data {
		full, _ := binary.Append(nil, binary.LittleEndian, v)
		b = append(b, full[:size]...)
	}
	for _, s := range w.StringData {
		strs = append(strs, string(s))
	}
	return b, strs
}
