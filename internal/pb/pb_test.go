package pb

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestWriterReader(t *testing.T) {
	big := bytes.Repeat([]byte{7}, 3*refLen)
	var w Writer
	w.Int(1, -1)
	w.Begin(2)
	w.String(1, "inner")
	w.Begin(3)
	w.Bytes(1, big)
	w.End()
	w.Begin(4)
	w.End()
	w.End()
	w.Float32(5, 1.5)
	w.PackedInts(6, []int64{1, 300, -1})
	out := w.AppendTo(nil)
	var stream bytes.Buffer
	if n, err := w.WriteTo(&stream); err != nil || n != w.Len() || !bytes.Equal(stream.Bytes(), out) || int64(len(out)) != w.Len() {
		t.Fatalf("wrote %d bytes, Len is %d, AppendTo gives %d (%v)", n, w.Len(), len(out), err)
	}
	r := NewReader(out)
	var nums []int
	var ints []int64
	for r.Next() {
		nums = append(nums, r.Num)
		switch r.Num {
		case 1:
			if int64(r.Int) != -1 {
				t.Errorf("field 1 is %d", int64(r.Int))
			}
		case 2:
			in := NewReader(r.Data)
			for in.Next() {
				if in.Num == 3 && !bytes.Contains(in.Data, big) {
					t.Error("the large field is lost")
				}
			}
			if in.Err() != nil {
				t.Error(in.Err())
			}
		case 5:
			if r.Float32() != 1.5 {
				t.Errorf("field 5 is %v", r.Float32())
			}
		case 6:
			if err := r.Varints(func(v uint64) { ints = append(ints, int64(v)) }); err != nil || r.CountVarints() != 3 {
				t.Error(err, r.CountVarints())
			}
		}
	}
	if r.Err() != nil || len(nums) != 4 || len(ints) != 3 || ints[1] != 300 || ints[2] != -1 {
		t.Errorf("fields %v, ints %v, %v", nums, ints, r.Err())
	}
}

func TestReaderErrors(t *testing.T) {
	for name, b := range map[string][]byte{
		"field zero": {0}, "truncated": {0x0A, 5, 1}, "long varint": bytes.Repeat([]byte{0xFF}, 11), "end group": {0x0C}, "type 7": {0x0F}, "open group": {0x0B, 8},
	} {
		r := NewReader(b)
		for r.Next() {
		}
		if r.Err() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r := NewReader([]byte{0x0A, 2, 1, 0x80})
	if !r.Next() || r.Varints(func(uint64) {}) == nil {
		t.Error("a packed list that ends inside a number has no error")
	}
}

// TestJoin: parts are never appended to the memory behind the first one.
func TestJoin(t *testing.T) {
	file := []byte("abcdef")
	first, err := Join(nil, file[0:2], nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Join(first, file[4:6], nil)
	if err != nil || string(second) != "abef" || string(file) != "abcdef" {
		t.Errorf("%q, %q, %v", second, file, err)
	}
	if _, err := Join(second, file, NewBudget(3)); !errors.Is(err, ErrBudget) {
		t.Errorf("%v, want ErrBudget", err)
	}
	if empty, err := Join(nil, []byte{}, nil); err != nil || empty == nil {
		t.Error("an empty message is absent")
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{8, 1, 0x12, 1, 5, 0x1D, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(b)
		n := 0
		for r.Next() {
			n += len(r.Record())
		}
		for rest := b; r.Err() == nil && len(rest) > 0; {
			_, _, k := protowire.ConsumeField(rest)
			if k < 0 {
				t.Fatal("the reader took what protowire refuses")
			}
			rest = rest[k:]
		}
		if r.Err() == nil && n != len(b) {
			t.Fatalf("the records have %d bytes of %d", n, len(b))
		}
	})
}
