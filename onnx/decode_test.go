package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxrun/onnxrun/internal/onnxpb"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// msg writes a message field by field.
type msg []byte

func (m msg) bytes(num protowire.Number, b []byte) msg {
	return protowire.AppendBytes(protowire.AppendTag(m, num, protowire.BytesType), b)
}

func (m msg) str(num protowire.Number, s string) msg { return m.bytes(num, []byte(s)) }

func (m msg) int(num protowire.Number, v uint64) msg {
	return protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), v)
}

// odd are messages in forms that protobuf allows and few writers use.
func odd() map[string]msg {
	graph := func(name string) msg { return msg{}.str(2, name) }
	attr := func(a msg) msg { return msg{}.bytes(7, msg{}.bytes(1, msg{}.str(4, "Op").bytes(5, a))) }
	typ := func(t msg) msg { return msg{}.bytes(7, msg{}.bytes(11, msg{}.str(1, "x").bytes(2, t))) }
	dims := func(n uint64) msg { return msg{}.bytes(2, msg{}.bytes(1, msg{}.int(1, n))) }
	return map[string]msg{
		"scalar twice":           msg{}.int(1, 3).int(1, 4),
		"graph in three parts":   msg{}.bytes(7, graph("a")).int(1, 8).bytes(7, msg{}.bytes(1, msg{}.str(4, "Relu"))).bytes(7, graph("b")),
		"empty graph":            msg{}.bytes(7, nil),
		"unknown fields":         msg{}.int(1, 8).int(500, 7).bytes(7, graph("a").str(77, "later").int(2, 9)).str(501, "x"),
		"group":                  protowire.AppendTag(msg{}.int(2, 1), 9, protowire.StartGroupType)[:3:3],
		"wrong wire type":        msg{}.str(1, "text").int(7, 5),
		"tensor attribute parts": attr(msg{}.bytes(5, msg{}.str(8, "a").int(1, 2)).bytes(5, msg{}.int(1, 3).int(2, 1))),
		"packed ints":            attr(msg{}.str(1, "v").bytes(8, []byte{1, 2, 0x80, 1}).int(8, 5).int(20, 7)),
		"packed floats":          attr(msg{}.bytes(7, make([]byte, 8)).int(20, 6)),
		"type replaced":          typ(msg{}.bytes(1, msg{}.int(1, 1)).bytes(4, nil).bytes(1, msg{}.int(1, 7))),
		"type merged":            typ(msg{}.bytes(1, dims(3)).bytes(1, dims(4).int(1, 6))),
		"elem merged":            typ(msg{}.bytes(4, msg{}.bytes(1, msg{}.bytes(1, dims(3)))).bytes(4, msg{}.bytes(1, msg{}.bytes(1, dims(4))))),
		"dim replaced":           typ(msg{}.bytes(1, msg{}.bytes(2, msg{}.bytes(1, msg{}.int(1, 5).str(2, "n").str(3, "DATA_BATCH"))))),
		"devices":                msg{}.bytes(26, msg{}.str(1, "conf")).bytes(7, msg{}.bytes(1, msg{}.bytes(10, msg{}.str(1, "conf")))),
		"annotations":            msg{}.bytes(7, msg{}.bytes(14, msg{}.str(1, "x").bytes(2, msg{}.str(1, "SCALE_TENSOR").str(2, "s")))),
		"training":               msg{}.bytes(20, msg{}.bytes(1, graph("i")).bytes(2, graph("a")).bytes(1, graph("j")).bytes(3, msg{}.str(1, "k").str(2, "v"))),
		"zero values":            msg{}.int(1, 0).str(2, "").int(5, 0).bytes(8, msg{}.str(1, "").int(2, 0)),
		"opaque":                 typ(msg{}.bytes(7, msg{}.str(1, "d").str(2, "n")).str(6, "TEXT")),
		"negative":               msg{}.int(1, 1<<64-1).int(5, 1<<63),
	}
}

// TestOddForms: whatever protobuf reads, this package reads in the same way.
func TestOddForms(t *testing.T) {
	for name, b := range odd() {
		want := new(onnxpb.ModelProto)
		oracle := proto.Unmarshal(b, want)
		m, err := onnx.Decode(b)
		if (oracle != nil) != (err != nil) {
			t.Errorf("%s: %v, the oracle says %v", name, err, oracle)
		}
		if err != nil || oracle != nil {
			continue
		}
		c := comparer{}
		c.model(m, want)
		for _, d := range c.diffs {
			t.Errorf("%s: %s", name, d)
		}
		back := new(onnxpb.ModelProto)
		if err := proto.Unmarshal(onnx.Encode(m), back); err != nil || !proto.Equal(want, back) {
			t.Errorf("%s: encoded again it is\n%v\nnot\n%v (%v)", name, back, want, err)
		}
	}
}

