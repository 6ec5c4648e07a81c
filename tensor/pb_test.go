package tensor_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/onnxrun/onnxrun/internal/onnxpb"
	"github.com/onnxrun/onnxrun/tensor"
)

func sprint(v any) string { return fmt.Sprint(v) }

func f32(v ...float32) []byte { b, _ := binary.Append(nil, binary.LittleEndian, v); return b }

// TestProtoStorages: the same tensor in each field that may hold it.
func TestProtoStorages(t *testing.T) {
	p := func(d tensor.DType, dims ...int64) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{DataType: proto.Int32(int32(d)), Dims: dims, Name: proto.String("w")}
	}
	cases := []struct {
		name  string
		proto *onnxpb.TensorProto
		fill  func(*onnxpb.TensorProto)
		want  []byte
	}{
		{"raw", p(tensor.Float32, 2), func(p *onnxpb.TensorProto) { p.RawData = f32(1, 2) }, f32(1, 2)},
		{"float_data", p(tensor.Float32, 2), func(p *onnxpb.TensorProto) { p.FloatData = []float32{1, 2} }, f32(1, 2)},
		{"complex", p(tensor.Complex64, 1), func(p *onnxpb.TensorProto) { p.FloatData = []float32{1, 2} }, f32(1, 2)},
		{"float16", p(tensor.Float16, 2), func(p *onnxpb.TensorProto) { p.Int32Data = []int32{0x3C00, 0xBC00} }, []byte{0, 0x3C, 0, 0xBC}},
		{"int8", p(tensor.Int8, 2), func(p *onnxpb.TensorProto) { p.Int32Data = []int32{-1, 5} }, []byte{0xFF, 5}},
		{"bool", p(tensor.Bool, 3), func(p *onnxpb.TensorProto) { p.RawData = []byte{0, 1, 7} }, []byte{0, 1, 1}},
		{"int4", p(tensor.Int4, 3), func(p *onnxpb.TensorProto) { p.Int32Data = []int32{0x21, 0x0F} }, []byte{0x21, 0x0F}},
		{"uint2", p(tensor.Uint2, 5), func(p *onnxpb.TensorProto) { p.Int32Data = []int32{0xE4, 1} }, []byte{0xE4, 1}},
		{"float6", p(tensor.Float6E2M3, 4), func(p *onnxpb.TensorProto) { p.Int32Data = []int32{1, 2, 3, 63} }, []byte{0x81, 0x30, 0xFC}},
		{"int64", p(tensor.Int64, 1), func(p *onnxpb.TensorProto) { p.Int64Data = []int64{-1} }, bytes.Repeat([]byte{0xFF}, 8)},
		{"uint32", p(tensor.Uint32, 1), func(p *onnxpb.TensorProto) { p.Uint64Data = []uint64{1 << 31} }, []byte{0, 0, 0, 0x80}},
		{"double", p(tensor.Float64, 1), func(p *onnxpb.TensorProto) { p.DoubleData = []float64{1} }, []byte{0, 0, 0, 0, 0, 0, 0xF0, 0x3F}},
		{"empty", p(tensor.Float32, 0, 5), func(p *onnxpb.TensorProto) {}, nil},
		{"scalar", p(tensor.Uint8), func(p *onnxpb.TensorProto) { p.RawData = []byte{9} }, []byte{9}},
	}
	for _, c := range cases {
		c.fill(c.proto)
		msg, err := proto.Marshal(c.proto)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tensor.DecodeProto(msg)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		v, err := got.Value()
		if err != nil || got.Check() != nil || !bytes.Equal(tensor.LittleEndian(v), c.want) {
			t.Errorf("%s: %v, %v, want %v", c.name, v, err, c.want)
		}
		back := new(onnxpb.TensorProto)
		if err := proto.Unmarshal(tensor.EncodeProto(got), back); err != nil || !proto.Equal(back, c.proto) {
			t.Errorf("%s: encoded again it is another message (%v)", c.name, err)
		}
	}
}

