package feed

import (
	"fmt"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// isPicture has the endings of the files that pipeline.DecodeImage reads.
var isPicture = map[string]bool{
	".png": true, ".jpg": true, ".jpeg": true, ".jpe": true, ".bmp": true, ".gif": true, ".webp": true, ".tif": true, ".tiff": true,
	".pbm": true, ".pgm": true, ".ppm": true, ".pnm": true,
}

// decodePicture makes a value of a picture, as the metadata say.
func decodePicture(data []byte, info runtime.ValueInfo, metadata map[string]string) (*tensor.Tensor, error) {
	img, err := pipeline.DecodeImage(data)
	if err != nil {
		return nil, err
	}
	s, ok, err := pipeline.PictureFromSettings(metadata)
	if err != nil {
		return nil, err
	}
	if !ok {
		return pipeline.ImageTensor(img, openDims(info), info.DType)
	}
	if s.Layout, err = pipeline.LayoutOf(openDims(info)); err != nil {
		return nil, err
	}
	x, err := s.Tensor(img, info.DType)
	if err != nil || x.Rank() == len(info.Dims) {
		return x, err
	}
	return x.Reshaped(append([]int{1}, x.Shape()...)...)
}

// openDims returns the sizes of an input's dimensions, -1 for the open ones.
func openDims(info runtime.ValueInfo) []int {
	dims := make([]int, len(info.Dims))
	for i, d := range info.Dims {
		dims[i] = d.Value
	}
	return dims
}

// decodeSound makes a value of a sound, at the rate and length that the metadata say.
func decodeSound(data []byte, info runtime.ValueInfo, metadata map[string]string) (*tensor.Tensor, error) {
	sound, err := pipeline.DecodeWAV(data)
	if err != nil {
		return nil, err
	}
	s, ok, err := pipeline.SoundFromSettings(metadata)
	if err != nil {
		return nil, err
	}
	if ok {
		if sound.Samples, err = s.Samples(sound); err != nil {
			return nil, err
		}
	}
	return soundTensor(sound, info)
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
