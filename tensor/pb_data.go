package tensor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxrun/onnxrun/internal/pb"
)

// dataField describes one of the fields of TensorProto that hold elements.
type dataField struct {
	num  int
	name string
	wire protowire.Type // of one element
	size int            // bytes of a fixed-width element
}

// dataFields are the fields for typed data; raw_data is kept apart.
var dataFields = []dataField{
	{fieldFloat, "float_data", pb.Fixed32, 4}, {fieldInt32, "int32_data", pb.Varint, 0},
	{fieldString, "string_data", pb.Bytes, 0}, {fieldInt64, "int64_data", pb.Varint, 0},
	{fieldDouble, "double_data", pb.Fixed64, 8}, {fieldUint64, "uint64_data", pb.Varint, 0},
	{fieldRaw, "raw_data", pb.Bytes, 1},
}

// accepts reports whether the current field has a wire type that f may have: repeated numbers may be packed.
func (f dataField) accepts(r *pb.Reader) bool {
	return r.Num == f.num && (r.Type == f.wire || r.Type == pb.Bytes)
}

// typedField returns the field that holds elements of d when raw_data does not.
func typedField(d DType) int {
	switch d {
	case Float32, Complex64:
		return fieldFloat
	case Float64, Complex128:
		return fieldDouble
	case Int64:
		return fieldInt64
	case Uint32, Uint64:
		return fieldUint64
	case String:
		return fieldString
	}
	return fieldInt32
}

// typedCount returns how many entries of the typed field n elements of d take: complex numbers take two
// each, 4-bit and 2-bit elements share one entry per byte.
func typedCount(d DType, n int) int {
	switch d.Bits() {
	case 4:
		return n/2 + n%2
	case 2:
		return n/4 + (n%4+3)/4
	}
	if d == Complex64 || d == Complex128 {
		return 2 * n
	}
	return n
}

// each calls yield for every occurrence of f.
func (p *Proto) each(f dataField, yield func(*pb.Reader) error) error {
	if p.set>>f.num&1 == 0 {
		return nil
	}
	r := pb.NewReader(p.body)
	for r.Next() {
		if f.accepts(&r) {
			if err := yield(&r); err != nil {
				return err
			}
		}
	}
	return r.Err()
}

// count returns the number of entries of f; for raw_data that of its last occurrence.
func (p *Proto) count(f dataField) (n int, err error) {
	if f.num == fieldRaw {
		return len(p.raw), nil
	}
	err = p.each(f, func(r *pb.Reader) error {
		switch {
		case f.wire == pb.Varint:
			return r.Varints(func(uint64) { n++ })
		case f.num == fieldString || r.Type != pb.Bytes:
			n++
		case len(r.Data)%f.size != 0:
			return fmt.Errorf("%s of %d bytes", f.name, len(r.Data))
		default:
			n += len(r.Data) / f.size
		}
		return nil
	})
	return n, err
}

// storage returns the field that holds the n elements, after checking that it is the only one, of the right
// kind for the element type, and of the right length.
func (p *Proto) storage(n int) (dataField, error) {
	var used dataField
	var have int
	for _, f := range dataFields {
		k, err := p.count(f)
		if err != nil {
			return f, err
		}
		if k > 0 && used.num != 0 {
			return f, fmt.Errorf("%s and %s together", used.name, f.name)
		}
		if k > 0 {
			used, have = f, k
		}
	}
	d := p.DType()
	if p.set>>fieldSegment&1 != 0 {
		return used, errors.New("segmented tensors are not supported")
	}
	want := typedCount(d, n)
	switch {
	case used.num == 0 && n > 0:
		return used, fmt.Errorf("%v%v without data", d, p.Dims)
	case used.num == 0:
		return used, nil
	case used.num == fieldRaw && d != String:
		if want = d.ByteLen(n); d.Size() > 1 && want/d.Size() != n {
			return used, fmt.Errorf("%v%v has more bytes than this machine addresses", d, p.Dims)
		}
	case used.num != typedField(d):
		return used, fmt.Errorf("%v stored in %s", d, used.name)
	}
	if have != want {
		return used, fmt.Errorf("%d entries of %s for %v%v, want %d", have, used.name, d, p.Dims, want)
	}
	return used, nil
}

// decode makes the tensor.
func (p *Proto) decode() (*Tensor, error) {
	shape, err := p.Shape()
	if err != nil {
		return nil, err
	}
	d := p.DType()
	if !d.Valid() {
		return nil, fmt.Errorf("element type %d is not one of ONNX 1.23", p.DataType)
	}
	if p.Location == LocationExternal {
		return p.decodeExternal(d, shape)
	}
	n := shape.Len()
	f, err := p.storage(n)
	if err != nil {
		return nil, err
	}
	switch {
	case d == String:
		return p.decodeStrings(shape, n)
	case n == 0:
		return FromBytes(d, shape, []byte{})
	case f.num == fieldRaw:
		return fromEncoded(d, shape, p.raw)
	}
	data, err := p.decodeTyped(f, d, d.ByteLen(n))
	if err != nil {
		return nil, err
	}
	return fewCopied(d, shape, data)
}

