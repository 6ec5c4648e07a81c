package tensor

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestReadNPZ reads an archive that NumPy wrote.
func TestReadNPZ(t *testing.T) {
	f, err := os.Open("testdata/numpy.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadNPZ(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]*Tensor{
		"f4":      FromSlice([]float32{1.5, -2, 3, 4, 5, 6}, 2, 3),
		"scalar":  Scalar(int64(7)),
		"fortran": FromSlice([]int16{0, 1, 2, 3, 4, 5}, 2, 3),
		"big":     FromSlice([]int32{1, 256, -3}),
		"strings": FromSlice([]string{"a", "bcd", "", "ü\U0001F600"}),
		"bools":   FromSlice([]bool{true, false}),
		"empty":   New(Float64, 0, 3),
		"half":    FromSlice([]Float16Bits{0x3800, 0xbc00}),
		"c":       FromSlice([]complex64{1 + 2i}),
	}
	if len(got) != len(want) {
		t.Errorf("%d arrays, want %d", len(got), len(want))
	}
	for name, w := range want {
		if g := got[name]; g == nil || !same(g, w) {
			t.Errorf("%s: %+v, want %+v", name, g, w)
		}
	}
}

func same(a, b *Tensor) bool {
	return a.dtype == b.dtype && a.shape.Equal(b.shape) && bytes.Equal(a.data, b.data) && slices.Equal(a.strs, b.strs)
}

func TestNPYRoundTrip(t *testing.T) {
	for _, x := range []*Tensor{
		FromSlice([]float32{1, 2, 3, 4}, 2, 2), Scalar(int8(-3)), FromSlice([]string{"x", "", "länger"}), New(Uint64, 3, 0, 2),
		FromSlice([]complex128{1i}), FromSlice([]bool{true}), FromSlice([]string{}),
	} {
		var b bytes.Buffer
		if err := WriteNPY(&b, x); err != nil {
			t.Fatal(err)
		}
		y, err := ReadNPY(bytes.NewReader(b.Bytes()))
		if err != nil || !same(x, y) {
			t.Errorf("%+v came back as %+v, %v", x, y, err)
		}
		for n := range b.Len() {
			if z, err := ReadNPY(bytes.NewReader(b.Bytes()[:n])); err == nil && !reflect.DeepEqual(x.shape, z.shape) {
				t.Errorf("%d of %d bytes gave %+v", n, b.Len(), z)
			}
		}
	}
	if err := WriteNPY(&bytes.Buffer{}, New(BFloat16, 1)); err == nil {
		t.Error("bfloat16 was written")
	}
}

func TestBadNPY(t *testing.T) {
	file := func(header, data string) []byte {
		b := []byte(npyMagic + "\x01\x00")
		b = append(b, byte(len(header)), byte(len(header)>>8))
		return []byte(string(b) + header + data)
	}
	for _, data := range [][]byte{
		nil, []byte("PK"), file("", ""), file("{}", ""),
		file("{'descr': 'O', 'fortran_order': False, 'shape': (1,), }", "x"),
		file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "1234"),
		file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "1234"),
		file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8), }", ""),
		file("{'descr': '<U99999999999', 'fortran_order': False, 'shape': (1,), }", "1234"),
		file("{'descr': '<U4', 'fortran_order': True, 'shape': (1,), }", strings.Repeat("\x00", 16)),
		file("{'descr': '|V2', 'fortran_order': False, 'shape': (1,), }", "12"),
	} {
		if x, err := ReadNPY(bytes.NewReader(data)); err == nil {
			t.Errorf("%q gave %+v", data, x)
		}
	}
}

func TestDecodeNPYAliases(t *testing.T) {
	if bigEndian {
		t.Skip("elements are copied where the machine's order is not the file's")
	}
	var b bytes.Buffer
	if err := WriteNPY(&b, FromSlice([]float32{1, 2})); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	x, err := DecodeNPY(data)
	if err != nil {
		t.Fatal(err)
	}
	if data[len(data)-1] = 0xc0; Of[float32](x)[1] != -2 {
		t.Errorf("%v: the elements were copied", Of[float32](x))
	}
}
