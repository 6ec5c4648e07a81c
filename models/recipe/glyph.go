package main

import (
	"fmt"
	"image"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/gomonobolditalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/gofont/gosmallcaps"
	"golang.org/x/image/font/gofont/gosmallcapsitalic"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// canvas is the side of the square that glyphs are drawn in, three times that of the model's input.
const canvas = 3 * side

// typefaces are the fonts of the Go project, BSD licence.
var typefaces = [][]byte{
	gobold.TTF, gobolditalic.TTF, goitalic.TTF, gomedium.TTF, gomediumitalic.TTF, gomono.TTF, gomonobold.TTF, gomonobolditalic.TTF,
	gomonoitalic.TTF, goregular.TTF, gosmallcaps.TTF, gosmallcapsitalic.TTF,
}

// sizes are the sizes of the em square in pixels: 34, 36 to 60.
const (
	firstSize = 34
	sizeStep  = 2
	sizeCount = 14
)

// strokes are the radii in pixels by which the outline of a glyph is thickened.
const strokes = 3

// A glyph is the ink of one digit, 0 to 1, centred in a square of canvas x canvas, with an empty margin around it.
type glyph []float32

// margin is the width of the empty margin of a glyph, which is as wide as the largest neighbourhood.
const (
	margin = strokes - 1
	stride = canvas + 2*margin
)

// index returns where a pixel of the square is. The margin counts from -margin to -1, and from canvas on.
func index(x, y int) int { return (y+margin)*stride + x + margin }

// glyphs holds every digit of every font, size and stroke.
type glyphs struct{ ink []glyph }

func (g *glyphs) of(face, size, digit, stroke int) glyph {
	return g.ink[((face*sizeCount+size)*10+digit)*strokes+stroke]
}

func drawGlyphs() (*glyphs, error) {
	g := &glyphs{}
	for _, ttf := range typefaces {
		outline, err := opentype.Parse(ttf)
		if err != nil {
			return nil, fmt.Errorf("models: a font: %w", err)
		}
		for size := range sizeCount {
			face, err := opentype.NewFace(outline, &opentype.FaceOptions{Size: float64(firstSize + sizeStep*size), DPI: 72})
			if err != nil {
				return nil, fmt.Errorf("models: a font: %w", err)
			}
			for digit := range 10 {
				plain := drawGlyph(face, string(rune('0'+digit)))
				for stroke := range strokes {
					g.ink = append(g.ink, plain.thickened(stroke))
				}
			}
		}
	}
	return g, nil
}

// drawGlyph centres text by its bounding box.
func drawGlyph(face font.Face, text string) glyph {
	bounds, _ := font.BoundString(face, text)
	middle := fixed.I(canvas / 2)
	dot := fixed.Point26_6{X: middle - (bounds.Min.X+bounds.Max.X)/2, Y: middle - (bounds.Min.Y+bounds.Max.Y)/2}
	dst := image.NewAlpha(image.Rect(0, 0, canvas, canvas))
	drawer := font.Drawer{Dst: dst, Src: image.Opaque, Face: face, Dot: dot}
	drawer.DrawString(text)
	out := make(glyph, stride*stride)
	for y := range canvas {
		for x := range canvas {
			out[index(x, y)] = float32(dst.AlphaAt(x, y).A) / 255
		}
	}
	return out
}

// thickened takes for each pixel the most ink within a circle, which moves the outline outwards by its radius.
func (g glyph) thickened(radius int) glyph {
	out := append(glyph(nil), g...)
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			if dx*dx+dy*dy <= radius*radius {
				g.fold(out, dx, dy, func(a, b float32) float32 { return max(a, b) })
			}
		}
	}
	return out
}

// eroded takes for each pixel the least ink of the 3 x 3 around it.
func (g glyph) eroded() glyph {
	out := append(glyph(nil), g...)
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			g.fold(out, dx, dy, func(a, b float32) float32 { return min(a, b) })
		}
	}
	return out
}

// fold combines every pixel of out with that of g at an offset.
func (g glyph) fold(out glyph, dx, dy int, combine func(a, b float32) float32) {
	for y := range canvas {
		from, to := g[index(dx, y+dy):][:canvas], out[index(0, y):][:canvas]
		for x := range to {
			to[x] = combine(to[x], from[x])
		}
	}
}
