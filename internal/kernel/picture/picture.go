// Package picture decodes picture files into rows of 8-bit pixels: JPEG, PNG, BMP, GIF, TIFF, WebP and the portable
// anymaps, with the values that Pillow gives (libjpeg's and libwebp's chroma filters included).
//
// Alpha is dropped, palettes and CMYK become colours, 16 bits become 8, orientation tags are not followed. It
// imports internal/kernel/jpeg; golang.org/x/image reads BMP, TIFF and WebP, the standard library PNG and GIF.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/onnxrun/onnxrun/internal/kernel/jpeg"
)

// ErrUnsupported marks pictures of a valid kind that is not decoded here.
var ErrUnsupported = errors.New("picture: not supported")

// ErrTooLarge marks pictures with more than MaxPixels pixels.
var ErrTooLarge = errors.New("picture: too large")

// MaxPixels is the size from which Pillow, too, takes a picture for an attack on memory.
const MaxPixels = 178956970

// What a byte of a file can stand for at most, in pixels, so that a small file cannot ask for much memory.
const (
	denseBMP  = 8       // one bit a pixel
	denseJPEG = 1024    // one bit a block of 64, of which sampling factors may leave out one in nine
	densePNG  = 1 << 14 // one bit a pixel, deflated at its limit of 1:1032; TIFF, too
)

// A Picture is a file whose kind and size are known.
type Picture struct {
	Width, Height int

	dense int // pixels per byte at most, 0: no bound
	load  func() (rows, error)
}

// rows writes the pixels of row y as red, green, blue.
type rows func(y int, rgb []byte)

// Open recognises the kind of a file and reads its size, without allocating anything in proportion to it.
func Open(data []byte) (*Picture, error) {
	var p *Picture
	err := guard(func() (err error) {
		p, err = open(data)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case p.Width <= 0 || p.Height <= 0:
		return nil, fmt.Errorf("picture: size %d x %d", p.Width, p.Height)
	case p.Width > MaxPixels/p.Height:
		return nil, fmt.Errorf("%w: %d x %d pixels, at most %d", ErrTooLarge, p.Width, p.Height, MaxPixels)
	case p.dense > 0 && p.Width*p.Height/p.dense > len(data):
		return nil, fmt.Errorf("picture: %d x %d pixels in %d bytes", p.Width, p.Height, len(data))
	}
	return p, nil
}

func open(data []byte) (*Picture, error) {
	has := func(prefix string) bool { return bytes.HasPrefix(data, []byte(prefix)) }
	switch {
	case has("\xff\xd8"):
		return openJPEG(data)
	case has("\x89PNG\r\n\x1a\n"):
		return openStd(data, densePNG, png.DecodeConfig, png.Decode)
	case has("BM"):
		return openStd(data, denseBMP, bmp.DecodeConfig, bmp.Decode)
	case has("GIF87a"), has("GIF89a"):
		return openGIF(data)
	case has("II*\x00"), has("MM\x00*"):
		return openTIFF(data)
	case isWebP(data):
		return openWebP(data)
	case len(data) > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6':
		return openPNM(data)
	case has("\x00\x00\x00\x0cjP  \r\n\x87\n"), has("\xff\x4f\xff\x51"):
		return nil, fmt.Errorf("%w: JPEG 2000", ErrUnsupported)
	}
	return nil, errors.New("picture: of no known format")
}

// Decode reads the pixels into dst, row by row. Each row is handed to put: three bytes a pixel, red, green, blue.
func (p *Picture) Decode(put func(y int, rgb []byte)) error {
	return guard(func() error {
		row, err := p.load()
		if err != nil {
			return err
		}
		rgb := make([]byte, 3*p.Width)
		for y := range p.Height {
			row(y, rgb)
			put(y, rgb)
		}
		return nil
	})
}

// guard turns a panic of a decoder, which gets files from strangers, into an error, and marks what the decoders
// report as valid but unknown to them.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("picture: malformed: %v", r)
		}
	}()
	err = f()
	var ofTIFF tiff.UnsupportedError
	var ofPNG png.UnsupportedError
	if errors.Is(err, bmp.ErrUnsupported) || errors.Is(err, jpeg.ErrUnsupported) || errors.As(err, &ofTIFF) || errors.As(err, &ofPNG) {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return err
}

func openJPEG(data []byte) (*Picture, error) {
	f, err := jpeg.Open(data)
	if err != nil {
		return nil, err
	}
	load := func() (rows, error) {
		if err := f.Decode(); err != nil {
			return nil, err
		}
		switch f.Space {
		case jpeg.Gray:
			return func(y int, rgb []byte) {
				f.Row(y, rgb)
				spread(rgb)
			}, nil
		case jpeg.CMYK:
			ink := make([]byte, 4*f.Width)
			return func(y int, rgb []byte) {
				f.Row(y, ink)
				for x := range f.Width {
					mix(rgb[3*x:3*x+3], ink[4*x:4*x+4])
				}
			}, nil
		default:
			return f.Row, nil
		}
	}
	return &Picture{Width: f.Width, Height: f.Height, dense: denseJPEG, load: load}, nil
}

// spread makes three bytes of each of the first third of the row, in place.
func spread(rgb []byte) {
	for x := len(rgb)/3 - 1; x >= 0; x-- {
		rgb[3*x], rgb[3*x+1], rgb[3*x+2] = rgb[x], rgb[x], rgb[x]
	}
}

// mix prints inverted inks on paper: each colour is white less black, less its ink's share of that.
func mix(rgb, ink []byte) {
	white := uint(ink[3])
	for i := range rgb {
		t := (255-uint(ink[i]))*white + 128
		rgb[i] = byte(white - (t+t>>8)>>8)
	}
}

func openStd(data []byte, dense int, config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (*Picture, error) {
	c, err := config(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return &Picture{Width: c.Width, Height: c.Height, dense: dense, load: func() (rows, error) {
		m, err := decode(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return rowsOf(m), nil
	}}, nil
}
