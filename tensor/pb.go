package tensor

import (
	"fmt"
	"sync"
)

// A Proto is a TensorProto message: the name, element type and dimensions of a tensor, and its elements in
// encoded form. Value decodes the elements when asked for; elements stored as raw_data or in another file
// are not copied, unless they take few bytes.
//
// The exported fields may be changed before the message is encoded; Value is made from the fields as they
// are at its first call. A Proto may be read by many goroutines.
type Proto struct {
	Name     string
	Doc      string
	DataType int32   // as in DType; not checked
	Location int32   // LocationExternal: the elements are in another file
	Dims     []int64 // not checked
	External []ProtoEntry
	Metadata []ProtoEntry

	// Resolve finds the bytes of a tensor whose elements are in another file. The reader of a model sets it.
	Resolve func(*Proto) ([]byte, error)

	raw  []byte // raw_data; aliases the message
	body []byte // the message as it was read: data fields and unknown fields are found in it
	set  uint32 // bit n: field n was present

	once  sync.Once
	value *Tensor
	err   error
}

// LocationExternal is the Location of a tensor whose elements are in another file.
const LocationExternal = 1

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
	p.once.Do(func() {
		if p.value, p.err = p.decode(); p.err != nil {
			p.err = fmt.Errorf("tensor %q: %w", p.Name, p.err)
		}
	})
	return p.value, p.err
}

// Check reports whether the message is a valid tensor: a known element type, dimensions that are not
// negative and do not overflow, and exactly one data field of the kind and length they ask for. It decodes
// and allocates nothing. The keys of external data are checked by whoever resolves them.
func (p *Proto) Check() error {
	shape, err := p.Shape()
	if err != nil {
		return err
	}
	if !p.DType().Valid() {
		return fmt.Errorf("element type %d is not one of ONNX 1.23", p.DataType)
	}
	if p.made() || p.Location == LocationExternal {
		return p.checkExternal()
	}
	_, err = p.storage(shape.Len())
	return err
}

// SetValue replaces the tensor that p stands for, its element type and its dimensions. It must not be
// called while others read p.
func (p *Proto) SetValue(t *Tensor) {
	n := NewProto(p.Name, t)
	p.DataType, p.Dims, p.Location, p.External = n.DataType, n.Dims, 0, nil
	p.raw, p.body, p.value, p.err = nil, nil, t, nil
	p.once.Do(func() {})
}

// Compressed reports whether the elements are stored as numbers of variable length, so that Value takes up to
// eight times the memory of the message.
func (p *Proto) Compressed() bool {
	const varints = 1<<fieldInt32 | 1<<fieldInt64 | 1<<fieldUint64
	return !p.made() && p.set&varints != 0
}

// made reports whether p stands for a tensor in memory and not for an encoded message.
func (p *Proto) made() bool { return p.body == nil && p.value != nil }

func (p *Proto) checkExternal() error {
	if p.made() {
		return nil
	}
	if p.DType() == String {
		return fmt.Errorf("strings cannot be external data")
	}
	for _, f := range dataFields {
		if n, err := p.count(f); err != nil || n > 0 {
			return fmt.Errorf("external data and %s together", f.name)
		}
	}
	return nil
}
