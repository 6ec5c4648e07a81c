package pipeline

import (
	"fmt"
	"image"

	"github.com/onnxrun/onnxrun/internal/kernel/picture"
	"github.com/onnxrun/onnxrun/tensor"
)

// DecodeImage reads a JPEG, PNG, BMP, GIF, TIFF, WebP or portable anymap picture with the values that Pillow gives for
// RGB: alpha is dropped, orientation tags are not followed.
func DecodeImage(data []byte) (image.Image, error) {
	p, err := picture.Open(data)
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	m := image.NewNRGBA(image.Rect(0, 0, p.Width, p.Height))
	err = p.Decode(func(y int, rgb []byte) {
		row := m.Pix[y*m.Stride:][:4*p.Width]
		for len(rgb) >= 3 {
			row[0], row[1], row[2], row[3] = rgb[0], rgb[1], rgb[2], 255
			row, rgb = row[4:], rgb[3:]
		}
	})
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	return m, nil
}

// ImageSize returns width and height of a picture without decoding it.
func ImageSize(data []byte) (width, height int, err error) {
	p, err := picture.Open(data)
	if err != nil {
		return 0, 0, fmt.Errorf("pipeline: %w", err)
	}
	return p.Width, p.Height, nil
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
	s := PictureSettings{Layout: l}
	if dtype != tensor.Uint8 {
		s.Scale = 1.0 / 255
	}
	x, err := s.Tensor(img, dtype)
	if err != nil {
		return nil, err
	}
	if l.Rank > x.Rank() {
		return x.Reshaped(append([]int{1}, x.Shape()...)...)
	}
	return x, nil
}

// Scale returns the picture at another size, sampled bilinearly with the support that shrinking needs; sizes below 1
// are 1.
func Scale(img image.Image, width, height int) *image.NRGBA {
	size := img.Bounds().Size()
	m, err := Resample(img, Box{0, 0, float64(size.X), float64(size.Y)}, width, height, "bilinear")
	if err != nil {
		return image.NewNRGBA(image.Rect(0, 0, max(0, width), max(0, height)))
	}
	return m
}

// Luma returns the grey value of a colour by the weights of ITU-R BT.601.
func Luma(r, g, b uint8) uint8 {
	return uint8((299*int(r) + 587*int(g) + 114*int(b) + 500) / 1000)
}
