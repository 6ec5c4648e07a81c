package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// ReadFile reads a value for an input from a file of the kind that its name ends in: .npy, .npz, .pb, .json,
// .png, .jpg or .wav.
func ReadFile(file string, info runtime.ValueInfo) (*tensor.Tensor, error) {
	ext := strings.ToLower(filepath.Ext(file))
	if ext == ".npz" {
		arrays, err := readNPZ(file)
		if err != nil {
			return nil, err
		}
		if t := arrays[info.Name]; t != nil {
			return t, nil
		}
		for _, t := range arrays {
			if len(arrays) == 1 {
				return t, nil
			}
		}
		return nil, fmt.Errorf("%s holds %d arrays, none named %q", file, len(arrays), info.Name)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	switch ext {
	case ".npy":
		return tensor.ReadNPY(bytes.NewReader(data))
	case ".pb":
		return tensor.DecodeValue(info.Kind, data)
	case ".json":
		return decodeJSON(data, info)
	case ".png", ".jpg", ".jpeg":
		img, err := pipeline.DecodeImage(data)
		if err != nil {
			return nil, err
		}
		return pipeline.ImageTensor(img, openDims(info), info.DType)
	case ".wav":
		sound, err := pipeline.DecodeWAV(data)
		if err != nil {
			return nil, err
		}
		return soundTensor(sound, info)
	}
	return nil, fmt.Errorf("%s: want a file named .npy, .npz, .pb, .json, .png, .jpg or .wav", file)
}

// openDims returns the sizes of an input's dimensions, -1 for the open ones.
func openDims(info runtime.ValueInfo) []int {
	dims := make([]int, len(info.Dims))
	for i, d := range info.Dims {
		dims[i] = d.Value
	}
	return dims
}

// soundTensor shapes samples like the input: its last open dimension takes what the fixed ones leave, other
// open ones are 1; fixed sizes cut the sound or pad it with silence.
func soundTensor(sound *pipeline.Sound, info runtime.ValueInfo) (*tensor.Tensor, error) {
	if info.DType != tensor.Float32 {
		return nil, fmt.Errorf("no sound for an input of %v: want float32", info.DType)
	}
	shape, open, n := tensor.Shape(openDims(info)), -1, 1
	for i, d := range shape {
		if d < 0 {
			open, shape[i] = i, 1
		} else {
			n *= d
		}
	}
	if open >= 0 {
		shape[open] = len(sound.Samples) / max(1, n)
	}
	samples := make([]float32, shape.Len())
	copy(samples, sound.Samples)
	return tensor.FromSlice(samples, append([]int{}, shape...)...), nil
}

// parseShape reads sizes with commas between; the empty text is a scalar.
func parseShape(s string) (tensor.Shape, error) {
	shape := tensor.Shape{}
	if s == "" {
		return shape, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 0 {
			return nil, fmt.Errorf("feed: shape %q, want sizes with commas between", s)
		}
		shape = append(shape, n)
	}
	return shape, nil
}

// decodeRaw reads raw little-endian elements, or a JSON list of strings.
func decodeRaw(dtype tensor.DType, shape tensor.Shape, data []byte) (*tensor.Tensor, error) {
	if dtype != tensor.String {
		return tensor.FromBytes(dtype, shape, data)
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	if n, err := shape.Count(); err != nil || n != len(list) {
		return nil, fmt.Errorf("%d strings for shape %v", len(list), []int(shape))
	}
	return tensor.FromSlice(list, append([]int{}, shape...)...), nil
}
