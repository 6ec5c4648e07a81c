package pipeline

import (
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// PictureSettings say how a picture becomes the values that a model takes: it is resized, cut, scaled, shifted and laid
// out, in this order, as the image processors of Hugging Face do. The zero value keeps the size and the bytes.
type PictureSettings struct {
	// Resize is "" or "none" to keep the size, "stretch" to bring it to Width x Height, or "shortest" to bring the
	// shorter side to Short and the other in proportion.
	Resize        string
	Filter        string // see Resample; "" is bilinear
	Short         int
	Width, Height int // of the result: what is larger is cut around the middle, what is smaller gets a black frame; 0: any

	Scale     float64   // of the values 0 to 255; 0 is 1
	Mean, Std []float64 // of each channel or of all, after scaling; none: 0 and 1
	BGR       bool      // blue comes first
	Gray      bool      // all channels are the grey value

	Layout Layout // how the model takes pictures; its sizes where they are fixed are those of Width and Height
}

// Fit resizes and cuts a picture.
func (s *PictureSettings) Fit(img image.Image) (*image.NRGBA, error) {
	size := img.Bounds().Size()
	if size.X < 1 || size.Y < 1 {
		return nil, errors.New("pipeline: picture: it has no pixels")
	}
	width, height := s.target(size)
	m := opaque(img)
	if width != size.X || height != size.Y {
		var err error
		if m, err = Resample(m, Box{0, 0, float64(size.X), float64(size.Y)}, width, height, s.filter()); err != nil {
			return nil, err
		}
	}
	w, h := s.Size(width, height)
	if w == width && h == height {
		return m, nil
	}
	if w < 1 || h < 1 || w > maxPixels/h {
		return nil, fmt.Errorf("pipeline: picture: size %d x %d", w, h)
	}
	return middle(m, w, h), nil
}

func (s *PictureSettings) filter() string {
	if s.Filter == "" {
		return "bilinear"
	}
	return s.Filter
}

// target returns the size after resizing.
func (s *PictureSettings) target(size image.Point) (width, height int) {
	switch {
	case s.Resize == "shortest" && size.X <= size.Y:
		return s.Short, int(float64(s.Short) * float64(size.Y) / float64(size.X))
	case s.Resize == "shortest":
		return int(float64(s.Short) * float64(size.X) / float64(size.Y)), s.Short
	case s.Resize == "stretch" || s.Resize == "" && (s.Layout.Height > 0 || s.Layout.Wide > 0):
		return s.Size(size.X, size.Y)
	}
	return size.X, size.Y
}

// Size returns the size of the result for a picture that has the given one after resizing.
func (s *PictureSettings) Size(width, height int) (w, h int) {
	pick := func(asked, model, own int) int {
		switch {
		case asked > 0:
			return asked
		case model > 0:
			return model
		}
		return own
	}
	return pick(s.Width, s.Layout.Wide, width), pick(s.Height, s.Layout.Height, height)
}

// middle cuts a picture around its middle, or puts it into the middle of a black one.
func middle(m *image.NRGBA, width, height int) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := 3; i < len(out.Pix); i += 4 {
		out.Pix[i] = 255
	}
	size := m.Rect.Size()
	dx, dy := floorHalf(size.X-width), floorHalf(size.Y-height)
	for y := max(0, -dy); y < height && y+dy < size.Y; y++ {
		x := max(0, -dx)
		n := min(width-x, size.X-x-dx)
		copy(out.Pix[y*out.Stride+4*x:][:4*n], m.Pix[(y+dy)*m.Stride+4*(x+dx):])
	}
	return out
}

func floorHalf(n int) int { return n >> 1 }

// Tensor makes the values of a picture: [channels, height, width] or as the layout says, without the batch dimension.
// Float types get scaled values, uint8 the bytes.
func (s *PictureSettings) Tensor(img image.Image, dtype tensor.DType) (*tensor.Tensor, error) {
	m, err := s.Fit(img)
	if err != nil {
		return nil, err
	}
	return s.Values(m, dtype)
}

