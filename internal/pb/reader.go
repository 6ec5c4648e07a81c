// Package pb walks and writes the protobuf wire format without copying: the ground that the codecs of
// package tensor and package onnx stand on. It imports no package of this module.
package pb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// The wire types, as in package protowire.
const (
	Varint  = protowire.VarintType
	Fixed32 = protowire.Fixed32Type
	Fixed64 = protowire.Fixed64Type
	Bytes   = protowire.BytesType
	Group   = protowire.StartGroupType
)

// A Reader walks the fields of one message. Each call of Next makes the next field current.
type Reader struct {
	Num  int            // field number
	Type protowire.Type // wire type
	Int  uint64         // value of a Varint, Fixed32 or Fixed64 field
	Data []byte         // value of a Bytes field; aliases the message, with no spare capacity

	buf        []byte
	start, pos int
	err        error
}

// NewReader returns a Reader over the message msg.
func NewReader(msg []byte) Reader { return Reader{buf: msg} }

// Next goes to the next field and reports whether there is one. After false, Err tells whether the message
// ended or is malformed.
func (r *Reader) Next() bool {
	if r.err != nil || r.pos >= len(r.buf) {
		return false
	}
	r.start = r.pos
	if r.short() {
		return true
	}
	num, typ, n := protowire.ConsumeTag(r.buf[r.pos:])
	if n < 0 {
		return r.fail(n)
	}
	r.Num, r.Type, r.pos = int(num), typ, r.pos+n
	rest := r.buf[r.pos:]
	switch typ {
	case Varint:
		r.Int, n = protowire.ConsumeVarint(rest)
	case Fixed32:
		var v uint32
		v, n = protowire.ConsumeFixed32(rest)
		r.Int = uint64(v)
	case Fixed64:
		r.Int, n = protowire.ConsumeFixed64(rest)
	case Bytes:
		r.Data, n = protowire.ConsumeBytes(rest)
		r.Data = r.Data[:len(r.Data):len(r.Data)]
	default:
		n = protowire.ConsumeFieldValue(num, typ, rest)
	}
	if n < 0 {
		return r.fail(n)
	}
	r.pos += n
	return true
}

// short is Next for what most fields of a model are: a tag of one byte, and a number or a length of one byte.
func (r *Reader) short() bool {
	b := r.buf[r.pos:]
	if len(b) < 2 || b[0] >= 0x80 || b[0] < 1<<3 || b[1] >= 0x80 {
		return false
	}
	typ, n := protowire.Type(b[0]&7), 2
	switch {
	case typ == Varint:
		r.Int = uint64(b[1])
	case typ == Bytes && int(b[1]) <= len(b)-2:
		n += int(b[1])
		r.Data = b[2:n:n]
	default:
		return false
	}
	r.Num, r.Type, r.pos = int(b[0]>>3), typ, r.pos+n
	return true
}

func (r *Reader) fail(code int) bool {
	r.err = fmt.Errorf("malformed protobuf at byte %d of %d: %w", r.start, len(r.buf), protowire.ParseError(code))
	return false
}

// Err returns the error that ended the walk, if any.
func (r *Reader) Err() error { return r.err }

// Record returns the current field with its tag, as it stands in the message.
func (r *Reader) Record() []byte { return r.buf[r.start:r.pos:r.pos] }

// Is reports whether the current field has the given number and wire type. A field with another wire type
// than its declaration is an unknown field to protobuf.
func (r *Reader) Is(num int, typ protowire.Type) bool { return r.Num == num && r.Type == typ }

// Float32 returns the value of a Fixed32 field as a float.
func (r *Reader) Float32() float32 { return math.Float32frombits(uint32(r.Int)) }

// ErrVarint is the error of a packed list that ends inside a number or holds one of more than 64 bits.
var ErrVarint = errors.New("malformed protobuf: bad number in a packed list")

// Varints calls yield for each number of a repeated integer field, which may be packed or not.
func (r *Reader) Varints(yield func(uint64)) error {
	if r.Type == Varint {
		yield(r.Int)
		return nil
	}
	for b := r.Data; len(b) > 0; {
		if b[0] < 0x80 {
			yield(uint64(b[0]))
			b = b[1:]
			continue
		}
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return ErrVarint
		}
		yield(v)
		b = b[n:]
	}
	return nil
}

// AppendFloat32s appends the floats of a repeated field, which may be packed or not.
func (r *Reader) AppendFloat32s(dst []float32) ([]float32, error) {
	if r.Type == Fixed32 {
		return append(dst, r.Float32()), nil
	}
	if len(r.Data)%4 != 0 {
		return dst, fmt.Errorf("malformed protobuf: %d bytes of packed 32-bit numbers", len(r.Data))
	}
	for b := r.Data; len(b) > 0; b = b[4:] {
		dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return dst, nil
}

// CountVarints returns the number of integers in the current repeated field. It looks at their last bytes
// only, so a malformed list may still fail in Varints.
func (r *Reader) CountVarints() int {
	if r.Type == Varint {
		return 1
	}
	n := 0
	for _, b := range r.Data {
		n += int(^b >> 7)
	}
	return n
}

// Join merges two occurrences of a singular message field, which is what concatenating them amounts to. A
// nil first part is an absent field. The copy is charged to the budget.
func Join(first, second []byte, b *Budget) ([]byte, error) {
	if first == nil {
		return second[:len(second):len(second)], nil
	}
	if len(second) == 0 {
		return first, nil
	}
	n := len(second)
	if cap(first) == len(first) {
		n += len(first)
	}
	if err := b.Spend(2 * n); err != nil {
		return nil, err
	}
	return append(first, second...), nil
}

// A Budget bounds the memory that decoding may take, so that a few bytes of a hostile message never cost
// many times their size. A nil Budget is unbounded.
type Budget struct{ left int64 }

// NewBudget returns a budget of n bytes.
func NewBudget(n int64) *Budget { return &Budget{left: n} }

// ErrBudget is the error of a message whose structure takes more memory than its budget.
var ErrBudget = errors.New("the structure of the message takes more memory than allowed for its size")

// Spend takes n bytes off the budget.
func (b *Budget) Spend(n int) error {
	if b == nil {
		return nil
	}
	if b.left -= int64(n); b.left < 0 {
		b.left = 0
		return ErrBudget
	}
	return nil
}

// Make returns a zeroed slice of n elements, charged to the budget; nil for none.
func Make[T any](b *Budget, n int) ([]T, error) {
	if n == 0 {
		return nil, nil
	}
	var z T
	if err := b.Spend(n * int(unsafe.Sizeof(z))); err != nil {
		return nil, err
	}
	return make([]T, n), nil
}
