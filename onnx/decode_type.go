package onnx

import (
	"github.com/onnxrun/onnxrun/internal/pb"
)

func (d *decoder) newType(msg []byte) (*Type, error) {
	t, err := one[Type](d)
	if err == nil {
		err = d.enter()
		defer d.leave()
	}
	if err == nil {
		err = d.typ(t, msg)
	}
	return t, within(err, "type")
}

// typ reads a TypeProto. Of the alternatives the last one counts; one that occurs twice in a row is merged.
func (d *decoder) typ(t *Type, msg []byte) error {
	var body []byte
	r := pb.NewReader(msg)
	for r.Next() {
		var err error
		switch {
		case r.Type == pb.Bytes && isTypeKind(r.Num):
			if TypeKind(r.Num) != t.Kind {
				t.Kind, body = TypeKind(r.Num), nil
			}
			err = d.join(&r, &body)
		case r.Is(6, pb.Bytes):
			err = d.str(&r, &t.wire, &t.Denotation)
		default:
			err = d.keep(&r, &t.wire)
		}
		if err != nil {
			return err
		}
	}
	if r.Err() != nil {
		return r.Err()
	}
	switch t.Kind {
	case TypeTensor, TypeSparse:
		return d.tensorType(t, body)
	case TypeSequence, TypeOptional, TypeMap:
		return d.wrapperType(t, body)
	case TypeOpaque:
		return d.opaqueType(t, body)
	}
	return nil
}

func isTypeKind(num int) bool { return num < 10 && TypeKind(num).String() != "none" }

func (d *decoder) tensorType(t *Type, msg []byte) (err error) {
	var shape []byte
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(1, pb.Varint):
			t.inner.mark(&r)
			t.ElemType = int32(r.Int)
		case r.Is(2, pb.Bytes):
			err = d.join(&r, &shape)
		default:
			err = d.keep(&r, &t.inner)
		}
		if err != nil {
			return err
		}
	}
	if r.Err() != nil || shape == nil {
		return r.Err()
	}
	return d.shape(t, shape)
}

func (d *decoder) shape(t *Type, msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	t.HasShape = true
	t.Dims, err = room[Dim](d, c[1])
	r := pb.NewReader(msg)
	for err == nil && r.Next() {
		if !r.Is(1, pb.Bytes) {
			continue // TensorShapeProto has no other field; an unknown one is dropped
		}
		t.Dims = append(t.Dims, Dim{})
		err = at(d.dim(&t.Dims[len(t.Dims)-1], r.Data), "dim", len(t.Dims)-1, nil)
	}
	return err
}

func (d *decoder) dim(dim *Dim, msg []byte) error {
	r := pb.NewReader(msg)
	for r.Next() {
		var err error
		var w wire
		switch {
		case r.Is(1, pb.Varint):
			dim.Kind, dim.Value, dim.Param = DimValue, int64(r.Int), ""
		case r.Is(2, pb.Bytes):
			dim.Kind, dim.Value = DimParam, 0
			err = d.str(&r, &w, &dim.Param)
		default:
			if dim.more == nil {
				dim.more, err = one[dimMore](d)
			}
			if err == nil && r.Is(3, pb.Bytes) {
				err = d.str(&r, &dim.more.wire, &dim.more.denotation)
			} else if err == nil {
				err = d.keep(&r, &dim.more.wire)
			}
		}
		if err != nil {
			return err
		}
	}
	return r.Err()
}

// wrapperType reads the body of a sequence, an optional or a map.
func (d *decoder) wrapperType(t *Type, msg []byte) (err error) {
	elemField := 1
	if t.Kind == TypeMap {
		elemField = 2
	}
	var elem []byte
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(elemField, pb.Bytes):
			err = d.join(&r, &elem)
		case t.Kind == TypeMap && r.Is(1, pb.Varint):
			t.inner.mark(&r)
			t.ElemType = int32(r.Int)
		default:
			err = d.keep(&r, &t.inner)
		}
		if err != nil {
			return err
		}
	}
	if r.Err() != nil || elem == nil {
		return r.Err()
	}
	t.Elem, err = d.newType(elem)
	return err
}

func (d *decoder) opaqueType(t *Type, msg []byte) (err error) {
	t.Opaque = new(OpaqueType)
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(1, pb.Bytes):
			err = d.str(&r, &t.inner, &t.Opaque.Domain)
		case r.Is(2, pb.Bytes):
			err = d.str(&r, &t.inner, &t.Opaque.Name)
		default:
			err = d.keep(&r, &t.inner)
		}
		if err != nil {
			return err
		}
	}
	return r.Err()
}