// small is how many bytes are copied: of a mapped file, elements that are read where they lie keep the pages around them in
// memory, which may be 2 MB.
const small = 16 << 10

// fewCopied returns a tensor over data, or over a copy if they are small.
func fewCopied(d DType, shape Shape, data []byte) (*Tensor, error) {
	if len(data) <= small {
		data = slices.Clone(data)
	}
	return FromBytes(d, shape, data)
}

// fromEncoded returns a tensor of little-endian data. Truth values other than 0 and 1, which Go does not
// have, become 1.
func fromEncoded(d DType, shape Shape, data []byte) (*Tensor, error) {
	if d == Bool && slices.ContainsFunc(data, func(b byte) bool { return b > 1 }) {
		data = slices.Clone(data)
		for i, b := range data {
			data[i] = min(b, 1)
		}
	}
	return fewCopied(d, shape, littleEndian(d, data))
}

func (p *Proto) decodeExternal(d DType, shape Shape) (*Tensor, error) {
	if err := p.checkExternal(); err != nil {
		return nil, err
	}
	if p.Resolve == nil {
		return nil, errors.New("the elements are in another file, and the model was not opened from a folder")
	}
	data, err := p.Resolve(p)
	if err != nil {
		return nil, err
	}
	return fromEncoded(d, shape, data)
}

func (p *Proto) decodeStrings(shape Shape, n int) (*Tensor, error) {
	t := &Tensor{dtype: String, shape: shape, strs: make([]string, 0, n)}
	err := p.each(dataFields[2], func(r *pb.Reader) error {
		t.strs = append(t.strs, string(r.Data))
		return nil
	})
	return t, err
}

// decodeTyped returns the elements of a typed field as size bytes in the machine's order. One packed list
// of fixed-width numbers is not copied.
func (p *Proto) decodeTyped(f dataField, d DType, size int) ([]byte, error) {
	var out []byte
	err := p.each(f, func(r *pb.Reader) error {
		if f.wire != pb.Varint && r.Type == pb.Bytes && len(r.Data) == size {
			out = littleEndian(d, r.Data)
			return nil
		}
		if out == nil {
			out = make([]byte, 0, size)
		}
		switch {
		case f.wire == pb.Varint:
			if d == Bool {
				return r.Varints(func(v uint64) { out = append(out, byte(min(v, 1))) })
			}
			return r.Varints(func(v uint64) { out = appendNative(out, v, d.Size()) })
		case r.Type == pb.Bytes:
			out = append(out, littleEndian(d, r.Data)...)
		default:
			out = appendNative(out, r.Int, f.size)
		}
		return nil
	})
	if d.Bits() == 6 {
		out = pack6(out)
	}
	return out, err
}

// pack6 packs 6-bit elements, one to a byte, into a bit stream that begins with the low bits.
func pack6(in []byte) []byte {
	out := make([]byte, Float6E2M3.ByteLen(len(in)))
	for i, v := range in {
		bit := 6 * i
		w := uint16(v&63) << (bit % 8)
		out[bit/8] |= byte(w)
		if w>>8 != 0 {
			out[bit/8+1] |= byte(w >> 8)
		}
	}
	return out
}

// appendNative appends the low size bytes of v in the machine's order; packed types have size 0 and take
// one byte per entry.
func appendNative(out []byte, v uint64, size int) []byte {
	switch size {
	case 2:
		return binary.NativeEndian.AppendUint16(out, uint16(v))
	case 4:
		return binary.NativeEndian.AppendUint32(out, uint32(v))
	case 8:
		return binary.NativeEndian.AppendUint64(out, v)
	}
	return append(out, byte(v))
}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// littleEndian converts elements between little-endian and the machine's order: data itself where both are
// the same, else a copy with the bytes of each number swapped.
func littleEndian(d DType, data []byte) []byte {
	if !bigEndian || d.Size() < 2 {
		return data
	}
	return swapped(d, data)
}

// swapped returns a copy of data with the bytes of each number reversed. Complex numbers are two.
func swapped(d DType, data []byte) []byte {
	size := d.Size()
	if d == Complex64 || d == Complex128 {
		size /= 2
	}
	return reversed(data, size)
}

// reversed returns a copy of data with the bytes of each number of size bytes reversed.
func reversed(data []byte, size int) []byte {
	out := slices.Clone(data)
	for i := 0; i+size <= len(out); i += size {
		slices.Reverse(out[i : i+size])
	}
	return out
}

// LittleEndian returns the elements of a dense numeric tensor in little-endian order, as files hold them:
// the tensor's own storage where the machine has that order, else a copy.
func LittleEndian(t *Tensor) []byte { return littleEndian(t.dtype, t.Bytes()) }
