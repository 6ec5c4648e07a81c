package ops

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/picture"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// pixelPut stores a row of red, green, blue bytes in an output format.
type pixelPut func(dst, rgb []byte)

// pixelFormat returns the number of channels and the row function of attribute pixel_format.
func pixelFormat(a Attrs) (int, pixelPut, error) {
	switch name := a.Str("pixel_format"); name {
	case "RGB":
		return 3, func(dst, rgb []byte) { copy(dst, rgb) }, nil
	case "BGR":
		return 3, putBGR, nil
	case "Grayscale":
		return 1, putGray, nil
	default:
		return 0, nil, fmt.Errorf("ops: pixel_format is %q, want RGB, BGR or Grayscale", name)
	}
}

func putBGR(dst, rgb []byte) {
	for i := 0; i+2 < len(rgb); i += 3 {
		dst[i], dst[i+1], dst[i+2] = rgb[i+2], rgb[i+1], rgb[i]
	}
}

// putGray weighs the colours as ITU-R 601-2 does, in 16-bit fixed point as Pillow does.
func putGray(dst, rgb []byte) {
	for i := range dst {
		p := rgb[3*i : 3*i+3]
		dst[i] = byte((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
	}
}

// imageDecoderInfer infers [height, width, channels]; only the last is known.
func imageDecoderInfer(c *InferCtx) error {
	channels, _, err := pixelFormat(c.Attrs)
	if err != nil {
		return err
	}
	if x := c.Type(0); x.Ranked && len(x.Dims) != 1 {
		return fmt.Errorf("ops: the encoded stream has shape %v, want one dimension", x)
	}
	c.Set(0, tensor.Uint8, c.Fresh(), c.Fresh(), sym.Const(int64(channels)))
	return nil
}

// imageDecoderKernel decodes a picture file. As the standard wants it, what cannot be decoded gives an empty
// picture, [0, 0, channels]; kinds of pictures that are missing here and pictures too large are errors.
func imageDecoderKernel(k *KernelCtx) (Kernel, error) {
	channels, put, err := pixelFormat(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: func(c *Call) error {
		p, err := picture.Open(tensor.Of[uint8](c.In[0]))
		if err == nil {
			var y *tensor.Tensor
			if y, err = c.Alloc(0, tensor.Uint8, p.Height, p.Width, channels); err != nil {
				return err
			}
			out, n := tensor.Of[uint8](y), p.Width*channels
			err = p.Decode(func(y int, rgb []byte) { put(out[y*n:(y+1)*n], rgb) })
		}
		switch {
		case errors.Is(err, picture.ErrUnsupported):
			return Unsupported("%v", err)
		case errors.Is(err, picture.ErrTooLarge):
			return fmt.Errorf("ops: %w", err)
		case err != nil:
			_, err = c.Alloc(0, tensor.Uint8, 0, 0, channels)
		}
		return err
	}}, nil
}
