package tensor

import (
	"fmt"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/pb"
)

// Field numbers of TensorProto.
const (
	fieldDims     = 1
	fieldDataType = 2
	fieldSegment  = 3
	fieldFloat    = 4
	fieldInt32    = 5
	fieldString   = 6
	fieldInt64    = 7
	fieldName     = 8
	fieldRaw      = 9
	fieldDouble   = 10
	fieldUint64   = 11
	fieldDoc      = 12
	fieldExternal = 13
	fieldLocation = 14
	fieldMetadata = 16
)

// DecodeProto reads a TensorProto message, which it aliases.
func DecodeProto(msg []byte) (*Proto, error) {
	p := new(Proto)
	if err := p.ReadWire(msg, pb.NewBudget(1<<20+4*int64(len(msg)))); err != nil {
		return nil, fmt.Errorf("tensor: %w", err)
	}
	return p, nil
}

// EncodeProto returns p as a TensorProto message.
func EncodeProto(p *Proto) []byte {
	var w pb.Writer
	p.WriteWire(&w)
	return w.AppendTo(nil)
}

// ReadWire fills the empty p from an encoded message, which it aliases.
func (p *Proto) ReadWire(msg []byte, b *pb.Budget) error {
	p.body = msg[:len(msg):len(msg)]
	r := pb.NewReader(msg)
	for r.Next() {
		if err := p.readField(&r, b); err != nil {
			return err
		}
	}
	return r.Err()
}

func (p *Proto) readField(r *pb.Reader, b *pb.Budget) (err error) {
	switch {
	case r.Num == fieldDims && (r.Type == pb.Varint || r.Type == pb.Bytes):
		if err = b.Spend(16 * r.CountVarints()); err == nil {
			err = r.Varints(func(v uint64) { p.Dims = append(p.Dims, int64(v)) })
		}
	case r.Is(fieldDataType, pb.Varint):
		p.DataType = int32(r.Int)
	case r.Is(fieldLocation, pb.Varint):
		p.Location = int32(r.Int)
	case r.Is(fieldName, pb.Bytes):
		p.Name, err = readString(r, b)
	case r.Is(fieldDoc, pb.Bytes):
		p.Doc, err = readString(r, b)
	case r.Is(fieldRaw, pb.Bytes):
		p.raw = r.Data
	case r.Is(fieldExternal, pb.Bytes):
		p.External, err = AppendEntry(p.External, r.Data, b)
	case r.Is(fieldMetadata, pb.Bytes):
		p.Metadata, err = AppendEntry(p.Metadata, r.Data, b)
	case r.Is(fieldSegment, pb.Bytes), isData(r):
	default:
		return nil
	}
	p.set |= 1 << r.Num
	return err
}

func readString(r *pb.Reader, b *pb.Budget) (string, error) {
	if err := b.Spend(len(r.Data)); err != nil {
		return "", err
	}
	return string(r.Data), nil
}

// isData reports whether the current field is one of the data fields with a wire type it may have.
func isData(r *pb.Reader) bool {
	for _, f := range dataFields {
		if r.Num == f.num {
			return f.accepts(r)
		}
	}
	return false
}

// WriteWire appends the message's fields to w: the known fields as they are now, data and unknown fields as
// they were read. A tensor in memory is written as raw_data or string_data.
func (p *Proto) WriteWire(w *pb.Writer) {
	p.writeHead(w)
	switch {
	case p.made() && p.value.dtype == String:
		for _, s := range p.value.strs {
			w.String(fieldString, s)
		}
	case p.made():
		w.Bytes(fieldRaw, littleEndian(p.value.dtype, p.value.Bytes()))
	default:
		p.writeBody(w, true)
	}
	p.writeTail(w, p.External, p.Location)
}

// WriteExternal is WriteWire with the elements left out and named by the given entries.
func (p *Proto) WriteExternal(w *pb.Writer, entries []ProtoEntry) {
	p.writeHead(w)
	p.writeBody(w, false)
	p.writeTail(w, entries, LocationExternal)
}

// WriteInline is WriteWire with the elements, of whatever storage, written as raw_data.
func (p *Proto) WriteInline(w *pb.Writer, raw []byte) {
	p.writeHead(w)
	w.Bytes(fieldRaw, raw)
	p.writeBody(w, false)
	p.writeTail(w, nil, 0)
}

func (p *Proto) writeHead(w *pb.Writer) {
	for _, d := range p.Dims {
		w.Int(fieldDims, d)
	}
	if p.DataType != 0 || p.set>>fieldDataType&1 != 0 {
		w.Int(fieldDataType, int64(p.DataType))
	}
}

func (p *Proto) writeTail(w *pb.Writer, external []ProtoEntry, location int32) {
	if p.Name != "" || p.set>>fieldName&1 != 0 {
		w.String(fieldName, p.Name)
	}
	if p.Doc != "" || p.set>>fieldDoc&1 != 0 {
		w.String(fieldDoc, p.Doc)
	}
	WriteEntries(w, fieldExternal, external)
	if location != 0 || p.Location == 0 && p.set>>fieldLocation&1 != 0 {
		w.Int(fieldLocation, int64(location))
	}
	WriteEntries(w, fieldMetadata, p.Metadata)
}

// writeBody copies the data fields, unless they are to be left out, and the unknown fields.
func (p *Proto) writeBody(w *pb.Writer, data bool) {
	r := pb.NewReader(p.body)
	for r.Next() {
		switch r.Num {
		case fieldDims:
			if r.Type == pb.Varint || r.Type == pb.Bytes {
				continue
			}
		case fieldDataType, fieldLocation:
			if r.Type == pb.Varint {
				continue
			}
		case fieldName, fieldDoc, fieldExternal, fieldMetadata:
			if r.Type == pb.Bytes {
				continue
			}
		default:
			if !data && isData(&r) {
				continue
			}
		}
		w.Raw(r.Record())
	}
}

// AppendEntry reads one entry message and appends it to list.
func AppendEntry(list []ProtoEntry, msg []byte, b *pb.Budget) ([]ProtoEntry, error) {
	var e ProtoEntry
	if err := b.Spend(2*int(unsafe.Sizeof(e)) + len(msg)); err != nil {
		return nil, err
	}
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(1, pb.Bytes):
			e.Key = string(r.Data)
		case r.Is(2, pb.Bytes):
			e.Value = string(r.Data)
		}
	}
	return append(list, e), r.Err()
}

// WriteEntries writes each entry as a message of field num.
func WriteEntries(w *pb.Writer, num int, list []ProtoEntry) {
	for _, e := range list {
		w.Begin(num)
		w.String(1, e.Key)
		w.String(2, e.Value)
		w.End()
	}
}
