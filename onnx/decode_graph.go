package onnx

import (
	"strconv"

	"github.com/onnxrun/onnxrun/internal/pb"
)

func (d *decoder) graph(g *Graph, msg []byte) error {
	err := d.enter()
	defer d.leave()
	if err == nil {
		err = d.graphBody(g, msg)
	}
	if err != nil {
		err = within(err, "graph "+strconv.Quote(g.Name))
	}
	return err
}

// graphLists are the lists of a graph, with the values that their pointers go to.
type graphLists struct {
	nodes   []Node
	tensors []TensorProto
	sparse  []SparseTensor
	infos   [3][]ValueInfo // inputs, outputs, value infos: fields 11 to 13
}

func (d *decoder) graphLists(g *Graph, msg []byte) (l graphLists, err error) {
	c, err := count(msg)
	if err != nil {
		return l, err
	}
	if g.Nodes, l.nodes, err = alloc[Node](d, c[1]); err != nil {
		return l, err
	}
	if g.Initializers, l.tensors, err = alloc[TensorProto](d, c[5]); err != nil {
		return l, err
	}
	if g.SparseInitializers, l.sparse, err = alloc[SparseTensor](d, c[15]); err != nil {
		return l, err
	}
	for i, dst := range []*[]*ValueInfo{&g.Inputs, &g.Outputs, &g.ValueInfos} {
		if *dst, l.infos[i], err = alloc[ValueInfo](d, c[11+i]); err != nil {
			return l, err
		}
	}
	g.QuantizationAnnotations, err = room[Annotation](d, c[14])
	return l, err
}

func (d *decoder) graphBody(g *Graph, msg []byte) error {
	l, err := d.graphLists(g, msg)
	if err != nil {
		return err
	}
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(1, pb.Bytes):
			i := len(g.Nodes)
			g.Nodes = append(g.Nodes, &l.nodes[i])
			err = d.node(&l.nodes[i], r.Data, i)
		case r.Is(5, pb.Bytes):
			i := len(g.Initializers)
			t := &l.tensors[i]
			g.Initializers = append(g.Initializers, t)
			err = at(d.tensor(t, r.Data), "initializer", i, &t.Name)
		case r.Is(15, pb.Bytes):
			i := len(g.SparseInitializers)
			g.SparseInitializers = append(g.SparseInitializers, &l.sparse[i])
			err = at(d.sparse(&l.sparse[i], r.Data), "sparse_initializer", i, nil)
		case r.Is(11, pb.Bytes), r.Is(12, pb.Bytes), r.Is(13, pb.Bytes):
			err = d.graphValue(g, &l, &r)
		default:
			err = d.graphField(g, &r)
		}
		if err != nil {
			return err
		}
	}
	return r.Err()
}

func (d *decoder) graphValue(g *Graph, l *graphLists, r *pb.Reader) error {
	k := r.Num - 11
	dst := [...]*[]*ValueInfo{&g.Inputs, &g.Outputs, &g.ValueInfos}[k]
	i := len(*dst)
	v := &l.infos[k][i]
	*dst = append(*dst, v)
	return at(d.valueInfo(v, r.Data), [...]string{"input", "output", "value_info"}[k], i, &v.Name)
}

func (d *decoder) graphField(g *Graph, r *pb.Reader) error {
	switch {
	case r.Is(2, pb.Bytes):
		return d.str(r, &g.wire, &g.Name)
	case r.Is(10, pb.Bytes):
		return d.str(r, &g.wire, &g.Doc)
	case r.Is(14, pb.Bytes):
		g.QuantizationAnnotations = append(g.QuantizationAnnotations, Annotation{})
		i := len(g.QuantizationAnnotations) - 1
		return at(d.annotation(&g.QuantizationAnnotations[i], r.Data), "quantization_annotation", i, nil)
	case r.Is(16, pb.Bytes):
		return d.entry(r, &g.Metadata)
	}
	return d.keep(r, &g.wire)
}

func (d *decoder) annotation(a *Annotation, msg []byte) (err error) {
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(1, pb.Bytes):
			err = d.str(&r, &a.wire, &a.TensorName)
		case r.Is(2, pb.Bytes):
			err = d.entry(&r, &a.Params)
		default:
			err = d.keep(&r, &a.wire)
		}
		if err != nil {
			return err
		}
	}
	return r.Err()
}

