package tensor

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// The safetensors format (https://github.com/huggingface/safetensors): the length of a header as 8 bytes, a
// JSON header that gives each tensor's type, shape and place, and the elements.

// maxSafetensorsHeader is the longest header that the format allows.
const maxSafetensorsHeader = 100 << 20

var safetensorsTypes = map[string]DType{
	"BOOL": Bool, "U8": Uint8, "I8": Int8, "U16": Uint16, "I16": Int16, "U32": Uint32, "I32": Int32, "U64": Uint64, "I64": Int64,
	"F16": Float16, "BF16": BFloat16, "F32": Float32, "F64": Float64, "C64": Complex64,
	"F8_E4M3": Float8E4M3FN, "F8_E5M2": Float8E5M2, "F8_E8M0": Float8E8M0, "F4": Float4E2M1, "F6_E2M3": Float6E2M3, "F6_E3M2": Float6E3M2,
}

// safetensorsEntry is the header of one tensor.
type safetensorsEntry struct {
	DType   string    `json:"dtype"`
	Shape   []int     `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// ReadSafetensors reads a file in the safetensors format: its tensors, which alias data, and its metadata.
func ReadSafetensors(data []byte) (tensors map[string]*Tensor, metadata map[string]string, err error) {
	if len(data) < 8 {
		return nil, nil, errors.New("tensor: safetensors: no header")
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxSafetensorsHeader || n > uint64(len(data)-8) {
		return nil, nil, fmt.Errorf("tensor: safetensors: header of %d bytes in a file of %d", n, len(data))
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		return nil, nil, fmt.Errorf("tensor: safetensors: %w", err)
	}
	tensors = make(map[string]*Tensor, len(header))
	for name, raw := range header {
		if name == "__metadata__" {
			err = json.Unmarshal(raw, &metadata)
		} else {
			tensors[name], err = safetensor(raw, data[8+n:])
		}
		if err != nil {
			return nil, nil, fmt.Errorf("tensor: safetensors: %q: %w", name, err)
		}
	}
	return tensors, metadata, nil
}

func safetensor(raw []byte, data []byte) (*Tensor, error) {
	var e safetensorsEntry
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	d, ok := safetensorsTypes[e.DType]
	if !ok {
		return nil, fmt.Errorf("element type %q is not supported", e.DType)
	}
	from, to := e.Offsets[0], e.Offsets[1]
	if from > to || to > uint64(len(data)) {
		return nil, fmt.Errorf("bytes %d to %d of %d", from, to, len(data))
	}
	shape := Shape(e.Shape)
	if shape == nil {
		shape = Shape{}
	}
	if _, err := FromBytes(d, shape, data[from:to:to]); err != nil {
		return nil, err
	}
	return fromEncoded(d, shape, data[from:to:to])
}

// WriteSafetensors writes dense tensors in the safetensors format, in the order of their names, so that equal
// contents give equal files.
func WriteSafetensors(w io.Writer, tensors map[string]*Tensor, metadata map[string]string) error {
	words := map[DType]string{}
	for word, d := range safetensorsTypes {
		words[d] = word
	}
	header := map[string]any{} // encoding/json writes the keys in order
	if len(metadata) > 0 {
		header["__metadata__"] = metadata
	}
	names := slices.Sorted(maps.Keys(tensors))
	at := uint64(0)
	for _, name := range names {
		t := tensors[name]
		word, ok := words[t.dtype]
		if t.kind != KindTensor || !ok || name == "__metadata__" {
			return fmt.Errorf("tensor: safetensors: no form for %q, a %v of %v", name, t.kind, t.dtype)
		}
		end := at + uint64(len(t.data))
		header[name] = safetensorsEntry{word, append([]int{}, t.shape...), [2]uint64{at, end}}
		at = end
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(text)%8 != 0 { // elements begin at a multiple of 8
		text = append(text, ' ')
	}
	head := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := w.Write(LittleEndian(tensors[name])); err != nil {
			return err
		}
	}
	return nil
}