// Values lays out a picture that has its final size already.
func (s *PictureSettings) Values(m *image.NRGBA, dtype tensor.DType) (*tensor.Tensor, error) {
	if s.Gray {
		m = gray(m)
	}
	l := s.Layout
	if l.Rank == 0 {
		l = Layout{Rank: 3, Channel: 0, Row: 1, Column: 2, Channels: 3}
	}
	if l.Channels < 1 {
		l.Channels = 3
	}
	l.Height, l.Wide = m.Rect.Dy(), m.Rect.Dx()
	shape := make(tensor.Shape, l.Rank)
	for i := range shape {
		shape[i] = 1
	}
	if l.Channel >= 0 {
		shape[l.Channel] = l.Channels
	}
	shape[l.Row], shape[l.Column] = l.Height, l.Wide
	strides := shape.Strides()
	if l.Rank == 4 {
		shape = shape[1:]
	}
	switch dtype {
	case tensor.Uint8:
		return tensor.FromSlice(lay(l, m, strides, s.BGR, func(int) [256]uint8 { return identity() }), shape...), nil
	case tensor.Float32:
		if err := s.check(l.Channels); err != nil {
			return nil, err
		}
		return tensor.FromSlice(lay(l, m, strides, s.BGR, s.table), shape...), nil
	}
	return nil, fmt.Errorf("pipeline: no picture for an input of %v: want float32 or uint8", dtype)
}

// gray returns a picture of the grey values.
func gray(m *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		v := Luma(m.Pix[i], m.Pix[i+1], m.Pix[i+2])
		out.Pix[i], out.Pix[i+1], out.Pix[i+2], out.Pix[i+3] = v, v, v, 255
	}
	return out
}

// check looks whether mean and deviation fit the number of channels and are numbers to shift and divide by.
func (s *PictureSettings) check(channels int) error {
	for _, list := range [][]float64{s.Mean, s.Std} {
		if n := len(list); n > 1 && n != channels {
			return fmt.Errorf("pipeline: picture: mean or deviation of %d channels, the model takes %d", n, channels)
		}
		for _, v := range list {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("pipeline: picture: mean or deviation %v", v)
			}
		}
	}
	for _, v := range s.Std {
		if v == 0 {
			return errors.New("pipeline: picture: a deviation of 0")
		}
	}
	return nil
}

// table returns the value that each byte of a channel becomes.
func (s *PictureSettings) table(channel int) (t [256]float32) {
	of := func(list []float64, otherwise float64) float64 {
		switch len(list) {
		case 0:
			return otherwise
		case 1:
			return list[0]
		}
		return list[channel]
	}
	scale := s.Scale
	if scale == 0 {
		scale = 1
	}
	mean, std := of(s.Mean, 0), of(s.Std, 1)
	for i := range t {
		t[i] = float32((float64(i)*scale - mean) / std)
	}
	return t
}

func identity() (t [256]uint8) {
	for i := range t {
		t[i] = uint8(i)
	}
	return t
}

// lay writes the channels of a picture at the given strides, its bytes looked up in a table for each channel.
func lay[T uint8 | float32](l Layout, m *image.NRGBA, strides []int, bgr bool, table func(channel int) [256]T) []T {
	out := make([]T, l.Channels*l.Height*l.Wide)
	for c := range l.Channels {
		values, offset, from := table(c), 0, c
		if l.Channel >= 0 {
			offset = c * strides[l.Channel]
		}
		if bgr && c < 3 {
			from = 2 - c
		}
		for y := range l.Height {
			row := m.Pix[y*m.Stride:][:4*l.Wide]
			at := offset + y*strides[l.Row]
			for ; len(row) >= 4; row, at = row[4:], at+strides[l.Column] {
				if l.Channels == 1 {
					out[at] = values[Luma(row[0], row[1], row[2])]
				} else {
					out[at] = values[row[from]]
				}
			}
		}
	}
	return out
}
