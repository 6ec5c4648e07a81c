package finetune

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A feature file holds rows of one frozen part, found by the content of the sample: a header of fileHeader bytes, then
// records of equal length: key, row, checksum. Records are only ever appended; one that a crash cut short is dropped.
const (
	fileMagic  = "onnxrun-features-1"
	fileHeader = 4096
)

type rowKey [sha256.Size]byte

type featureFile struct {
	f      *os.File
	w      *bufio.Writer
	name   string
	record int
	at     map[rowKey]int64 // offsets of rows
	end    int64
	mapped []*mmap.File
	users  int // tables that have it
}

// openFile opens the file for the frozen part of b in a folder, which it makes, or takes that of the other table if it is the same.
func (b *table) openFile(dir string, other *table) (*featureFile, error) {
	id, err := b.identity()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("finetune: features: %w", err)
	}
	f := &featureFile{name: filepath.Join(dir, hex.EncodeToString(id[:16])+".feat"), record: len(rowKey{}) + b.width + 4, at: map[rowKey]int64{}, users: 1}
	if other != nil && other.file != nil && other.file.name == f.name {
		other.file.users++
		return other.file, nil
	}
	if f.f, err = os.OpenFile(f.name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("finetune: features: %w", err)
	}
	header := make([]byte, fileHeader)
	text, err := json.Marshal(map[string]any{"format": fileMagic, "id": hex.EncodeToString(id[:]), "record": f.record, "block": b.block})
	if err != nil {
		return nil, err
	}
	copy(header, text)
	if err := f.load(header); err != nil {
		f.f.Close()
		return nil, fmt.Errorf("finetune: features: %s: %w", f.name, err)
	}
	f.w = bufio.NewWriterSize(f.f, 1<<20)
	return f, nil
}

// load indexes the complete records, and starts the file anew if it is not one for header.
func (f *featureFile) load(header []byte) error {
	old := make([]byte, fileHeader)
	n, err := io.ReadFull(f.f, old)
	if err != nil || !bytes.Equal(old[:n], header) {
		if err := f.f.Truncate(0); err != nil {
			return err
		}
		if _, err := f.f.WriteAt(header, 0); err != nil {
			return err
		}
		f.end = fileHeader
		_, err := f.f.Seek(f.end, io.SeekStart)
		return err
	}
	r := bufio.NewReaderSize(f.f, 1<<20)
	record := make([]byte, f.record)
	f.end = fileHeader
	for {
		if _, err := io.ReadFull(r, record); err != nil {
			break
		}
		body := record[:f.record-4]
		if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(record[f.record-4:]) {
			break
		}
		f.at[rowKey(body[:len(rowKey{})])] = f.end + int64(len(rowKey{}))
		f.end += int64(f.record)
	}
	if err := f.f.Truncate(f.end); err != nil {
		return err
	}
	_, err = f.f.Seek(f.end, io.SeekStart)
	return err
}

// add appends a row.
func (f *featureFile) add(key rowKey, row []byte) error {
	if _, ok := f.at[key]; ok {
		return nil
	}
	sum := crc32.Update(crc32.ChecksumIEEE(key[:]), crc32.IEEETable, row)
	for _, part := range [][]byte{key[:], row, binary.LittleEndian.AppendUint32(nil, sum)} {
		if _, err := f.w.Write(part); err != nil {
			return fmt.Errorf("finetune: features: %w", err)
		}
	}
	f.at[key] = f.end + int64(len(key))
	f.end += int64(f.record)
	return nil
}

func (f *featureFile) flush() error {
	if err := f.w.Flush(); err != nil {
		return fmt.Errorf("finetune: features: %w", err)
	}
	return nil
}

// find sets the rows that are nil and that the file has: slices of a mapping of the file.
func (f *featureFile) find(keys []rowKey, rows [][]byte) error {
	if len(f.at) == 0 {
		return nil
	}
	m, err := mmap.Map(f.f)
	if err != nil {
		return fmt.Errorf("finetune: features: %w", err)
	}
	f.mapped = append(f.mapped, m)
	width := int64(f.record - len(rowKey{}) - 4)
	for i, key := range keys {
		if at, ok := f.at[key]; ok && rows[i] == nil && at+width <= int64(len(m.Bytes())) {
			rows[i] = m.Bytes()[at : at+width]
		}
	}
	return nil
}

