package tensor

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The NumPy format, version 1 to 3: a magic string, the length of a header, and the header, a Python
// dictionary of descr, fortran_order and shape (https://numpy.org/neps/nep-0001-npy-format.html).
const npyMagic = "\x93NUMPY"

// npyTypes has one row per element type that NumPy has, by its descr without the byte order.
var npyTypes = []struct {
	code  string
	dtype DType
}{
	{"f4", Float32}, {"f8", Float64}, {"f2", Float16}, {"b1", Bool},
	{"i1", Int8}, {"i2", Int16}, {"i4", Int32}, {"i8", Int64},
	{"u1", Uint8}, {"u2", Uint16}, {"u4", Uint32}, {"u8", Uint64},
	{"c8", Complex64}, {"c16", Complex128},
}

// HasNPY reports whether NumPy has the element type: strings count, the small floats and integers do not.
func HasNPY(d DType) bool {
	for _, row := range npyTypes {
		if row.dtype == d {
			return true
		}
	}
	return d == String
}

// WriteNPY writes a dense tensor in the NumPy format.
func WriteNPY(w io.Writer, t *Tensor) error {
	if t.kind != KindTensor || !HasNPY(t.dtype) {
		return fmt.Errorf("tensor: npy: no form for a %v of %v", t.kind, t.dtype)
	}
	data, descr := littleEndian(t.dtype, t.Bytes()), ""
	for _, row := range npyTypes {
		if row.dtype == t.dtype {
			descr = "<" + row.code
			if t.dtype.Size() == 1 {
				descr = "|" + row.code
			}
		}
	}
	if t.dtype == String {
		data, descr = encodeUTF32(t.strs)
	}
	var dims strings.Builder
	for _, d := range t.shape {
		fmt.Fprintf(&dims, "%d, ", d)
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, strings.TrimSuffix(dims.String(), " "))
	for (len(header)+11)%64 != 0 {
		header += " "
	}
	head := append([]byte(npyMagic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(header)+1))
	head = append(append(head, header...), '\n')
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

// encodeUTF32 writes strings in cells of the longest one's length, as NumPy does.
func encodeUTF32(strs []string) ([]byte, string) {
	width := 1
	for _, s := range strs {
		width = max(width, utf8.RuneCountInString(s))
	}
	data := make([]byte, 0, 4*width*len(strs))
	for _, s := range strs {
		for _, r := range s {
			data = binary.LittleEndian.AppendUint32(data, uint32(r))
		}
		data = append(data, make([]byte, 4*(width-utf8.RuneCountInString(s)))...)
	}
	return data, "<U" + strconv.Itoa(width)
}

var npyHeader = regexp.MustCompile(`^\{\s*'descr':\s*'([<>|=])([a-zA-Z]+)(\d+)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d, ]*)\),?\s*\}\s*$`)

// ReadNPY reads a dense tensor in the NumPy format. Data in Fortran order are brought into row-major order.
func ReadNPY(r io.Reader) (*Tensor, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return DecodeNPY(data)
}

// DecodeNPY is ReadNPY for a file in memory. The tensor aliases data where their order allows it.
func DecodeNPY(data []byte) (*Tensor, error) {
	header, data, err := splitNPY(data)
	if err != nil {
		return nil, err
	}
	m := npyHeader.FindStringSubmatch(header)
	if m == nil {
		return nil, fmt.Errorf("tensor: npy: header %q", header)
	}
	shape := Shape{}
	for f := range strings.FieldsFuncSeq(m[5], func(r rune) bool { return r == ',' || r == ' ' }) {
		d, err := strconv.Atoi(f)
		if err != nil {
			return nil, fmt.Errorf("tensor: npy: shape %q", m[5])
		}
		shape = append(shape, d)
	}
	t, err := elementsNPY(m[1], m[2]+m[3], shape, data)
	if err != nil || m[4] == "False" {
		return t, err
	}
	return fromFortran(t)
}

func splitNPY(data []byte) (header string, rest []byte, err error) {
	if len(data) < 12 || string(data[:6]) != npyMagic {
		return "", nil, fmt.Errorf("tensor: npy: no NumPy file")
	}
	n, at := int(binary.LittleEndian.Uint16(data[8:])), 10
	if data[6] > 1 {
		n, at = int(binary.LittleEndian.Uint32(data[8:])), 12
	}
	if n > len(data)-at {
		return "", nil, fmt.Errorf("tensor: npy: header of %d bytes in a file of %d", n, len(data))
	}
	return string(data[at : at+n]), data[at+n:], nil
}

// elementsNPY makes the tensor of a descr, its byte order apart.
func elementsNPY(order, code string, shape Shape, data []byte) (*Tensor, error) {
	if width, ok := strings.CutPrefix(code, "U"); ok {
		n, err := strconv.Atoi(width)
		if err != nil {
			return nil, fmt.Errorf("tensor: npy: element type %q", code)
		}
		if order == ">" {
			data = reversed(data, 4)
		}
		return decodeUTF32(shape, n, data)
	}
	for _, row := range npyTypes {
		if row.code != code {
			continue
		}
		t, err := FromBytes(row.dtype, shape, data)
		if err != nil || order != ">" {
			if err == nil {
				t.data = littleEndian(row.dtype, data)
			}
			return t, err
		}
		t.data = littleEndian(row.dtype, swapped(row.dtype, data))
		return t, nil
	}
	return nil, fmt.Errorf("tensor: npy: element type %q is not supported", code)
}

func decodeUTF32(shape Shape, width int, data []byte) (*Tensor, error) {
	n, err := shape.Count()
	if err != nil {
		return nil, err
	}
	if width < 1 || width > 1<<28 || len(data)%(4*width) != 0 || len(data)/(4*width) != n {
		return nil, fmt.Errorf("tensor: npy: %d bytes for %d strings of %d", len(data), n, width)
	}
	strs := make([]string, n)
	for i := range strs {
		var b strings.Builder
		cell := bytes.TrimRight(data[4*width*i:][:4*width], "\x00")
		for len(cell) > 0 { // the last character may have lost zero bytes
			var char [4]byte
			cell = cell[copy(char[:], cell):]
			b.WriteRune(rune(binary.LittleEndian.Uint32(char[:])))
		}
		strs[i] = b.String()
	}
	return FromSlice(strs, append([]int{}, shape...)...), nil
}

// fromFortran reorders column-major elements.
func fromFortran(t *Tensor) (*Tensor, error) {
	size := t.dtype.Size()
	if size == 0 {
		return nil, fmt.Errorf("tensor: npy: %v in Fortran order", t.dtype)
	}
	out := make([]byte, len(t.data))
	index := make([]int, t.Rank())
	for i := range t.Len() {
		at, stride := 0, 1
		for d, x := range index {
			at += x * stride
			stride *= t.shape[d]
		}
		copy(out[i*size:][:size], t.data[at*size:])
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < t.shape[d] {
				break
			}
			index[d] = 0
		}
	}
	t.data = out
	return t, nil
}

// WriteNPZ writes dense tensors as an archive that ReadNPZ and NumPy read, in the order of their names.
func WriteNPZ(w io.Writer, arrays map[string]*Tensor) error {
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy"})
		if err == nil {
			err = WriteNPY(f, arrays[name])
		}
		if err != nil {
			return fmt.Errorf("tensor: npz: %s: %w", name, err)
		}
	}
	return z.Close()
}

// ReadNPZ reads the arrays of a zip archive of NumPy files by name, without the ending .npy.
func ReadNPZ(r io.ReaderAt, size int64) (map[string]*Tensor, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("tensor: npz: %w", err)
	}
	arrays := map[string]*Tensor{}
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			continue
		}
		body, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("tensor: npz: %s: %w", f.Name, err)
		}
		arrays[name], err = ReadNPY(body)
		body.Close()
		if err != nil {
			return nil, fmt.Errorf("tensor: npz: %s: %w", f.Name, err)
		}
	}
	return arrays, nil
}