// TestProtoNoCopy: the elements of raw_data and of one packed list are those of the message, unless they are few.
func TestProtoNoCopy(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		t.Skip("elements are copied where the machine's order is not the file's")
	}
	many := make([]float32, 5000)
	many[0] = 1
	for _, tc := range []struct {
		p    *onnxpb.TensorProto
		copy bool
	}{
		{&onnxpb.TensorProto{DataType: proto.Int32(1), Dims: []int64{5000}, RawData: f32(many...)}, false},
		{&onnxpb.TensorProto{DataType: proto.Int32(1), Dims: []int64{5000}, FloatData: many}, false},
		{&onnxpb.TensorProto{DataType: proto.Int32(1), Dims: []int64{2}, RawData: f32(1, 0)}, true},
	} {
		msg, _ := proto.Marshal(tc.p)
		got, err := tensor.DecodeProto(msg)
		if err != nil {
			t.Fatal(err)
		}
		v, err := got.Value()
		if err != nil {
			t.Fatal(err)
		}
		i := bytes.Index(msg, f32(1, 0))
		if got := &v.Bytes()[0] != &msg[i]; got != tc.copy {
			t.Errorf("%d elements: copied %v, want %v", v.Len(), got, tc.copy)
		}
	}
}

// values are of every kind that has a message.
func values() []*tensor.Tensor {
	a, b := tensor.FromSlice([]float32{1, 2}), tensor.FromSlice([]float32{3}, 1, 1)
	s := tensor.FromSlice([]string{"x", ""})
	seq := tensor.NewSequence(tensor.Float32, a, b)
	ints, _ := tensor.NewMap(tensor.FromSlice([]int32{-3, 5}), a, b)
	strs, _ := tensor.NewMap(s, a, b)
	return []*tensor.Tensor{
		a, s, tensor.Scalar(true), seq, tensor.NewSequence(tensor.Undefined), tensor.NewSequence(tensor.Float32, seq, seq),
		tensor.NewSequence(tensor.Float32, ints), tensor.NewOptional(tensor.Float32, b), tensor.NewOptional(tensor.Undefined, nil),
		tensor.NewOptional(tensor.Float32, seq), tensor.NewOptional(tensor.Float32, tensor.NewOptional(tensor.Float32, a)), ints, strs,
		tensor.NewSparse(tensor.Shape{2, 3}, a, tensor.FromSlice([]int64{1, 4})),
	}
}

func TestValueRoundTrip(t *testing.T) {
	for i, v := range values() {
		msg := tensor.EncodeValue("name", v)
		got, err := tensor.DecodeValue(v.Kind(), msg)
		if err != nil {
			t.Errorf("value %d (%v): %v", i, v.Kind(), err)
			continue
		}
		if diff(v, got) {
			t.Errorf("value %d (%v) comes back as another", i, v.Kind())
		}
		var m proto.Message
		switch v.Kind() {
		case tensor.KindTensor:
			m = new(onnxpb.TensorProto)
		case tensor.KindSequence:
			m = new(onnxpb.SequenceProto)
		case tensor.KindOptional:
			m = new(onnxpb.OptionalProto)
		case tensor.KindMap:
			m = new(onnxpb.MapProto)
		case tensor.KindSparse:
			m = new(onnxpb.SparseTensorProto)
		}
		if err := proto.Unmarshal(msg, m); err != nil || len(m.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("value %d (%v): the oracle: %v", i, v.Kind(), err)
		}
	}
}

// diff reports whether two values differ.
func diff(a, b *tensor.Tensor) bool {
	if a.Kind() != b.Kind() || a.DType() != b.DType() || !a.Shape().Equal(b.Shape()) || !bytes.Equal(a.Bytes(), b.Bytes()) ||
		sprint(a.Strings()) != sprint(b.Strings()) || len(a.Elems()) != len(b.Elems()) || (a.Keys() == nil) != (b.Keys() == nil) {
		return true
	}
	for i := range a.Elems() {
		if diff(a.Elems()[i], b.Elems()[i]) {
			return true
		}
	}
	return a.Keys() != nil && diff(a.Keys(), b.Keys())
}

// FuzzDecodeValue: any bytes give a value or an error.
func FuzzDecodeValue(f *testing.F) {
	for _, v := range values() {
		f.Add(uint8(v.Kind()), tensor.EncodeValue("n", v))
	}
	f.Fuzz(func(t *testing.T, kind uint8, msg []byte) {
		v, err := tensor.DecodeValue(tensor.Kind(kind%5), msg)
		if err == nil {
			_ = tensor.EncodeValue("", v)
		}
	})
}
