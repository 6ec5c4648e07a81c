package onnx_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// external returns a model whose one tensor, of two floats, lies in a file.
func external(location string, offset int) []byte {
	m := small()
	w := &onnx.TensorProto{Name: "w", DataType: int32(tensor.Float32), Dims: []int64{2}, Location: tensor.LocationExternal,
		External: []onnx.Entry{{Key: "location", Value: location}, {Key: "offset", Value: strconv.Itoa(offset)}}}
	m.Graph.Initializers = []*onnx.TensorProto{w}
	return onnx.Encode(m)
}

// write writes files, given as pairs of a path below dir and the content.
func write(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

var twoFloats = []byte{0, 0, 0x80, 0x3F, 0, 0, 0, 0x40}

// weights opens a model and returns its tensor.
func weights(t *testing.T, open func() (*onnx.File, error)) ([]float32, error) {
	t.Helper()
	f, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	v, err := f.Graph.Initializers[0].Value()
	if err != nil {
		return nil, err
	}
	return tensor.View[float32](v)
}

func TestExternalData(t *testing.T) {
	dir := t.TempDir()
	data := append(make([]byte, 16), twoFloats...)
	write(t, dir, map[string][]byte{
		"plain/model.onnx": external("w.bin", 16), "plain/w.bin": data,
		"sub/model.onnx": external("d/w.bin", 16), "sub/d/w.bin": data,
		"blobs/aa": external("model.onnx_data", 16), "blobs/bb": data, // as in the cache of Hugging Face
		"out/model.onnx": external("w.bin", 16), "elsewhere/w.bin": data,
		"none/model.onnx": external("w.bin", 16),
	})
	link(t, "../../blobs/aa", filepath.Join(dir, "snapshots/rev/model.onnx"))
	link(t, "../../blobs/bb", filepath.Join(dir, "snapshots/rev/model.onnx_data"))
	link(t, "../elsewhere/w.bin", filepath.Join(dir, "out/w.bin"))
	link(t, "../blobs", filepath.Join(dir, "inside/through"))
	write(t, dir, map[string][]byte{"inside/model.onnx": external("through/bb", 16)})
	link(t, "d/w.bin", filepath.Join(dir, "sub/near.bin"))
	write(t, dir, map[string][]byte{"sub/linked.onnx": external("near.bin", 16)})

	root := func(name string) *onnx.OpenOptions {
		return &onnx.OpenOptions{ExternalRoot: filepath.Join(dir, name)}
	}
	cases := []struct {
		model string
		opts  *onnx.OpenOptions
		want  string // part of the error, empty for success
	}{
		{"plain/model.onnx", nil, ""},
		{"plain/model.onnx", &onnx.OpenOptions{NoMap: true}, ""},
		{"sub/model.onnx", nil, ""},
		{"sub/linked.onnx", nil, ""},
		{"snapshots/rev/model.onnx", nil, ""},
		{"out/model.onnx", nil, "--external-root"},
		{"out/model.onnx", root("elsewhere"), ""},
		{"out/model.onnx", root("plain/"), "--external-root"},
		{"none/model.onnx", root("elsewhere"), ""},
		{"none/model.onnx", nil, "w.bin"},
		{"inside/model.onnx", nil, "--external-root"},
		{"inside/model.onnx", root("blobs"), ""},
	}
	for _, c := range cases {
		got, err := weights(t, func() (*onnx.File, error) { return onnx.Open(filepath.Join(dir, c.model), c.opts) })
		switch {
		case c.want == "" && (err != nil || len(got) != 2 || got[1] != 2):
			t.Errorf("%s %+v: %v, %v", c.model, c.opts, got, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s %+v: %v, want an error with %q", c.model, c.opts, err, c.want)
		}
	}
}

func TestExternalFSAndBytes(t *testing.T) {
	fsys := fstest.MapFS{"m/model.onnx": {Data: external("w.bin", 0)}, "m/w.bin": {Data: twoFloats}}
	if got, err := weights(t, func() (*onnx.File, error) { return onnx.OpenFS(fsys, "m/model.onnx", nil) }); err != nil || got[0] != 1 {
		t.Errorf("fs.FS: %v, %v", got, err)
	}
	dir := t.TempDir()
	write(t, dir, map[string][]byte{"w.bin": twoFloats, "model.onnx": external("w.bin", 0)})
	if got, err := weights(t, func() (*onnx.File, error) { return onnx.OpenFS(os.DirFS(dir), "model.onnx", nil) }); err != nil || got[0] != 1 {
		t.Errorf("os.DirFS: %v, %v", got, err)
	}
	msg := external("w.bin", 0)
	if got, err := weights(t, func() (*onnx.File, error) {
		return onnx.OpenBytes(msg, &onnx.OpenOptions{ExternalRoot: dir})
	}); err != nil || got[0] != 1 {
		t.Errorf("bytes: %v, %v", got, err)
	}
	if _, err := weights(t, func() (*onnx.File, error) { return onnx.OpenBytes(msg, nil) }); err == nil {
		t.Error("bytes without a root: external data were found")
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := onnx.Open(filepath.Join(dir, "absent"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := onnx.Open(dir, nil); err == nil {
		t.Error("a folder was opened")
	}
	write(t, dir, map[string][]byte{"bad": {0xFF}, "model.onnx": external("w.bin", 0), "w.bin": twoFloats})
	var format *onnx.FormatError
	if _, err := onnx.Open(filepath.Join(dir, "bad"), nil); !errors.As(err, &format) {
		t.Errorf("bad: %v", err)
	}
	f, err := onnx.Open(filepath.Join(dir, "model.onnx"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Graph.Initializers[0].Value(); err == nil {
		t.Error("external data were found after Close")
	}
}

// TestOpenLarge: opening a model of 500 MB takes no time and no memory. The file is sparse.
func TestOpenLarge(t *testing.T) {
	const size = 500 << 20
	tensorHead := msg{}.int(1, size/4).int(2, 1).str(8, "w")
	raw := protowire.AppendVarint(protowire.AppendTag(tensorHead, 9, protowire.BytesType), size)
	graph := protowire.AppendVarint(protowire.AppendTag(msg{}.str(2, "g"), 5, protowire.BytesType), uint64(len(raw)+size))
	head := protowire.AppendVarint(protowire.AppendTag(msg{}.int(1, 10).bytes(8, msg{}.int(2, 20)), 7, protowire.BytesType), uint64(len(graph)+len(raw)+size))
	head = append(append(head, graph...), raw...)
	name := filepath.Join(t.TempDir(), "large.onnx")
	write(t, "", map[string][]byte{name: head})
	if err := os.Truncate(name, int64(len(head)+size)); err != nil {
		t.Skipf("no room for a sparse file: %v", err)
	}
	before := resident(t)
	start := time.Now()
	f, err := onnx.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := onnx.Check(f.Model)
	v, err := f.Graph.Initializers[0].Value()
	took := time.Since(start)
	if err != nil || len(found) > 0 || len(v.Bytes()) != size {
		t.Fatalf("%v, %v, %v", err, found, v)
	}
	grown := resident(t) - before
	t.Logf("opened, checked and found the weights in %v; %d KB more resident", took, grown>>10)
	if took > 100*time.Millisecond {
		t.Errorf("opening took %v", took)
	}
	if grown > 8<<20 {
		t.Errorf("opening made %d MB resident", grown>>20)
	}
	if err := os.Truncate(name, int64(len(head))); err != nil || runtime.GOOS != "linux" {
		return
	}
	if err := mmap.Guard(func() error { _ = bytes.Count(v.Bytes(), []byte{1}); return nil }); !errors.Is(err, mmap.ErrFault) {
		t.Errorf("reading weights that have gone: %v", err)
	}
}

// resident returns the resident memory of the process, 0 where it is not known.
func resident(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Logf("skipped: resident memory is not known on %s", runtime.GOOS)
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
