package onnx

// attribute writes an attribute. One made by a program has its value written even if it is zero.
func (e *encoder) attribute(a *Attribute) {
	w := &a.wire
	fresh := !w.has(20) && a.RefAttrName == "" // made by a program, or by a writer of IR version 1
	e.str(w, 1, a.Name)
	if a.F != 0 || w.has(2) || fresh && a.Type == AttrFloat {
		e.w.Float32(2, a.F)
	}
	if a.I != 0 || w.has(3) || fresh && a.Type == AttrInt {
		e.w.Int(3, a.I)
	}
	if len(a.S) > 0 || w.has(4) || fresh && a.Type == AttrString {
		e.w.Bytes(4, a.S)
	}
	if a.T != nil {
		e.message(5, func() { e.tensor(a.T, &e.w) })
	}
	if a.G != nil {
		e.message(6, func() { e.graph(a.G) })
	}
	for _, v := range a.Floats {
		e.w.Float32(7, v)
	}
	for _, v := range a.Ints {
		e.w.Int(8, v)
	}
	for _, s := range a.Strings {
		e.w.Bytes(9, s)
	}
	messages(e, 10, a.Tensors, e.tensorFields)
	messages(e, 11, a.Graphs, e.graph)
	e.str(w, 13, a.Doc)
	if a.TypeProto != nil {
		e.message(14, func() { e.typ(a.TypeProto) })
	}
	messages(e, 15, a.TypeProtos, e.typ)
	e.int(w, 20, int64(a.Type))
	e.str(w, 21, a.RefAttrName)
	if a.SparseTensor != nil {
		e.message(22, func() { e.sparse(a.SparseTensor) })
	}
	messages(e, 23, a.SparseTensors, e.sparse)
	e.w.Raw(a.unknown)
}

func (e *encoder) typ(t *Type) {
	if t.Kind != TypeNone {
		e.message(int(t.Kind), func() { e.typeBody(t) })
	}
	e.str(&t.wire, 6, t.Denotation)
	e.w.Raw(t.unknown)
}

// typeBody writes the message inside the alternative that t takes.
func (e *encoder) typeBody(t *Type) {
	switch t.Kind {
	case TypeTensor, TypeSparse:
		e.int(&t.inner, 1, int64(t.ElemType))
		if t.HasShape {
			e.message(2, func() { e.dims(t.Dims) })
		}
	case TypeMap:
		e.int(&t.inner, 1, int64(t.ElemType))
		if t.Elem != nil {
			e.message(2, func() { e.typ(t.Elem) })
		}
	case TypeSequence, TypeOptional:
		if t.Elem != nil {
			e.message(1, func() { e.typ(t.Elem) })
		}
	case TypeOpaque:
		if t.Opaque != nil {
			e.str(&t.inner, 1, t.Opaque.Domain)
			e.str(&t.inner, 2, t.Opaque.Name)
		}
	}
	e.w.Raw(t.inner.unknown)
}

func (e *encoder) dims(list []Dim) {
	for i := range list {
		d := &list[i]
		e.message(1, func() {
			switch d.Kind {
			case DimValue:
				e.w.Int(1, d.Value)
			case DimParam:
				e.w.String(2, d.Param)
			}
			if d.more != nil {
				e.str(&d.more.wire, 3, d.more.denotation)
				e.w.Raw(d.more.unknown)
			}
		})
	}
}
