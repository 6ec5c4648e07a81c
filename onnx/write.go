package onnx

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/internal/pb"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxMessage is the size up to which every reader of protobuf takes a message.
const maxMessage = 1<<31 - 1

// WriteOptions says how a model is written. The zero value, and nil, are the default.
type WriteOptions struct {
	// External is the name of a file beside the model that takes the tensors of at least ExternalSize bytes.
	// When it is empty, all tensors are written into the model if it stays below 2 GB; otherwise the file
	// is the model's name with ".data" appended.
	External string
	// ExternalSize is the size from which a tensor goes into the External file; 0 stands for 1024 bytes.
	ExternalSize int64
}

// WriteFile writes m to a file. Elements that are external data now are written like all others, so the
// result depends on no file but those written; equal models give equal files. Each file is written under
// another name and renamed when it is complete, so m may have been opened from it.
func WriteFile(name string, m *Model, opts *WriteOptions) error {
	var o WriteOptions
	if opts != nil {
		o = *opts
	}
	if o.ExternalSize == 0 {
		o.ExternalSize = 1024
	}
	return mmap.Guard(func() error { return writeModel(name, m, o, maxMessage) })
}

// writeModel writes a model in messages of at most limit bytes.
func writeModel(name string, m *Model, o WriteOptions, limit int64) error {
	if o.External == "" {
		w, err := inline(m)
		if err != nil {
			return err
		}
		if w.Len() <= limit {
			return writeFile(name, w.WriteTo)
		}
		o.External = filepath.Base(name) + ".data"
	}
	return writeSplit(name, m, o, limit)
}

// inline encodes m with all elements inside.
func inline(m *Model) (*pb.Writer, error) {
	var failed error
	e := encoder{tensor: func(t *TensorProto, w *pb.Writer) {
		if t.Location != tensor.LocationExternal {
			t.WriteWire(w)
			return
		}
		v, err := t.Value()
		if err != nil {
			failed = errors.Join(failed, err)
			return
		}
		t.WriteInline(w, tensor.LittleEndian(v))
	}}
	e.model(m)
	return &e.w, failed
}

// align is the alignment of tensors in an external file: a multiple of the page size of every system.
const align = 4096

// writeSplit writes the model and its external file.
func writeSplit(name string, m *Model, o WriteOptions, limit int64) error {
	if err := checkLocation(o.External); err != nil {
		return err
	}
	s := splitter{o: o}
	e := encoder{tensor: s.tensor}
	e.model(m)
	if s.err != nil {
		return s.err
	}
	if e.w.Len() > limit {
		return fmt.Errorf("onnx: %s: %d bytes without the external tensors, more than a protobuf message may have", name, e.w.Len())
	}
	if err := writeFile(filepath.Join(filepath.Dir(name), filepath.FromSlash(o.External)), s.writeTo); err != nil {
		return err
	}
	return writeFile(name, e.w.WriteTo)
}

// splitter places tensors in an external file.
type splitter struct {
	o    WriteOptions
	data [][]byte // in the order of the file, each aligned
	end  int64
	err  error
}

func (s *splitter) tensor(t *TensorProto, w *pb.Writer) {
	v, err := t.Value()
	if err != nil {
		s.err = errors.Join(s.err, err)
		return
	}
	data := tensor.LittleEndian(v)
	switch {
	case v.DType() == tensor.String, int64(len(data)) < s.o.ExternalSize && t.Location != tensor.LocationExternal:
		t.WriteWire(w)
		return
	case int64(len(data)) < s.o.ExternalSize:
		t.WriteInline(w, data)
		return
	}
	s.end = (s.end + align - 1) / align * align
	t.WriteExternal(w, []Entry{{Key: "location", Value: s.o.External},
		{Key: "offset", Value: strconv.FormatInt(s.end, 10)}, {Key: "length", Value: strconv.Itoa(len(data))}})
	s.data = append(s.data, data)
	s.end += int64(len(data))
}

func (s *splitter) writeTo(out io.Writer) (n int64, err error) {
	var zeros [align]byte
	for _, d := range s.data {
		pad := (align - n%align) % align
		for _, part := range [][]byte{zeros[:pad], d} {
			k, err := out.Write(part)
			n += int64(k)
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// writeFile writes a file under a temporary name and renames it.
func writeFile(name string, write func(io.Writer) (int64, error)) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("onnx: %w", errors.Join(err, os.Remove(f.Name())))
		}
	}()
	out := bufio.NewWriterSize(f, 1<<18)
	_, err = write(out)
	if err = errors.Join(err, out.Flush(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
