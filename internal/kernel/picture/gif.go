package picture

import (
	"bytes"
	"image"
	"image/gif"
)

// denseGIF: a code of twelve bits stands for at most 4096 pixels.
const denseGIF = 4096

// openGIF reads the first picture of a file, on a black screen where it does not cover that.
func openGIF(data []byte) (*Picture, error) {
	c, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	screen := image.Rect(0, 0, c.Width, c.Height)
	return &Picture{Width: c.Width, Height: c.Height, dense: denseGIF, load: func() (rows, error) {
		m, err := gif.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		frame := m.Bounds()
		if frame == screen {
			return rowsOf(m), nil
		}
		part := rowsOf(m)
		line := make([]byte, 3*frame.Dx())
		return func(y int, rgb []byte) {
			clear(rgb)
			if y >= frame.Min.Y && y < frame.Max.Y {
				part(y-frame.Min.Y, line)
				copy(rgb[3*frame.Min.X:], line)
			}
		}, nil
	}}, nil
}
