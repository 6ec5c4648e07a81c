package tensor

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/internal/pb"
)

// The element types of SequenceProto and OptionalProto. The values are in the field of that number plus 2.
const (
	protoTensor   = 1
	protoSparse   = 2
	protoSequence = 3
	protoMap      = 4
	protoOptional = 5
)

// maxValueNesting bounds how deep sequences, maps and optionals may contain each other.
const maxValueNesting = 128

// DecodeValue reads a value of the given kind: a TensorProto, SparseTensorProto, SequenceProto, OptionalProto
// or MapProto message. The result may alias msg.
func DecodeValue(kind Kind, msg []byte) (*Tensor, error) {
	d := valueDecoder{budget: pb.NewBudget(1<<20 + 8*int64(len(msg)))}
	t, err := d.value(kind, msg)
	if err != nil {
		return nil, fmt.Errorf("tensor: %v message: %w", kind, err)
	}
	return t, nil
}

type valueDecoder struct {
	budget *pb.Budget
	depth  int
}

func (d *valueDecoder) value(kind Kind, msg []byte) (*Tensor, error) {
	if d.depth++; d.depth > maxValueNesting {
		return nil, fmt.Errorf("values nested more than %d deep", maxValueNesting)
	}
	defer func() { d.depth-- }()
	if err := d.budget.Spend(256); err != nil {
		return nil, err
	}
	switch kind {
	case KindSparse:
		return d.sparse(msg)
	case KindSequence:
		return d.sequence(msg)
	case KindOptional:
		return d.optional(msg)
	case KindMap:
		return d.mapping(msg)
	}
	var p Proto
	if err := p.ReadWire(msg, d.budget); err != nil {
		return nil, err
	}
	return p.Value()
}

// member decodes field num of a SequenceProto or OptionalProto, whose value fields have the same numbers.
func (d *valueDecoder) member(num int, msg []byte) (*Tensor, error) {
	return d.value([...]Kind{KindTensor, KindSparse, KindSequence, KindMap, KindOptional}[num-3], msg)
}

func isMember(r *pb.Reader) bool { return r.Type == pb.Bytes && r.Num >= 3 && r.Num <= 7 }

func (d *valueDecoder) sequence(msg []byte) (*Tensor, error) {
	t := NewSequence(Undefined)
	member := 0
	r := pb.NewReader(msg)
	for r.Next() {
		if !isMember(&r) {
			continue
		}
		if member != 0 && r.Num != member {
			return nil, errors.New("a sequence of values of several kinds")
		}
		member = r.Num
		e, err := d.member(r.Num, r.Data)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(t.elems), err)
		}
		t.elems = append(t.elems, e)
		t.dtype = e.dtype
	}
	return t, r.Err()
}

func (d *valueDecoder) optional(msg []byte) (*Tensor, error) {
	t := NewOptional(Undefined, nil)
	r := pb.NewReader(msg)
	for r.Next() {
		if !isMember(&r) {
			continue
		}
		e, err := d.member(r.Num, r.Data)
		if err != nil {
			return nil, err
		}
		t.elems, t.dtype = []*Tensor{e}, e.dtype
	}
	return t, r.Err()
}

func (d *valueDecoder) mapping(msg []byte) (*Tensor, error) {
	var ints []int64
	var strs []string
	values := NewSequence(Undefined)
	keyType := Undefined
	r := pb.NewReader(msg)
	for r.Next() {
		var err error
		switch {
		case r.Is(2, pb.Varint) && r.Int < NumDTypes:
			keyType = DType(r.Int)
		case r.Is(3, pb.Varint), r.Is(3, pb.Bytes):
			if err = d.budget.Spend(16 * r.CountVarints()); err == nil {
				err = r.Varints(func(v uint64) { ints = append(ints, int64(v)) })
			}
		case r.Is(4, pb.Bytes):
			err = d.budget.Spend(32 + len(r.Data))
			strs = append(strs, string(r.Data))
		case r.Is(5, pb.Bytes):
			values, err = d.value(KindSequence, r.Data)
		}
		if err != nil {
			return nil, err
		}
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	keys, err := mapKeys(keyType, ints, strs)
	if err != nil {
		return nil, err
	}
	return NewMap(keys, values.elems...)
}

// mapKeys returns the keys of a map: strings, or integers narrowed to their type.
func mapKeys(d DType, ints []int64, strs []string) (*Tensor, error) {
	if d == String {
		return FromSlice(strs), nil
	}
	if !d.IsInt() || d.Size() == 0 {
		return nil, fmt.Errorf("a map with keys of %v", d)
	}
	t := New(d, len(ints))
	data := t.data[:0]
	for _, v := range ints {
		data = appendNative(data, uint64(v), d.Size())
	}
	return t, nil
}

func (d *valueDecoder) sparse(msg []byte) (*Tensor, error) {
	var parts [2]*Tensor
	var shape Shape
	r := pb.NewReader(msg)
	for r.Next() {
		var err error
		switch {
		case r.Is(1, pb.Bytes), r.Is(2, pb.Bytes):
			parts[r.Num-1], err = d.value(KindTensor, r.Data)
		case r.Is(3, pb.Varint), r.Is(3, pb.Bytes):
			if err = d.budget.Spend(16 * r.CountVarints()); err == nil {
				err = r.Varints(func(v uint64) { shape = append(shape, int(int64(v))) })
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	if parts[0] == nil || parts[1] == nil {
		return nil, errors.New("a sparse tensor without values or indices")
	}
	t := NewSparse(shape, parts[0], parts[1])
	return t, CheckSparse(t)
}

// EncodeValue returns t as a message of its kind, in the form that DecodeValue reads, under the given name.
func EncodeValue(name string, t *Tensor) []byte {
	var w pb.Writer
	writeValue(&w, name, t)
	return w.AppendTo(nil)
}

func writeValue(w *pb.Writer, name string, t *Tensor) {
	switch t.kind {
	case KindTensor:
		NewProto(name, t).WriteWire(w)
	case KindSparse:
		writeMember(w, 1, name, t.elems[0])
		writeMember(w, 2, "", t.elems[1])
		for _, d := range t.shape {
			w.Int(3, int64(d))
		}
	case KindMap:
		writeMap(w, name, t)
	default:
		w.String(1, name)
		elem := protoTensor
		if len(t.elems) > 0 {
			elem = protoType(t.elems[0].kind)
		} else if t.kind == KindOptional {
			elem = 0
		}
		w.Int(2, int64(elem))
		for _, e := range t.elems {
			writeMember(w, elem+2, "", e)
		}
	}
}

func protoType(k Kind) int {
	return [...]int{KindTensor: protoTensor, KindSparse: protoSparse, KindSequence: protoSequence,
		KindOptional: protoOptional, KindMap: protoMap}[k]
}

func writeMember(w *pb.Writer, num int, name string, t *Tensor) {
	w.Begin(num)
	writeValue(w, name, t)
	w.End()
}

func writeMap(w *pb.Writer, name string, t *Tensor) {
	w.String(1, name)
	w.Int(2, int64(t.keys.dtype))
	for _, s := range t.keys.strs {
		w.String(4, s)
	}
	if t.keys.dtype != String {
		w.PackedInts(3, Ints(t.keys))
	}
	writeMember(w, 5, "", NewSequence(t.dtype, t.elems...))
}
