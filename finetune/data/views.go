package data

import (
	"image"
	"math"

	"github.com/onnxrun/onnxrun/pipeline"
)

// augmented cuts a random part out of a picture, or fits it as usual, and then flips, turns and colours it, as the
// transforms of torchvision of the same names do.
func (v view) augmented(m image.Image, s *pipeline.PictureSettings) (*image.NRGBA, error) {
	a, draw := v.augment, v.draw("picture")
	size := m.Bounds().Size()
	out, err := s.Fit(m)
	if a.Crop > 0 && a.Crop < 1 {
		width, height := s.Size(size.X, size.Y)
		filter := s.Filter
		if filter == "" {
			filter = "bilinear"
		}
		out, err = pipeline.Resample(m, randomPart(draw, size, a.Crop), width, height, filter)
	}
	if err != nil {
		return nil, err
	}
	if a.Flip && draw.uniform(0, 1) < 0.5 {
		out = flipped(out)
	}
	if a.Rotate > 0 {
		out = turned(out, draw.uniform(-a.Rotate, a.Rotate)*math.Pi/180)
	}
	if a.Brightness > 0 || a.Contrast > 0 || a.Saturation > 0 {
		factor := func(x float64) float64 { return draw.uniform(max(0, 1-x), 1+x) }
		out = coloured(out, factor(a.Brightness), factor(a.Contrast), factor(a.Saturation))
	}
	return out, nil
}

// randomPart chooses a part of a picture with at least the given share of its area and a ratio of its sides of 3:4 to
// 4:3; after ten parts that do not fit, the largest in the middle.
func randomPart(draw *draw, size image.Point, least float64) pipeline.Box {
	w, h := float64(size.X), float64(size.Y)
	for range 10 {
		area := w * h * draw.uniform(least, 1)
		ratio := math.Exp(draw.uniform(math.Log(3.0/4), math.Log(4.0/3)))
		pw, ph := math.Round(math.Sqrt(area*ratio)), math.Round(math.Sqrt(area/ratio))
		if pw >= 1 && ph >= 1 && pw <= w && ph <= h {
			x, y := float64(draw.below(int(w-pw)+1)), float64(draw.below(int(h-ph)+1))
			return pipeline.Box{X0: x, Y0: y, X1: x + pw, Y1: y + ph}
		}
	}
	pw, ph := min(w, math.Ceil(h*4/3)), min(h, math.Ceil(w*4/3))
	x, y := math.Floor((w-pw)/2), math.Floor((h-ph)/2)
	return pipeline.Box{X0: x, Y0: y, X1: x + pw, Y1: y + ph}
}

// flipped swaps left and right.
func flipped(m *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	w := m.Rect.Dx()
	for y := range m.Rect.Dy() {
		from, to := m.Pix[y*m.Stride:], out.Pix[y*out.Stride:]
		for x := range w {
			copy(to[4*x:4*x+4], from[4*(w-1-x):])
		}
	}
	return out
}

// turned rotates a picture around its middle, counter-clockwise, between pixels by two lines; what comes from outside
// is black.
func turned(m *image.NRGBA, angle float64) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	sin, cos := math.Sincos(angle)
	cx, cy := float64(w-1)/2, float64(h-1)/2
	at := func(x, y, c int) float64 {
		if x < 0 || y < 0 || x >= w || y >= h {
			return 0
		}
		return float64(m.Pix[y*m.Stride+4*x+c])
	}
	for y := range h {
		for x := range w {
			dx, dy := float64(x)-cx, float64(y)-cy
			sx, sy := cos*dx-sin*dy+cx, sin*dx+cos*dy+cy
			x0, y0 := int(math.Floor(sx)), int(math.Floor(sy))
			fx, fy := sx-float64(x0), sy-float64(y0)
			p := out.Pix[y*out.Stride+4*x:][:4]
			for c := range 3 {
				top := at(x0, y0, c)*(1-fx) + at(x0+1, y0, c)*fx
				bottom := at(x0, y0+1, c)*(1-fx) + at(x0+1, y0+1, c)*fx
				p[c] = byte(top*(1-fy) + bottom*fy + 0.5)
			}
			p[3] = 255
		}
	}
	return out
}

// coloured changes brightness (towards black), contrast (towards the mean grey) and saturation (towards each pixel's
// grey); a factor of 1 leaves it.
func coloured(m *image.NRGBA, brightness, contrast, saturation float64) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	var sum float64
	for i := 0; i < len(m.Pix); i += 4 {
		for c := range 3 {
			out.Pix[i+c] = blend(m.Pix[i+c], 0, brightness)
		}
		out.Pix[i+3] = 255
		sum += luma(out.Pix[i:])
	}
	mean := math.Floor(sum / float64(max(1, len(m.Pix)/4)))
	for i := 0; i < len(out.Pix); i += 4 {
		p := out.Pix[i : i+3]
		for c := range p {
			p[c] = blend(p[c], mean, contrast)
		}
		grey := luma(p)
		for c := range p {
			p[c] = blend(p[c], grey, saturation)
		}
	}
	return out
}

func luma(p []byte) float64 { return float64(pipeline.Luma(p[0], p[1], p[2])) }

// blend mixes a value with another by a factor that may be above 1.
func blend(v byte, with, factor float64) byte {
	return byte(max(0, min(255, factor*float64(v)+(1-factor)*with+0.5)))
}