// heap returns the bytes that f allocates at most at one time, roughly: what is live at its end.
func heap(f func() any) (live, total int64) {
	var a, b, c runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&a)
	keep := f()
	runtime.ReadMemStats(&b)
	runtime.GC()
	runtime.ReadMemStats(&c)
	runtime.KeepAlive(keep)
	return int64(c.HeapAlloc) - int64(a.HeapAlloc), int64(b.TotalAlloc) - int64(a.TotalAlloc)
}

// TestAmplification: millions of the smallest parts take no more memory than the budget, and little time.
func TestAmplification(t *testing.T) {
	const n = 4 << 20
	fill := func(num protowire.Number, b []byte) msg {
		return bytes.Repeat(msg{}.bytes(num, b), n)
	}
	in := func(inner msg, nums ...protowire.Number) msg {
		for _, num := range nums {
			inner = msg{}.bytes(num, inner)
		}
		return inner
	}
	hostile := map[string]msg{
		"nodes":        in(fill(1, nil), 7),
		"initializers": in(fill(5, nil), 7),
		"inputs":       in(fill(11, nil), 7),
		"attributes":   in(fill(5, nil), 1, 7),
		"names":        in(fill(1, nil), 1, 7),
		"functions":    fill(25, nil),
		"opsets":       fill(8, nil),
		"metadata":     fill(14, nil),
		"dims":         in(fill(1, nil), 2, 1, 2, 11, 7),
		"strings":      in(fill(9, nil), 5, 1, 7),
		"ints":         in(msg{}.bytes(8, make([]byte, 4*n)), 5, 1, 7),
		"tensor dims":  in(msg{}.bytes(1, make([]byte, 4*n)), 5, 7),
		"graph parts":  fill(7, msg{}.bytes(1, nil)),
		"unknown":      bytes.Repeat(msg{}.int(99, 1), n),
		"sparse":       in(fill(15, nil), 7),
		"graphs":       in(fill(11, nil), 5, 1, 7),
		"training":     fill(20, nil),
	}
	for name, b := range hostile {
		start := time.Now()
		live, total := heap(func() any {
			m, err := onnx.Decode(b)
			if err != nil && !strings.Contains(err.Error(), "more memory than allowed") {
				t.Errorf("%s: %v", name, err)
			}
			return m
		})
		limit := int64(128<<20+len(b)) + 16<<20
		if live > limit || total > 3*limit || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %d MB live, %d MB in all, %v for %d MB", name, live>>20, total>>20, time.Since(start), len(b)>>20)
		}
	}
}

func TestFormatErrorPath(t *testing.T) {
	bad := msg{}.bytes(7, msg{}.str(2, "main").bytes(1, msg{}.str(4, "Relu")).bytes(1,
		msg{}.str(3, "conv1").str(4, "Conv").bytes(5, msg{}.str(1, "pads").bytes(8, []byte{0x80}))))
	_, err := onnx.Decode(bad)
	var format *onnx.FormatError
	if !errors.As(err, &format) {
		t.Fatalf("%T %v, want a *FormatError", err, err)
	}
	if want := `model: graph "main": node 1 "conv1" (Conv): attribute 0 "pads"`; format.Path != want {
		t.Errorf("path %s, want %s", format.Path, want)
	}
}

// TestTensorAliases: large weights are those of the message.
func TestTensorAliases(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		t.Skip("elements are copied where the machine's order is not the file's")
	}
	m := small()
	m.Graph.Initializers = []*onnx.TensorProto{tensor.NewProto("w", tensor.FromSlice(slices.Repeat([]float32{1.25, 2.5}, 5000)))}
	b := onnx.Encode(m)
	back, err := onnx.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	v, err := back.Graph.Initializers[0].Value()
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(b, v.Bytes()); i < 0 || &b[i] != &v.Bytes()[0] {
		t.Error("the weights were copied")
	}
	if found := onnx.Check(back); len(found) > 0 {
		t.Error(found)
	}
}

// FuzzDecode: any bytes give a model or an error; a model can be checked, dumped and encoded, and what is
// encoded decodes to the same text.
func FuzzDecode(f *testing.F) {
	for _, b := range odd() {
		f.Add([]byte(b))
	}
	f.Add(onnx.Encode(small()))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.Decode(b)
		if err != nil {
			return
		}
		onnx.Check(m)
		var first, second strings.Builder
		if err := onnx.Dump(&first, m); err != nil {
			t.Fatal(err)
		}
		again, err := onnx.Decode(onnx.Encode(m))
		if err != nil {
			t.Fatal(err)
		}
		if err := onnx.Dump(&second, again); err != nil || first.String() != second.String() {
			t.Fatalf("%v\n%s\n%s", err, first.String(), second.String())
		}
	})
}
