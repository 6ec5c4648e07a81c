package onnx

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/pb"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxNesting bounds how deep graphs, functions and types may contain each other.
const maxNesting = 128

// structBudget is what the decoded structure of a model may take beyond the size of its encoding.
const structBudget = 128 << 20

// Decode reads a model. Tensors and long strings of the result alias msg, which must not change while the
// model is in use. Decode does not look into the elements of tensors, nor does it check more than the form
// of the encoding: see Check.
func Decode(msg []byte) (*Model, error) {
	return decodeModel(msg, nil, structBudget+int64(len(msg)))
}

func decodeModel(msg []byte, resolve func(*TensorProto) ([]byte, error), budget int64) (*Model, error) {
	d := decoder{budget: pb.NewBudget(budget), names: map[string]string{}, resolve: resolve}
	m := new(Model)
	if err := d.model(m, msg); err != nil {
		return nil, within(err, "model")
	}
	return m, nil
}

// DecodeFunction reads one FunctionProto.
func DecodeFunction(msg []byte) (*Function, error) {
	d := decoder{budget: pb.NewBudget(structBudget + int64(len(msg))), names: map[string]string{}}
	f := new(Function)
	if err := d.function(f, msg); err != nil {
		return nil, within(err, "function")
	}
	return f, nil
}

// decoder holds what is common to the parts of one model.
type decoder struct {
	budget  *pb.Budget
	names   map[string]string // one copy of each short string
	resolve func(*TensorProto) ([]byte, error)
	depth   int
}

var errNesting = fmt.Errorf("graphs or types are nested more than %d deep", maxNesting)

func (d *decoder) enter() error {
	if d.depth++; d.depth > maxNesting {
		return errNesting
	}
	return nil
}

func (d *decoder) leave() { d.depth-- }

// maxInterned is the length up to which equal strings are shared.
const maxInterned = 64

// str stores the current field as a string.
func (d *decoder) str(r *pb.Reader, w *wire, dst *string) error {
	w.mark(r)
	if len(r.Data) <= maxInterned {
		if s, ok := d.names[string(r.Data)]; ok {
			*dst = s
			return nil
		}
	}
	if err := d.budget.Spend(len(r.Data) + 48); err != nil {
		return err
	}
	*dst = string(r.Data)
	if len(r.Data) <= maxInterned {
		d.names[*dst] = *dst
	}
	return nil
}

// strs appends the current field to a list whose room has been made.
func (d *decoder) strs(r *pb.Reader, dst *[]string) error {
	*dst = append(*dst, "")
	var w wire
	return d.str(r, &w, &(*dst)[len(*dst)-1])
}

// entry appends the current field to a list of entries.
func (d *decoder) entry(r *pb.Reader, dst *[]Entry) (err error) {
	*dst, err = tensor.AppendEntry(*dst, r.Data, d.budget)
	return err
}

// join adds the current field to an earlier occurrence of the same singular message.
func (d *decoder) join(r *pb.Reader, dst *[]byte) (err error) {
	*dst, err = pb.Join(*dst, r.Data, d.budget)
	return err
}

// mark notes that the current field was present.
func (w *wire) mark(r *pb.Reader) { w.set |= 1 << r.Num }

func (w *wire) int(r *pb.Reader, dst *int64) {
	w.mark(r)
	*dst = int64(r.Int)
}

// keep keeps the current field as an unknown one.
func (d *decoder) keep(r *pb.Reader, w *wire) (err error) {
	if w.unknown == nil {
		w.unknown = r.Record()
		return nil
	}
	w.unknown, err = pb.Join(w.unknown, r.Record(), d.budget)
	return err
}

// counts holds how often each field of a message occurs, so that lists are allocated once.
type counts [32]int

func count(msg []byte) (c counts, err error) {
	r := pb.NewReader(msg)
	for r.Next() {
		if r.Num < len(c) && r.Type == pb.Bytes {
			c[r.Num]++
		}
	}
	return c, r.Err()
}

// alloc returns an empty list with room for n pointers, and the n values to point to.
func alloc[T any](d *decoder, n int) ([]*T, []T, error) {
	list, err := pb.Make[*T](d.budget, n)
	if err != nil {
		return nil, nil, err
	}
	vals, err := pb.Make[T](d.budget, n)
	return list[:0], vals, err
}

