package picture

import (
	"image"
	"image/color"
)

// rowsOf reads pixels from a decoded picture: samples of 16 bits lose their low byte, alpha is left out.
func rowsOf(m image.Image) rows {
	b := m.Bounds()
	switch m := m.(type) {
	case *image.Gray:
		return func(y int, rgb []byte) {
			copy(rgb[:b.Dx()], m.Pix[y*m.Stride:])
			spread(rgb)
		}
	case *image.Gray16:
		return func(y int, rgb []byte) {
			pick(rgb, m.Pix[y*m.Stride:], 2, 0)
		}
	case *image.NRGBA:
		return func(y int, rgb []byte) { pick(rgb, m.Pix[y*m.Stride:], 4, 1) }
	case *image.NRGBA64:
		return func(y int, rgb []byte) { pick(rgb, m.Pix[y*m.Stride:], 8, 2) }
	case *image.Paletted:
		table := make([][3]byte, 256)
		for i, c := range m.Palette {
			table[i] = straight(c)
		}
		return func(y int, rgb []byte) {
			for x, i := range m.Pix[y*m.Stride : y*m.Stride+b.Dx()] {
				copy(rgb[3*x:], table[i][:])
			}
		}
	case *image.RGBA:
		if m.Opaque() {
			return func(y int, rgb []byte) { pick(rgb, m.Pix[y*m.Stride:], 4, 1) }
		}
	case *image.RGBA64:
		if m.Opaque() {
			return func(y int, rgb []byte) { pick(rgb, m.Pix[y*m.Stride:], 8, 2) }
		}
	}
	return func(y int, rgb []byte) {
		for x := range b.Dx() {
			c := straight(m.At(b.Min.X+x, b.Min.Y+y))
			copy(rgb[3*x:], c[:])
		}
	}
}

// pick copies the bytes at 0, apart and 2*apart of each pixel of the given size.
func pick(rgb, pix []byte, size, apart int) {
	for x := range len(rgb) / 3 {
		p := pix[x*size : x*size+2*apart+1]
		rgb[3*x], rgb[3*x+1], rgb[3*x+2] = p[0], p[apart], p[2*apart]
	}
}

// straight returns a colour's red, green and blue before they were multiplied with alpha.
func straight(c color.Color) [3]byte {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return [3]byte{n.R, n.G, n.B}
}
