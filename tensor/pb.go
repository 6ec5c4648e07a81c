package tensor

import (
	"fmt"
	"sync"
)

// A Proto is a TensorProto message: the name, element type and dimensions of a tensor, and its elements in
// encoded form. Value decodes the elements when asked for; elements stored as raw_data or in another file
// are not copied.
//
// The exported fields may be changed before the message is encoded; Value is made from the fields as they
// are at its first call. A Proto may be read by many goroutines.
type Proto struct {
	Name     string
	Doc      string
	DataType int32   // as in DType; not checked
	Dims     []int64 // not checked
	Location int32   // 1: the elements are in another file
	External []ProtoEntry
	Metadata []ProtoEntry

	// Resolve finds the bytes of a tensor whose Location is 1. The reader of a model sets it.
	Resolve func(*Proto) ([]byte, error)

	raw  []byte // raw_data; aliases the message
	body []byte // the message as it was read: data fields and unknown fields are found in it
	set  uint32 // bit n: field n was present

	once  sync.Once
	value *Tensor
	err   error
}

// A ProtoEntry is a StringStringEntryProto: one key and value.
type ProtoEntry struct{ Key, Value string }

// NewProto returns a message for the dense tensor t. The elements are not copied.
func NewProto(name string, t *Tensor) *Proto {
	p := &Proto{Name: name, DataType: int32(t.dtype), Dims: make([]int64, len(t.shape))}
	for i, d := range t.shape {
		p.Dims[i] = int64(d)
	}
	p.once.Do(func() { p.value = t })
	return p
}

// DType returns the element type, and Undefined if DataType is not one of ONNX 1.23.
func (p *Proto) DType() DType {
	if p.DataType < 0 || p.DataType >= NumDTypes {
		return Undefined
	}
	return DType(p.DataType)
}

// Shape returns the dimensions as a Shape. It fails if one is negative or the number of elements overflows.
func (p *Proto) Shape() (Shape, error) {
	s := make(Shape, len(p.Dims))
	for i, d := range p.Dims {
		if int64(int(d)) != d {
			return nil, fmt.Errorf("tensor: dimension %d of %q overflows", d, p.Name)
		}
		s[i] = int(d)
	}
	if _, err := s.Count(); err != nil {
		return nil, fmt.Errorf("%w of %q", err, p.Name)
	}
	return s, nil
}

// Value returns the tensor. It is decoded once; it must not be written to, since it may alias a mapped file.
func (p *Proto) Value() (*Tensor, error) {
	p.once.Do(func() { p.value, p.err = p.decodeValue() })
	return p.value, p.err
}

func (p *Proto) decodeValue() (*Tensor, error) {
	shape, err := p.Shape()
	if err != nil {
		return nil, err
	}
	raw := p.raw
	if p.Location == 1 && p.Resolve != nil {
		if raw, err = p.Resolve(p); err != nil {
			return nil, err
		}
	}
	return FromBytes(p.DType(), shape, raw)
}