// one returns a new value.
func one[T any](d *decoder) (*T, error) {
	v := new(T)
	return v, d.budget.Spend(int(unsafe.Sizeof(*v)))
}

// room returns an empty list with room for n elements, nil for none.
func room[T any](d *decoder, n int) ([]T, error) {
	list, err := pb.Make[T](d.budget, n)
	return list[:0], err
}

func (d *decoder) model(m *Model, msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	if m.Opsets, err = room[OpsetID](d, c[8]); err != nil {
		return err
	}
	functions, fs, err := alloc[Function](d, c[25])
	if err != nil {
		return err
	}
	training, ts, err := alloc[TrainingInfo](d, c[20])
	if err != nil {
		return err
	}
	m.Functions, m.TrainingInfo = functions, training
	var graph []byte
	r := pb.NewReader(msg)
	for r.Next() {
		switch {
		case r.Is(25, pb.Bytes):
			i := len(m.Functions)
			m.Functions = append(m.Functions, &fs[i])
			err = at(d.function(&fs[i], r.Data), "function", i, &fs[i].Name)
		case r.Is(20, pb.Bytes):
			i := len(m.TrainingInfo)
			m.TrainingInfo = append(m.TrainingInfo, &ts[i])
			err = at(d.training(&ts[i], r.Data), "training_info", i, nil)
		case r.Is(7, pb.Bytes):
			err = d.join(&r, &graph)
		default:
			err = d.modelField(m, &r)
		}
		if err != nil {
			return err
		}
	}
	if graph != nil {
		m.Graph = new(Graph)
		err = d.graph(m.Graph, graph)
	}
	return errors.Join(r.Err(), err)
}

func (d *decoder) modelField(m *Model, r *pb.Reader) error {
	switch {
	case r.Is(1, pb.Varint):
		m.int(r, &m.IRVersion)
	case r.Is(2, pb.Bytes):
		return d.str(r, &m.wire, &m.ProducerName)
	case r.Is(3, pb.Bytes):
		return d.str(r, &m.wire, &m.ProducerVersion)
	case r.Is(4, pb.Bytes):
		return d.str(r, &m.wire, &m.Domain)
	case r.Is(5, pb.Varint):
		m.int(r, &m.ModelVersion)
	case r.Is(6, pb.Bytes):
		return d.str(r, &m.wire, &m.Doc)
	case r.Is(8, pb.Bytes):
		return d.opset(r, &m.Opsets)
	case r.Is(14, pb.Bytes):
		return d.entry(r, &m.Metadata)
	default:
		return d.keep(r, &m.wire)
	}
	return nil
}

func (d *decoder) opset(r *pb.Reader, dst *[]OpsetID) error {
	*dst = append(*dst, OpsetID{})
	o := &(*dst)[len(*dst)-1]
	in := pb.NewReader(r.Data)
	for in.Next() {
		var err error
		switch {
		case in.Is(1, pb.Bytes):
			err = d.str(&in, &o.wire, &o.Domain)
		case in.Is(2, pb.Varint):
			o.int(&in, &o.Version)
		default:
			err = d.keep(&in, &o.wire)
		}
		if err != nil {
			return err
		}
	}
	return at(in.Err(), "opset_import", len(*dst)-1, &o.Domain)
}

func (d *decoder) training(t *TrainingInfo, msg []byte) (err error) {
	var parts [2][]byte
	r := pb.NewReader(msg)
	for r.Next() && err == nil {
		switch {
		case r.Is(1, pb.Bytes), r.Is(2, pb.Bytes):
			err = d.join(&r, &parts[r.Num-1])
		case r.Is(3, pb.Bytes):
			err = d.entry(&r, &t.InitializationBinding)
		case r.Is(4, pb.Bytes):
			err = d.entry(&r, &t.UpdateBinding)
		default:
			err = d.keep(&r, &t.wire)
		}
	}
	if err = errors.Join(r.Err(), err); err != nil {
		return err
	}
	for i, dst := range []**Graph{&t.Initialization, &t.Algorithm} {
		if parts[i] != nil {
			if *dst, err = one[Graph](d); err == nil {
				err = d.graph(*dst, parts[i])
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
