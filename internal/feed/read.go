package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// ReadFile reads a value for an input from a file of the kind that its name ends in: .npy, .npz, .pb, .json, .wav, or the
// ending of a picture. The model's metadata, which may be nil, say how pictures and sounds become values; without a word there,
// pictures are scaled to what the input takes, with values from 0 to 1.
func ReadFile(file string, info runtime.ValueInfo, metadata map[string]string) (*tensor.Tensor, error) {
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
	case ".wav":
		return decodeSound(data, info, metadata)
	}
	if isPicture[ext] {
		return decodePicture(data, info, metadata)
	}
	return nil, fmt.Errorf("%s: want a file named .npy, .npz, .pb, .json, .wav, or like a picture: .png, .jpg, .bmp, .gif, .webp, .tif, .ppm", file)
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