func (d *decoder) valueInfo(v *ValueInfo, msg []byte) (err error) {
	var typ []byte
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(1, pb.Bytes):
			err = d.str(&r, &v.wire, &v.Name)
		case r.Is(2, pb.Bytes):
			err = d.join(&r, &typ)
		case r.Is(3, pb.Bytes):
			err = d.str(&r, &v.wire, &v.Doc)
		case r.Is(4, pb.Bytes):
			err = d.entry(&r, &v.Metadata)
		default:
			err = d.keep(&r, &v.wire)
		}
		if err != nil {
			return err
		}
	}
	if r.Err() != nil || typ == nil {
		return r.Err()
	}
	v.Type, err = d.newType(typ)
	return err
}

func (d *decoder) node(n *Node, msg []byte, index int) error {
	err := d.nodeBody(n, msg)
	if err == nil {
		return nil
	}
	what := element("node", index, n.Name)
	if n.OpType != "" {
		what += " (" + n.OpType + ")"
	}
	return within(err, what)
}

func (d *decoder) nodeBody(n *Node, msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	if n.Inputs, err = room[string](d, c[1]); err != nil {
		return err
	}
	if n.Outputs, err = room[string](d, c[2]); err != nil {
		return err
	}
	attrs, values, err := alloc[Attribute](d, c[5])
	n.Attributes = attrs
	r := pb.NewReader(msg)
	for err == nil && r.Next() {
		switch {
		case r.Is(1, pb.Bytes):
			err = d.strs(&r, &n.Inputs)
		case r.Is(2, pb.Bytes):
			err = d.strs(&r, &n.Outputs)
		case r.Is(3, pb.Bytes):
			err = d.str(&r, &n.wire, &n.Name)
		case r.Is(4, pb.Bytes):
			err = d.str(&r, &n.wire, &n.OpType)
		case r.Is(5, pb.Bytes):
			i := len(n.Attributes)
			n.Attributes = append(n.Attributes, &values[i])
			err = d.attribute(&values[i], r.Data, i)
		case r.Is(6, pb.Bytes):
			err = d.str(&r, &n.wire, &n.Doc)
		case r.Is(7, pb.Bytes):
			err = d.str(&r, &n.wire, &n.Domain)
		case r.Is(8, pb.Bytes):
			err = d.str(&r, &n.wire, &n.Overload)
		case r.Is(9, pb.Bytes):
			err = d.entry(&r, &n.Metadata)
		default:
			err = d.keep(&r, &n.wire)
		}
	}
	if err == nil {
		err = r.Err()
	}
	return err
}

func (d *decoder) function(f *Function, msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	for num, dst := range map[int]*[]string{4: &f.Inputs, 5: &f.Outputs, 6: &f.Attributes} {
		if *dst, err = room[string](d, c[num]); err != nil {
			return err
		}
	}
	if f.Opsets, err = room[OpsetID](d, c[9]); err != nil {
		return err
	}
	nodes, nv, err := alloc[Node](d, c[7])
	if err != nil {
		return err
	}
	attrs, av, err := alloc[Attribute](d, c[11])
	if err != nil {
		return err
	}
	infos, iv, err := alloc[ValueInfo](d, c[12])
	f.Nodes, f.AttributeProtos, f.ValueInfos = nodes, attrs, infos
	r := pb.NewReader(msg)
	for err == nil && r.Next() {
		switch {
		case r.Is(7, pb.Bytes):
			i := len(f.Nodes)
			f.Nodes = append(f.Nodes, &nv[i])
			err = d.node(&nv[i], r.Data, i)
		case r.Is(11, pb.Bytes):
			i := len(f.AttributeProtos)
			f.AttributeProtos = append(f.AttributeProtos, &av[i])
			err = d.attribute(&av[i], r.Data, i)
		case r.Is(12, pb.Bytes):
			i := len(f.ValueInfos)
			f.ValueInfos = append(f.ValueInfos, &iv[i])
			err = at(d.valueInfo(&iv[i], r.Data), "value_info", i, &iv[i].Name)
		default:
			err = d.functionField(f, &r)
		}
	}
	if err == nil {
		err = r.Err()
	}
	return err
}

func (d *decoder) functionField(f *Function, r *pb.Reader) error {
	if r.Type != pb.Bytes {
		return d.keep(r, &f.wire)
	}
	switch r.Num {
	case 1:
		return d.str(r, &f.wire, &f.Name)
	case 4:
		return d.strs(r, &f.Inputs)
	case 5:
		return d.strs(r, &f.Outputs)
	case 6:
		return d.strs(r, &f.Attributes)
	case 8:
		return d.str(r, &f.wire, &f.Doc)
	case 9:
		return d.opset(r, &f.Opsets)
	case 10:
		return d.str(r, &f.wire, &f.Domain)
	case 13:
		return d.str(r, &f.wire, &f.Overload)
	case 14:
		return d.entry(r, &f.Metadata)
	}
	return d.keep(r, &f.wire)
}
