package pb

import (
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Writer builds a message as a list of segments. Small fields gather in a buffer; large byte fields are
// referred to, not copied, so that a model's weights are written from where they are. The lengths of nested
// messages are filled in when they end.
type Writer struct {
	segs [][]byte
	cur  []byte
	n    int64 // bytes written, the lengths of finished messages included
	open []mark
}

// mark is a message that has begun: the segment that will hold its length, and where it starts.
type mark struct {
	seg   int
	start int64
}

// refLen is the length from which a byte field is referred to instead of copied.
const refLen = 1 << 10

// Len returns the number of bytes written so far.
func (w *Writer) Len() int64 { return w.n }

func (w *Writer) tag(num int, typ protowire.Type) {
	w.varint(protowire.EncodeTag(protowire.Number(num), typ))
}

func (w *Writer) varint(v uint64) {
	k := len(w.cur)
	w.cur = protowire.AppendVarint(w.cur, v)
	w.n += int64(len(w.cur) - k)
}

// Int writes a varint field.
func (w *Writer) Int(num int, v int64) {
	w.tag(num, Varint)
	w.varint(uint64(v))
}

// Float32 writes a fixed 32-bit field.
func (w *Writer) Float32(num int, v float32) {
	w.tag(num, Fixed32)
	w.cur = protowire.AppendFixed32(w.cur, math.Float32bits(v))
	w.n += 4
}

// String writes a string field.
func (w *Writer) String(num int, s string) {
	w.tag(num, Bytes)
	w.varint(uint64(len(s)))
	w.cur = append(w.cur, s...)
	w.n += int64(len(s))
}

// Bytes writes a byte field. b must not change until the message has been written out.
func (w *Writer) Bytes(num int, b []byte) {
	w.tag(num, Bytes)
	w.varint(uint64(len(b)))
	w.Raw(b)
}

// Raw writes encoded fields as they are. b must not change until the message has been written out.
func (w *Writer) Raw(b []byte) {
	w.n += int64(len(b))
	if len(b) < refLen {
		w.cur = append(w.cur, b...)
		return
	}
	w.cut()
	w.segs = append(w.segs, b)
}

// PackedInts writes a packed list of integers; nothing if it is empty.
func (w *Writer) PackedInts(num int, v []int64) {
	if len(v) == 0 {
		return
	}
	w.Begin(num)
	for _, x := range v {
		w.varint(uint64(x))
	}
	w.End()
}

// Begin starts a nested message; End ends it.
func (w *Writer) Begin(num int) {
	w.tag(num, Bytes)
	w.cut()
	w.open = append(w.open, mark{len(w.segs), w.n})
	w.segs = append(w.segs, nil)
}

// End ends the message that Begin started last.
func (w *Writer) End() {
	m := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	w.segs[m.seg] = protowire.AppendVarint(nil, uint64(w.n-m.start))
	w.n += int64(len(w.segs[m.seg]))
}

// cut ends the current buffer, so that a segment can follow it.
func (w *Writer) cut() {
	if len(w.cur) > 0 {
		w.segs = append(w.segs, w.cur[:len(w.cur):len(w.cur)])
		w.cur = w.cur[len(w.cur):]
	}
	if cap(w.cur) < 64 {
		w.cur = make([]byte, 0, 4096)
	}
}

// AppendTo appends the whole message to b.
func (w *Writer) AppendTo(b []byte) []byte {
	w.cut()
	for _, s := range w.segs {
		b = append(b, s...)
	}
	return b
}

// WriteTo writes the whole message to out.
func (w *Writer) WriteTo(out io.Writer) (int64, error) {
	w.cut()
	var total int64
	for _, s := range w.segs {
		n, err := out.Write(s)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
