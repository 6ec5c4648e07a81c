package tensor_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

func TestSafetensors(t *testing.T) {
	in := map[string]*tensor.Tensor{
		"w": tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3), "scalar": tensor.Scalar(int64(7)), "none": tensor.New(tensor.Float16, 0, 4),
		"half": tensor.New(tensor.BFloat16, 3), "flags": tensor.FromSlice([]bool{true, false}), "f4": tensor.New(tensor.Float4E2M1, 6),
	}
	var buf, again bytes.Buffer
	if err := tensor.WriteSafetensors(&buf, in, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	out, meta, err := tensor.ReadSafetensors(buf.Bytes())
	if err != nil || meta["format"] != "pt" || len(out) != len(in) {
		t.Fatal(err, meta, len(out))
	}
	for name, v := range in {
		if diff(v, out[name]) {
			t.Errorf("%s comes back as %v%v", name, out[name].DType(), out[name].Shape())
		}
	}
	if err := tensor.WriteSafetensors(&again, out, meta); err != nil || !bytes.Equal(again.Bytes(), buf.Bytes()) {
		t.Error("written again it is another file")
	}
	if err := tensor.WriteSafetensors(&again, map[string]*tensor.Tensor{"s": tensor.FromSlice([]string{"a"})}, nil); err == nil {
		t.Error("strings were written")
	}
}

func TestBadSafetensors(t *testing.T) {
	file := func(header string, data int) []byte {
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, data)...)
	}
	for _, b := range [][]byte{
		nil, {1, 2, 3}, bytes.Repeat([]byte{0xFF}, 100), file("{", 0), file("[]", 0),
		file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4), file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, 8),
		file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8), file(`{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}`, 8),
		file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}`, 8), file(`{"a":{"dtype":"U8","shape":[4611686018427387905,4],"data_offsets":[0,4]}}`, 4),
		file(`{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}`, 4),
	} {
		if _, _, err := tensor.ReadSafetensors(b); err == nil {
			t.Errorf("%q was read", b)
		}
	}
}
