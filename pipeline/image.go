package pipeline

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder

	"golang.org/x/image/draw"

	"github.com/onnxrun/onnxrun/tensor"
)

// DecodeImage reads a PNG or JPEG picture.
func DecodeImage(data []byte) (image.Image, error) {
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("pipeline: picture: %w", err)
	}
	return img, nil
}

// Layout says where a picture's channels, rows and columns stand among the dimensions of a tensor.
type Layout struct {
	Rank                   int
	Channel, Row, Column   int // positions; Channel is -1 for a tensor without channels
	Channels, Height, Wide int // sizes; -1 where the model leaves them open
}

// LayoutOf recognises the layout of an input: [C H W] or [H W C], after a batch dimension or not, and
// [H W]. A channel count is 1, 3 or 4; where only the positions are open, NCHW is taken.
// Dimensions that the model leaves open are negative.
func LayoutOf(dims []int) (Layout, error) {
	n := len(dims)
	channels := func(d int) bool { return d == 1 || d == 3 || d == 4 }
	l := Layout{Rank: n}
	switch {
	case n == 2:
		l.Channel, l.Row, l.Column = -1, 0, 1
	case n != 3 && n != 4:
		return l, fmt.Errorf("pipeline: no picture for an input of shape %v", dims)
	case channels(dims[n-3]) || dims[n-3] < 0 && !channels(dims[n-1]):
		l.Channel, l.Row, l.Column = n-3, n-2, n-1
	case channels(dims[n-1]):
		l.Channel, l.Row, l.Column = n-1, n-3, n-2
	default:
		return l, fmt.Errorf("pipeline: no dimension of %v counts the channels of a picture", dims)
	}
	if n == 4 && dims[0] > 1 {
		return l, fmt.Errorf("pipeline: one picture for a batch of %d", dims[0])
	}
	l.Channels, l.Height, l.Wide = 1, dims[l.Row], dims[l.Column]
	if l.Channel >= 0 {
		l.Channels = dims[l.Channel]
	}
	return l, nil
}

// ImageTensor scales a picture to the size that dims ask for and lays it out: float types get values in
// [0, 1], uint8 gets 0 to 255. Open dimensions take the picture's own size and three channels.
func ImageTensor(img image.Image, dims []int, dtype tensor.DType) (*tensor.Tensor, error) {
	l, err := LayoutOf(dims)
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	l.Height, l.Wide = orElse(l.Height, size.Y), orElse(l.Wide, size.X)
	l.Channels = orElse(l.Channels, 3)
	shape := make(tensor.Shape, l.Rank)
	shape[0] = 1
	if l.Channel >= 0 {
		shape[l.Channel] = l.Channels
	}
	shape[l.Row], shape[l.Column] = l.Height, l.Wide
	pix := l.pixels(Scale(img, l.Wide, l.Height), shape.Strides())
	switch dtype {
	case tensor.Uint8:
		return tensor.FromSlice(pix, shape...), nil
	case tensor.Float32:
		f := make([]float32, len(pix))
		for i, p := range pix {
			f[i] = float32(p) / 255
		}
		return tensor.FromSlice(f, shape...), nil
	}
	return nil, fmt.Errorf("pipeline: no picture for an input of %v: want float32 or uint8", dtype)
}

func orElse(d, otherwise int) int {
	if d < 0 {
		return otherwise
	}
	return d
}

// Scale returns the picture at another size, sampled bilinearly with the support that shrinking needs.
func Scale(img image.Image, width, height int) *image.NRGBA {
	dst := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.BiLinear.Scale(dst, dst.Bounds(), img, img.Bounds(), draw.Src, nil)
	return dst
}

// pixels writes the channels of img at the given strides.
func (l Layout) pixels(img *image.NRGBA, strides []int) []uint8 {
	out := make([]uint8, l.Channels*l.Height*l.Wide)
	cs := 0
	if l.Channel >= 0 {
		cs = strides[l.Channel]
	}
	for y := range l.Height {
		for x := range l.Wide {
			p := img.Pix[y*img.Stride+4*x:][:4]
			at := y*strides[l.Row] + x*strides[l.Column]
			if l.Channels == 1 {
				out[at] = Luma(p[0], p[1], p[2])
				continue
			}
			for c := range l.Channels {
				out[at+c*cs] = p[c]
			}
		}
	}
	return out
}

// Luma returns the grey value of a colour by the weights of ITU-R BT.601.
func Luma(r, g, b uint8) uint8 {
	return uint8((299*int(r) + 587*int(g) + 114*int(b) + 500) / 1000)
}
