package onnx

import (
	"bytes"

	"github.com/onnxrun/onnxrun/internal/pb"
)

func (d *decoder) attribute(a *Attribute, msg []byte, index int) error {
	err := d.attributeBody(a, msg)
	if err == nil {
		return nil
	}
	return at(err, "attribute", index, &a.Name)
}

// attrParts is what is gathered while an attribute is read: room for its lists, and the encoded singular
// messages, which may come in several parts.
type attrParts struct {
	tensors      []TensorProto
	graphs       []Graph
	sparses      []SparseTensor
	text         []byte // the bytes of Strings
	t, g, tp, sp []byte
}

// attrRoom makes the lists of an attribute.
func (d *decoder) attrRoom(a *Attribute, p *attrParts, msg []byte) error {
	var c counts
	floats, ints, text := 0, 0, 0
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(7, pb.Bytes):
			floats += len(r.Data) / 4
		case r.Is(7, pb.Fixed32):
			floats++
		case r.Is(8, pb.Bytes), r.Is(8, pb.Varint):
			ints += r.CountVarints()
		case r.Type == pb.Bytes && r.Num < len(c):
			c[r.Num]++
			if r.Num == 9 {
				text += len(r.Data)
			}
		}
	}
	err := r.Err()
	if err == nil {
		a.Floats, err = room[float32](d, floats)
	}
	if err == nil {
		a.Ints, err = room[int64](d, ints)
	}
	if err == nil {
		a.Strings, err = room[[]byte](d, c[9])
	}
	if err == nil {
		p.text, err = room[byte](d, text)
	}
	if err == nil {
		a.Tensors, p.tensors, err = alloc[TensorProto](d, c[10])
	}
	if err == nil {
		a.Graphs, p.graphs, err = alloc[Graph](d, c[11])
	}
	if err == nil {
		a.SparseTensors, p.sparses, err = alloc[SparseTensor](d, c[23])
	}
	return err
}

func (d *decoder) attributeBody(a *Attribute, msg []byte) error {
	var p attrParts
	if err := d.attrRoom(a, &p, msg); err != nil {
		return err
	}
	r := pb.NewReader(msg)
	for r.Next() {
		if err := d.attrField(a, &p, &r); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	return d.attrMessages(a, &p)
}

func (d *decoder) attrField(a *Attribute, p *attrParts, r *pb.Reader) error {
	switch {
	case r.Is(1, pb.Bytes):
		return d.str(r, &a.wire, &a.Name)
	case r.Is(2, pb.Fixed32):
		a.mark(r)
		a.F = r.Float32()
	case r.Is(3, pb.Varint):
		a.int(r, &a.I)
	case r.Is(4, pb.Bytes):
		return d.attrString(a, r)
	case r.Is(5, pb.Bytes):
		return d.join(r, &p.t)
	case r.Is(6, pb.Bytes):
		return d.join(r, &p.g)
	case r.Is(13, pb.Bytes):
		return d.str(r, &a.wire, &a.Doc)
	case r.Is(14, pb.Bytes):
		return d.join(r, &p.tp)
	case r.Is(20, pb.Varint):
		a.mark(r)
		a.Type = AttributeType(r.Int)
	case r.Is(21, pb.Bytes):
		return d.str(r, &a.wire, &a.RefAttrName)
	case r.Is(22, pb.Bytes):
		return d.join(r, &p.sp)
	default:
		return d.attrElement(a, p, r)
	}
	return nil
}

// maxCopied is the length up to which a string attribute is copied off the message.
const maxCopied = 4096

func (d *decoder) attrString(a *Attribute, r *pb.Reader) error {
	a.mark(r)
	a.S = r.Data
	if len(r.Data) > maxCopied {
		return nil
	}
	a.S = bytes.Clone(r.Data)
	return d.budget.Spend(len(r.Data))
}

// attrElement reads a field that adds to one of the lists.
func (d *decoder) attrElement(a *Attribute, p *attrParts, r *pb.Reader) (err error) {
	switch {
	case r.Is(7, pb.Bytes), r.Is(7, pb.Fixed32):
		a.Floats, err = r.AppendFloat32s(a.Floats)
	case r.Is(8, pb.Bytes), r.Is(8, pb.Varint):
		return r.Varints(func(v uint64) { a.Ints = append(a.Ints, int64(v)) })
	case r.Is(9, pb.Bytes):
		k := len(p.text)
		p.text = append(p.text, r.Data...)
		a.Strings = append(a.Strings, p.text[k:len(p.text):len(p.text)])
	case r.Is(10, pb.Bytes):
		i := len(a.Tensors)
		a.Tensors = append(a.Tensors, &p.tensors[i])
		return at(d.tensor(&p.tensors[i], r.Data), "tensor", i, &p.tensors[i].Name)
	case r.Is(11, pb.Bytes):
		i := len(a.Graphs)
		a.Graphs = append(a.Graphs, &p.graphs[i])
		return d.graph(&p.graphs[i], r.Data)
	case r.Is(15, pb.Bytes):
		t, err := d.newType(r.Data)
		a.TypeProtos = append(a.TypeProtos, t)
		return err
	case r.Is(23, pb.Bytes):
		i := len(a.SparseTensors)
		a.SparseTensors = append(a.SparseTensors, &p.sparses[i])
		return d.sparse(&p.sparses[i], r.Data)
	default:
		return d.keep(r, &a.wire)
	}
	return err
}

// attrMessages decodes the singular messages of an attribute.
func (d *decoder) attrMessages(a *Attribute, p *attrParts) (err error) {
	if p.t != nil {
		if a.T, err = one[TensorProto](d); err == nil {
			err = d.tensor(a.T, p.t)
		}
		if err != nil {
			return within(err, "tensor")
		}
	}
	if p.sp != nil {
		if a.SparseTensor, err = one[SparseTensor](d); err == nil {
			err = d.sparse(a.SparseTensor, p.sp)
		}
		if err != nil {
			return within(err, "sparse_tensor")
		}
	}
	if p.tp != nil {
		t, err := d.newType(p.tp)
		if err != nil {
			return err
		}
		a.TypeProto = t
	}
	if p.g != nil {
		if a.G, err = one[Graph](d); err == nil {
			err = d.graph(a.G, p.g)
		}
	}
	return err
}

func (d *decoder) tensor(t *TensorProto, msg []byte) error {
	t.Resolve = d.resolve
	return t.ReadWire(msg, d.budget)
}

func (d *decoder) sparse(s *SparseTensor, msg []byte) (err error) {
	var parts [2][]byte
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(1, pb.Bytes), r.Is(2, pb.Bytes):
			err = d.join(&r, &parts[r.Num-1])
		case r.Is(3, pb.Bytes), r.Is(3, pb.Varint):
			if err = d.budget.Spend(16 * r.CountVarints()); err == nil {
				err = r.Varints(func(v uint64) { s.Dims = append(s.Dims, int64(v)) })
			}
		default:
			err = d.keep(&r, &s.wire)
		}
		if err != nil {
			return err
		}
	}
	if r.Err() != nil {
		return r.Err()
	}
	for i, dst := range []**TensorProto{&s.Values, &s.Indices} {
		if parts[i] == nil {
			continue
		}
		if *dst, err = one[TensorProto](d); err == nil {
			err = d.tensor(*dst, parts[i])
		}
		if err != nil {
			return within(err, [...]string{"values", "indices"}[i])
		}
	}
	return nil
}