// close unmaps the file when no table has it any more. Rows found in it are not valid then.
func (f *featureFile) close() error {
	if f.users--; f.users > 0 {
		return nil
	}
	err := f.f.Close()
	for _, m := range f.mapped {
		if e := m.Close(); err == nil {
			err = e
		}
	}
	return err
}

// keys returns a hash of the content of each row's inputs.
func (b *table) keys(ctx context.Context) ([]rowKey, error) {
	out := make([]rowKey, len(b.rows))
	for i := range out {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		h := sha256.New()
		if err := b.hashRow(h, i); err != nil {
			return nil, err
		}
		h.Sum(out[i][:0])
	}
	return out, nil
}

// hashRow writes the content of the inputs of row i to h, or the key that stands for it.
func (b *table) hashRow(h hash.Hash, i int) error {
	if keyed, ok := b.ds.(Keyed); ok {
		key, err := keyed.Key(i / b.views)
		fmt.Fprintf(h, "key %q view %d", key, i%b.views)
		return err
	}
	s, err := b.sample(i)
	if err != nil {
		return err
	}
	in, err := b.t.inputsOf(s)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		hashTensor(h, name, in[name])
	}
	return nil
}

func hashTensor(h hash.Hash, name string, t *tensor.Tensor) {
	fmt.Fprintf(h, "%q %v %v ", name, t.DType(), t.Shape())
	h.Write(t.Bytes())
	for _, s := range t.Strings() {
		fmt.Fprintf(h, "%q", s)
	}
}

// identity is a hash of all that a row depends on besides the sample: the nodes and weights of the frozen part, the shapes
// of the inputs, and what the kernels are chosen by.
func (b *table) identity() (id rowKey, err error) {
	g, err := b.t.b.prefixGraph(b.batchShapes(b.block), b.fields)
	if err != nil {
		return id, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %v %d\n", fileMagic, cpu.Features(), b.block)
	shapes := b.batchShapes(b.block)
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		fmt.Fprintf(h, "%q %v\n", name, shapes[name])
	}
	hashGraph(h, g, map[*graph.Value]bool{})
	h.Sum(id[:0])
	return id, nil
}

func hashAttribute(h hash.Hash, a *onnx.Attribute) {
	fmt.Fprintf(h, "%q %v %v %v %q %v %v %q ", a.Name, a.Type, a.F, a.I, a.S, a.Floats, a.Ints, a.Strings)
	if a.T != nil {
		if t, err := a.T.Value(); err == nil {
			hashTensor(h, a.Name, t)
		}
	}
}

// hashGraph writes the nodes of g and the constants that they read to h, each constant once.
func hashGraph(h hash.Hash, g *graph.Graph, seen map[*graph.Value]bool) {
	constant := func(v *graph.Value) {
		if v != nil && v.IsConst() && !seen[v] {
			seen[v] = true
			hashTensor(h, v.Name, v.Const)
		}
	}
	for _, n := range g.Nodes {
		fmt.Fprintf(h, "%s:%s:%d(", n.Domain, n.Type, n.Version)
		for _, v := range n.In {
			if v != nil {
				fmt.Fprintf(h, "%q,", v.Name)
			}
			constant(v)
		}
		for _, a := range n.Attrs {
			hashAttribute(h, a)
		}
		for _, v := range n.Out {
			if v != nil {
				fmt.Fprintf(h, ">%q", v.Name)
			}
		}
		for _, body := range n.Bodies {
			fmt.Fprintf(h, "{%s", body.Name)
			hashGraph(h, body.Graph, seen)
			fmt.Fprint(h, "}")
		}
	}
	for _, v := range g.Outputs {
		fmt.Fprintf(h, "out %q", v.Name)
		constant(v)
	}
}
